"""Bringing a list in, in the studio: upload, look, say, bring, take back, and the poster."""

import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.services.imports.uploads import Uploads
from nurture.store.tables.imports import imports
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.lists import agreed, client, left, write_list
from tests.vocabulary import ANN
from tests.web.reading import words
from tests.web.studio import send, token_on

LISTS = "/studio/people/lists"


@pytest.fixture
def mixed(sqlite_home: Installation) -> bytes:
    """A list with someone in most piles."""
    rows = [agreed(ANN), client("c@example.org"), left("l@example.org"), {"email": "u@gmial.com"}]
    return write_list(sqlite_home, [*rows, {"email": "none"}]).read_bytes()


def upload(browser: FlaskClient, content: bytes, name: str = "people.csv") -> TestResponse:
    """Send a file with the form on the page."""
    fields = {"csrf_token": token_on(browser, LISTS), "list": (BytesIO(content), name)}
    return browser.post(LISTS, data=fields)


def uploaded(browser: FlaskClient, content: bytes) -> str:
    """Upload a list, and return the path of its page."""
    answer = upload(browser, content)
    assert answer.status_code == 303 and "/files/" in answer.location
    path: str = answer.location
    return path


def files(home: Installation) -> list[Path]:
    """Return what is kept of uploads."""
    return [one for one in (home.directory / "var/uploads").rglob("*") if one.is_file()]


def test_an_upload_is_shown_with_its_piles_columns_and_rows(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    page = paul.get(uploaded(paul, mixed)).text
    said = words(page)
    assert "5 rows" in said and "Nothing is brought in yet" in said
    assert "Agreed, and the list proves it" in said and "u@gmail.com" in said
    assert re.search(r'value="opted_in_at" selected', page) and ANN in page
    assert "4 people would be added or changed" in said
    assert sqlite_home.rows(subscribers) == []
    assert {one.stat().st_mode & 0o77 for one in files(sqlite_home)} == {0}


def test_what_the_owner_says_moves_people_to_other_piles(
    paul: FlaskClient, mixed: bytes, sqlite_home: Installation
) -> None:
    page = uploaded(paul, mixed)
    bought = {"client": "yes", "bought": "a course", "way_out_offered": "yes"}
    days = {"since": "2019-01-01", "until": "2019-12-31"}
    assert send(paul, page, covers="articles", **bought, **days).status_code == 303
    shown = paul.get(page).text
    assert re.search(r'value="articles" checked', shown)
    assert re.search(r'stat-value">2</p>\s*<p class="stat-label">Clients', shown)
    refused = send(paul, page, wording="Send me news.")
    assert refused.status_code == 422 and "incomplete" in refused.text
    assert send(paul, page, since="yesterday").status_code == 422
    assert send(paul, page, covers="everything").status_code == 422


def test_a_column_is_corrected_with_its_menu(paul: FlaskClient) -> None:
    page = uploaded(paul, b"Mailbox,Came\nann@example.org,2019-05-03\n")
    assert send(paul, page, **{"column-1": "joined_at"}).status_code == 303
    assert re.search(r'value="joined_at" selected', paul.get(page).text)


def test_the_list_is_brought_in_and_the_file_is_gone(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    page = uploaded(paul, mixed)
    send(paul, page, covers="articles")
    begun = send(paul, page, f"{page}/bring")
    progress = paul.get(begun.location, follow_redirects=True)
    assert "4 people were added or changed" in words(progress.text)
    assert progress.request.path == f"{LISTS}/1"
    assert sqlite_home.person(ANN)["purposes"] == {"articles"}
    [one] = sqlite_home.rows(imports)
    assert one["by"] == "paul@example.org" and files(sqlite_home) == []
    assert "people.csv" in paul.get(LISTS).text
    assert paul.get(page).status_code == 404


def test_an_import_is_taken_back_after_a_question(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    page = uploaded(paul, mixed)
    send(paul, page, f"{page}/bring")
    one = f"{LISTS}/1"
    assert f'href="{one}/undo"' in paul.get(one).text
    assert send(paul, f"{one}/undo").status_code == 303
    assert {row["address"] for row in sqlite_home.rows(subscribers)} == {None}
    assert "It was taken back" in words(paul.get(one).text)
    assert send(paul, f"{one}/undo").status_code == 422


def test_the_unknown_are_found_among_people(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    page = uploaded(paul, mixed)
    send(paul, page, f"{page}/bring")
    found = paul.get("/studio/people?stage=unknown").text
    assert "u@gmial.com" in found and ANN not in found
    unconfirmed = paul.get("/studio/people?stage=unconfirmed").text
    assert "u@gmial.com" not in unconfirmed


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.csv"),
        (b"%PDF-1.7 nothing", "list.pdf"),
        (b"PK\x03\x04 broken", "list.xlsx"),
        (b"<html><body>Sign in</body></html>", "list.csv"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words_and_not_kept(
    paul: FlaskClient, sqlite_home: Installation, content: bytes, name: str
) -> None:
    answer = upload(paul, content, name)
    assert answer.status_code == 303 and answer.location == LISTS
    assert "notice-trouble" in paul.get(LISTS).text
    assert files(sqlite_home) == []


def test_an_upload_is_swept_after_an_hour_and_a_deleted_one_at_once(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    first, second = uploaded(paul, mixed), uploaded(paul, mixed)
    assert send(paul, first, f"{first}/drop").status_code == 303
    assert paul.get(first).status_code == 404
    uploads = Uploads.of(sqlite_home.context.settings.data_dir)
    now = sqlite_home.clock.now
    assert uploads.sweep(now + timedelta(minutes=59)) == 0
    assert uploads.sweep(now + timedelta(minutes=60)) == 1
    assert paul.get(second).status_code == 404 and files(sqlite_home) == []


def test_an_import_that_died_can_go_on(
    paul: FlaskClient, sqlite_home: Installation, mixed: bytes
) -> None:
    page = uploaded(paul, mixed)
    uploads = Uploads.of(sqlite_home.context.settings.data_dir)
    found = uploads.find(page.rpartition("/")[2])
    assert found is not None
    uploads.keep(replace(found, bringing_at=sqlite_home.clock.now))
    assert "being read" in words(paul.get(f"{page}/progress").text)
    sqlite_home.clock.advance(timedelta(minutes=6))
    stopped = paul.get(page, follow_redirects=True)
    assert "It stopped before it was complete" in words(stopped.text)
    send(paul, f"{page}/progress", f"{page}/bring")
    assert len(sqlite_home.rows(imports)) == 1 and sqlite_home.person(ANN)


def test_the_poster_has_a_code_that_leads_to_the_form(paul: FlaskClient) -> None:
    shown = paul.get(f"{LISTS}/unknown")
    assert "needs the consent that it asks for" in words(shown.text)
    wanted = {"address": "https://example.org/guide", "words": "Read <more>?"}
    poster = paul.get(f"{LISTS}/poster", query_string=wanted).text
    assert 'src="data:image/svg+xml' in poster and "Read &lt;more&gt;?" in poster
    assert 'alt="QR code that leads to https://example.org/guide"' in poster
    wrong = ("", "javascript:alert(1)", "example.org", "https://")
    asked = [paul.get(f"{LISTS}/poster", query_string={"address": one}) for one in wrong]
    assert {one.status_code for one in asked} == {400}
