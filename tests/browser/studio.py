"""The studio of an installation with a history, served for a browser, and its URLs."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from nurture.services.owner import sessions
from nurture.store.migrate import migrate
from tests.browser.lifelike import NOW, fill
from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.servers.ports import free_port
from webhooks import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADDRESS, PASSWORD = "paul@example.org", "gently moving every morning"

#: Every page that is looked at with axe, light and dark, on a phone and on a desk.
PAGES = (
    "/studio/",
    "/studio/people",
    "/studio/people?stage=booked",
    "/studio/people/12",
    "/studio/people/12/stop",
    "/studio/people/12/forget",
    "/studio/segments",
    "/studio/segments/gone-quiet",
    "/studio/segments/new",
    "/studio/segments/gone-quiet/edit",
    "/studio/segments/gone-quiet/text",
    "/studio/account",
    "/studio/emails/",
    "/studio/emails/pain-guide/your-guide",
    "/studio/broadcasts",
    "/studio/broadcasts/new/draft",
    "/studio/sequences/",
    "/studio/sequences/pain-guide",
    "/studio/sequences/pain-guide/edit",
    "/studio/sequences/pain-guide/edit/new",
    "/studio/sequences/pain-guide/edit/steps/muscle-activation-podcast",
    "/studio/sequences/pain-guide/review",
    "/studio/sequences/pain-guide/history",
    "/studio/sequences/pain-guide/pause",
    "/studio/settings",
    "/studio/settings/practice",
    "/studio/settings/hours",
    "/studio/settings/mail",
    "/studio/settings/website",
    "/studio/settings/website/pain-guide",
    "/studio/settings/machinery",
    "/studio/held",
    "/studio/complaints",
    "/studio/people/lists",
    "/studio/people/lists/unknown",
)

CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


@dataclass(frozen=True)
class Studio:
    """A running studio: `url` is its base URL, without a path."""

    home: Installation
    url: str

    def add_owner(self, address: str = ADDRESS) -> str:
        """Run the command that adds an owner, and return the link it prints."""
        command = [sys.executable, "-m", "nurture", "owner", "add", address]
        said = subprocess.run(
            command, env=self.home.environment, capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"https?://\S+", said)
        assert found, said
        return found[0]

    def sign_in(self, page: "Page") -> None:
        """Sign a browser in without using the sign-in pages."""
        context = self.home.context
        token = sessions.make_link(context.database, ADDRESS, context.clock())
        signed = sessions.set_first_password(context.database, token, PASSWORD, context.clock())
        cookie = {"name": "studio", "value": signed.identifier, "url": f"{self.url}/studio"}
        page.context.add_cookies([cookie])


@contextmanager
def running(directory: Path, *, history: bool = True, **more: str) -> Iterator[Studio]:
    """Run an installation, with a history or without people, and its web server in the block.

    `more` are further settings.
    """
    url = f"sqlite:///{directory}/nurture.db"
    migrate(url)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {"NURTURE_BASE_URL": address, **more}
    home = Installation(url, directory, ClockFile(directory / "clock", NOW), settings=settings)
    home.publish_shipped()
    if history:
        fill(home)
    server = make_server("127.0.0.1", port, create_app(home.context), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Studio(home, address)
    finally:
        server.shutdown()
        home.close()


def chromium() -> str:
    """Return the path of the machine's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "There is no Chromium here; “make browser” installs it or says how."
    return found


def visit_all(page: "Page", url: str) -> Iterator[str]:
    """Open every page of the studio in turn."""
    for path in PAGES:
        answer = page.goto(url + path)
        assert answer is not None
        assert answer.status == 200, path
        yield path
