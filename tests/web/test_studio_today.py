"""Today's page: what Paul reads there, and what he can do about it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.domain.messages.refusal import Cause
from nurture.domain.messages.status import MessageStatus
from nurture.store.tables import account, message_changes
from nurture.store.tables.suppressions import suppressions
from nurture.web.studio.core.formatting import count, say_ago
from nurture.web.studio.today import FIELDS, TASKS
from tests.installation import Installation
from tests.vocabulary import bounce_all, crowd
from tests.web.reading import words
from tests.web.studio import send, token_on


def put_in_doubt(home: Installation) -> None:
    home.subscribe("alice@example.org", first_name="Alice")
    home.deliver()
    with home.context.database.writing() as connection:
        message_changes.move_on(
            connection, 1, (MessageStatus.ACCEPTED,), MessageStatus.IN_DOUBT, "cut"
        )


def test_a_quiet_day_says_that_nothing_needs_the_owner(paul: FlaskClient) -> None:
    page = words(paul.get("/studio/").text)
    assert "Monday 2 March." in page
    assert "Nothing needs you." in page
    assert "Nobody yet." in page


def test_each_missing_detail_links_to_its_field(paul: FlaskClient) -> None:
    page = paul.get("/studio/").text
    fields = paul.get("/studio/settings/practice").text
    linked = [name for name in FIELDS if f"practice#{name}" in page]
    assert linked
    assert [name for name in linked if f'id="{name}"' not in fields] == []
    assert 'href="/studio/settings/practice#booking_url"' in page
    assert 'href="/studio/settings">Your own guides</a>' in page


def test_people_are_shown_by_the_name_they_gave(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("alice@example.org", first_name="Alice")
    sqlite_home.subscribe("nameless@example.org")
    sqlite_home.deliver()
    page = words(paul.get("/studio/").text)
    assert "Alice alice@example.org just now" in page
    assert "nameless@example.org just now" in page
    assert "2 emails went out" in page


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ("yes", MessageStatus.ACCEPTED, "it was sent"),
        ("no", MessageStatus.DEFERRED, "sent again"),
    ],
)
def test_a_message_in_doubt_is_settled_by_a_button(
    sqlite_home: Installation, paul: FlaskClient, sent: str, status: MessageStatus, said: str
) -> None:
    put_in_doubt(sqlite_home)
    assert "Was this email sent?" in paul.get("/studio/").text
    assert send(paul, "/studio/", "/studio/doubts/1", sent=sent).location == "/studio/"
    assert sqlite_home.statuses("alice@example.org")[0][1] is status
    page = paul.get("/studio/").text
    assert said in page
    assert "Was this email sent?" not in page


def test_settling_twice_or_with_an_invalid_answer_changes_nothing(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    put_in_doubt(sqlite_home)
    assert send(paul, "/studio/", "/studio/doubts/1", sent="perhaps").status_code == 400
    send(paul, "/studio/", "/studio/doubts/1", sent="yes")
    send(paul, "/studio/", "/studio/doubts/1", sent="no")
    assert "settled in the meantime" in paul.get("/studio/").text
    assert sqlite_home.statuses("alice@example.org")[0][1] is MessageStatus.ACCEPTED


def test_the_first_steps_are_listed_and_each_has_a_button(paul: FlaskClient) -> None:
    page = paul.get("/studio/").text
    assert page.count('action="/studio/first-steps/') == len(TASKS) == 6
    assert '<details class="card" id="first-steps" open>' in page
    answer = send(paul, "/studio/", "/studio/first-steps/mail_server")
    assert "answers and takes the login" in answer.text
    token = token_on(paul, "/studio/")
    nothing = paul.post("/studio/first-steps/nothing", data={"csrf_token": token})
    assert nothing.status_code == 404


def test_the_first_steps_are_collapsed_once_emails_are_sent(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("alice@example.org")
    sqlite_home.deliver()
    assert '<details class="card" id="first-steps">' in paul.get("/studio/").text


def test_missing_details_are_described_in_the_owners_words(paul: FlaskClient) -> None:
    page = words(paul.get("/studio/").text)
    for heading, consequence in FIELDS.values():
        assert f"{heading} {consequence}" in page
    assert "_url" not in page.replace("NURTURE_BASE_URL", "")


def test_a_name_is_escaped(sqlite_home: Installation, paul: FlaskClient) -> None:
    sqlite_home.subscribe("a@example.org", first_name="<img src=x>")
    assert "<img" not in paul.get("/studio/").text


def test_durations_and_numbers_are_written_in_everyday_words() -> None:
    said = [say_ago(timedelta(minutes=m)) for m in (0, 1, 59, 60, 47 * 60, 48 * 60)]
    assert said == [
        "just now",
        "1 minute ago",
        "59 minutes ago",
        "1 hour ago",
        "47 hours ago",
        "2 days ago",
    ]
    assert (count(1, "person", "people"), count(1200, "person", "people")) == (
        "1 person",
        "1,200 people",
    )


@pytest.mark.parametrize("real", ["yes", "no"])
def test_a_bounce_jump_is_settled_by_a_button_and_sending_continues(
    sqlite_home: Installation, paul: FlaskClient, real: str
) -> None:
    people = crowd(sqlite_home, 12)
    bounce_all(sqlite_home, people[:11])
    page = words(paul.get("/studio/").text)
    assert "10 emails of 12 came back for good within a day" in page
    with sqlite_home.context.database.reading() as connection:
        hold = account.find_hold(connection)
    assert hold is not None and hold.cause is Cause.BOUNCES
    assert send(paul, "/studio/", "/studio/bounces", real=real).location == "/studio/"
    assert "came back for good within a day" not in words(paul.get("/studio/").text)
    with sqlite_home.context.database.reading() as connection:
        assert account.find_hold(connection) is None
    assert len(sqlite_home.rows(suppressions)) == (11 if real == "yes" else 0)


def test_an_invalid_answer_to_a_bounce_jump_is_refused(paul: FlaskClient) -> None:
    assert send(paul, "/studio/", "/studio/bounces", real="perhaps").status_code == 400
    assert send(paul, "/studio/", "/studio/bounces", real="yes").status_code == 303
    assert "looked at that in the meantime" in paul.get("/studio/").text
