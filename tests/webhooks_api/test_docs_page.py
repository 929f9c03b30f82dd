"""The page for web designers: its examples can be copied and work."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from sqlalchemy import select

from nurture.store.tables.subscribers import subscribers
from tests.installation import SIGNUP_SECRET, SIGNUP_TOKEN, Installation
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.web import serving

ROOT = Path(__file__).parents[2]
VOID = {"meta", "link", "input", "br"}

php = pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP here")
curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path, clock_file: ClockFile) -> Iterator[Installation]:
    # The examples sign with the real time, so this installation goes by it.
    installation = Installation(sqlite_url, tmp_path, clock_file, settings={"NURTURE_CLOCK": ""})
    yield installation.publish_shipped()
    installation.close()


@pytest.fixture
def served(installation: Installation) -> Iterator[str]:
    """The page, from a real server that its examples can reach."""
    with serving.served(installation) as url, urlopen(f"{url}/docs") as answer:
        yield answer.read().decode()


def example(page: str, name: str) -> str:
    """Return the text of an example, as copied from a browser."""
    [found] = re.findall(rf'<code id="{name}-example">(.*?)</code>', page, re.DOTALL)
    return unescape(found)


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    known = {
        "PATH": os.environ["PATH"],
        "NURTURE_SIGNUP_SECRET": SIGNUP_SECRET,
        "NURTURE_SIGNUP_TOKEN": SIGNUP_TOKEN,
    }
    return subprocess.run(
        command, env=known | environment, capture_output=True, text=True, timeout=20
    )


def addresses(installation: Installation) -> list[str]:
    with installation.context.database.reading() as connection:
        return list(connection.scalars(select(subscribers.c.address)))


def test_the_python_example_signs_a_person_up(served: str, installation: Installation) -> None:
    done = run([sys.executable, "-c", example(served, "python")])
    assert (done.stdout, done.stderr) == ("202\n", "")
    assert addresses(installation) == ["alice@example.org"]


def test_the_python_example_is_refused_with_a_wrong_secret(
    served: str, installation: Installation
) -> None:
    script = example(served, "python")
    done = run([sys.executable, "-c", script], NURTURE_SIGNUP_SECRET="whsec_b3RoZXI=")
    assert "HTTP Error 401" in done.stderr
    assert addresses(installation) == []


@curl
def test_the_curl_example_signs_a_person_up(served: str, installation: Installation) -> None:
    done = run(["sh", "-c", example(served, "curl")])
    assert " 202 " in done.stdout.splitlines()[0]
    assert addresses(installation) == ["alice@example.org"]


@php
def test_the_php_example_signs_a_person_up(served: str, installation: Installation) -> None:
    """The form's fields are placed where PHP would put them, since no web server runs it here."""
    form = urlencode({"email": "alice@example.org", "first_name": "Alice"})
    script = example(served, "php").removeprefix("<?php")
    done = run(["php", "-r", f"parse_str('{form}', $_POST);{script}"])
    assert done.stdout == "Thank you. Please look in your inbox."
    assert addresses(installation) == ["alice@example.org"]


def test_the_docs_page_loads_nothing_from_other_sites(served: str) -> None:
    assert re.findall(r"<(?:script|style|iframe)|\sstyle=|\son\w+=", served) == []
    fetched = re.findall(r'<(?:link|img)[^>]*(?:href|src)="([^"]+)"', served)
    assert [address for address in fetched if not address.startswith(("/", "data:,"))] == []


def test_the_docs_page_has_the_security_headers_and_its_stylesheet_exists(
    installation: Installation,
) -> None:
    page = installation.client.get("/docs")
    assert "default-src 'none'; style-src 'self'" in page.headers["Content-Security-Policy"]
    for sheet in at_least_one(re.findall(r'rel="stylesheet" href="([^"]+)"', page.text)):
        assert installation.client.get(sheet).mimetype == "text/css"


class Outline(HTMLParser):
    """A page's open elements while parsing, its headings, its ids and the targets of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.leads_to: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.open += [] if tag in VOID else [tag]
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.ids += [given["id"]] if "id" in given else []
        self.leads_to += [given["href"]] if given.get("href", "").startswith("#") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_docs_page_is_well_formed_and_has_ordered_headings(served: str) -> None:
    outline = Outline()
    outline.feed(served)
    assert outline.open == []
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in at_least_one(steps))
    assert len(set(outline.ids)) == len(outline.ids)
    assert {address[1:] for address in outline.leads_to} <= set(outline.ids)
    assert '<html lang="en-GB">' in served


def test_the_docs_page_names_every_form_field_status_and_provider(
    installation: Installation,
) -> None:
    from nurture import booking
    from nurture.builders.fields.signup_body import SignupBody
    from nurture.mail import providers

    page = installation.client.get("/docs").text
    known = ["pain-guide", "over-50-guide", *SignupBody.model_fields]
    known += ["202", "400", "401", "404", "409", "413", "415", "422", "429", "503"]
    known += [f"/webhooks/mail/{name}" for name in providers.registry()]
    known += [f"/webhooks/bookings/{p.name}" for p in booking.registry().values()]
    known += [p.secret_setting for p in booking.registry().values()]
    assert [said for said in known if f"<code>{said}</code>" not in page] == []
