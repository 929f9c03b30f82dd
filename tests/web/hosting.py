"""The page of a hosted form, opened, filled in and sent as a browser does."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.library.folder import read_library
from nurture.services.publishing import files
from tests.installation import SHIPPED, Installation
from tests.web.reading import Page, read
from webhooks import create_app

PAGE, THANKS = "/f/pain-guide", "/f/pain-guide/thanks"
ANN = "ann@example.org"

#: What a browser sends with a form that it shows the answer to.
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
}


@dataclass
class Visitor:
    """A person with a browser at one address, who takes a while to fill in a form."""

    home: Installation
    address: str = "192.0.2.7"
    settings: Mapping[str, str] = field(default_factory=dict)
    browser: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        context = self.home.another(**self.settings) if self.settings else self.home.context
        self.browser = create_app(context).test_client()
        self.browser.environ_base["REMOTE_ADDR"] = self.address

    def opens(self, path: str = PAGE) -> Page:
        """Open the page."""
        answer = self.browser.get(path, headers=BROWSER)
        assert answer.status_code == 200, answer.text
        return read(answer.text)

    def sends(
        self,
        page: Page | None = None,
        *,
        seconds: float = 20,
        headers: Mapping[str, str] = BROWSER,
        **typed: Any,
    ) -> TestResponse:
        """Fill in the page and send it, some seconds after it was opened."""
        page = page or self.opens()
        self.home.clock.advance(timedelta(seconds=seconds))
        [form] = page.all("form")
        path = form.attributes["action"]
        return self.browser.post(path, data=fields_of(page) | typed, headers=headers)


def publish_changed(home: Installation, root: Path, file: str, old: str, new: str) -> None:
    """Publish the shipped emails with a change in one file."""
    shutil.copytree(SHIPPED, root)
    written = root / file
    text = written.read_text("utf-8")
    assert old in text
    written.write_text(text.replace(old, new), "utf-8")
    files.publish(home.context.database, read_library(root), home.clock.now)


def fields_of(page: Page) -> dict[str, Any]:
    """Return what a browser would send if nothing was typed."""
    inputs = [one.attributes for one in page.all("input") if one.inside("form")]
    return {one["name"]: one.get("value", "") for one in inputs if one.get("type") != "checkbox"}
