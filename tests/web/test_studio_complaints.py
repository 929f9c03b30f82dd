"""Complaints in the studio: on Today with the days left, and a page for each."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from nurture.domain.complaints import read_wording
from nurture.services.complaints.receipt import receive
from nurture.services.evidence.verification import verify
from nurture.store.tables.complaints import complaints
from tests.installation import Installation
from tests.web.reading import words
from tests.web.studio import send

ANN = "ann@example.org"
LIST = "/studio/complaints"


@pytest.fixture
def page(sqlite_home: Installation) -> str:
    """The path of the page of Ann's complaint."""
    sqlite_home.subscribe(ANN, first_name="Ann")
    wording = read_wording("You wrote.\n<b>Why?</b>", "Ann", "phone", "020 7946 0000")
    database, now = sqlite_home.context.database, sqlite_home.clock.now
    return f"{LIST}/{receive(database, wording, ANN, '192.0.2.7', now).id}"


def let_wait(home: Installation, length: timedelta) -> None:
    """Let the complaint have come earlier; a later now would end the owner's session."""
    earlier = home.rows(complaints)[0]["received_at"] - length
    with home.context.database.writing() as connection:
        connection.execute(update(complaints).values(received_at=earlier))


def test_today_counts_the_days_and_turns_serious_in_the_last_seven(
    paul: FlaskClient, sqlite_home: Installation, page: str
) -> None:
    today = paul.get("/studio/").text
    assert f'href="{page}"' in today
    assert 'badge-warn">30 days of thirty left' in today
    let_wait(sqlite_home, timedelta(days=23))
    assert 'badge-trouble">7 days of thirty left' in paul.get("/studio/").text
    let_wait(sqlite_home, timedelta(days=7))
    assert "Late since" in words(paul.get("/studio/").text)
    send(paul, page, f"{page}/acknowledge")
    assert "complained" not in paul.get("/studio/").text


def test_the_owner_acknowledges_notes_and_closes(
    paul: FlaskClient, sqlite_home: Installation, page: str
) -> None:
    shown = paul.get(page).text
    assert "You wrote.\n&lt;b&gt;Why?&lt;/b&gt;" in shown
    assert "020 7946 0000" in shown and "make sure that it is theirs" in shown
    assert send(paul, page, f"{page}/acknowledge").status_code == 303
    acknowledged_at = sqlite_home.clock.now
    sqlite_home.clock.advance(timedelta(minutes=5))
    assert send(paul, page, f"{page}/note", note="Rang her.").status_code == 303
    assert send(paul, page, f"{page}/close").status_code == 303
    [row] = sqlite_home.rows(complaints)
    assert (row["acknowledged_at"], row["closed_at"]) == (acknowledged_at, sqlite_home.clock.now)
    assert "Rang her." in paul.get(page).text
    assert "Closed" in words(paul.get(LIST).text)
    assert f"{page}/close" not in paul.get(page).text


def test_looking_changes_nothing(paul: FlaskClient, sqlite_home: Installation, page: str) -> None:
    paul.get(page)
    before = sqlite_home.rows(complaints)
    for path in (LIST, page):
        assert paul.get(path).status_code == 200
    for action in ("acknowledge", "close", "note", "evidence"):
        assert paul.get(f"{page}/{action}").status_code in (404, 405)
        assert paul.post(f"{page}/{action}").status_code == 400
    assert sqlite_home.rows(complaints) == before


def test_strangers_see_none_of_it(stranger: FlaskClient, page: str) -> None:
    for path in (LIST, page):
        assert stranger.get(path).status_code in (302, 303)


def test_one_press_saves_signed_evidence_from_the_person_and_from_the_complaint(
    paul: FlaskClient, sqlite_home: Installation, page: str
) -> None:
    person = f"/studio/people/{sqlite_home.person(ANN)['id']}"
    assert f'href="{page}"' in paul.get(person).text
    for of in (person, page):
        answer = send(paul, of, f"{of}/evidence")
        assert (answer.status_code, answer.mimetype) == (200, "application/zip")
        assert verify(answer.data).address == ANN
        assert ".zip" in answer.headers["Content-Disposition"]


def test_a_complaint_that_is_not_there_is_said_to_be_missing(paul: FlaskClient, page: str) -> None:
    assert paul.get(f"{LIST}/99").status_code == 404
    for action in ("acknowledge", "close", "note", "evidence"):
        assert send(paul, page, f"{LIST}/99/{action}").status_code == 404
    assert send(paul, page, "/studio/people/99/evidence").status_code == 404


def test_nothing_to_say_is_said(paul: FlaskClient) -> None:
    assert "Nobody has complained." in paul.get(LIST).text
