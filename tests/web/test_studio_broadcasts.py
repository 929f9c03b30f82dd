"""Broadcasts in the studio before they are sent: written, addressed and reviewed by Paul."""

import re

import pytest
from flask.testing import FlaskClient

from nurture.domain.account.presets import AccountChoices
from nurture.domain.broadcasts.broadcast import When
from nurture.domain.subscribers.consent import Purpose
from nurture.services.account.choices import save_choices
from nurture.services.broadcasts.drafts import get_broadcast
from nurture.store.tables.broadcasts import broadcasts
from tests.installation import Installation, subjects
from tests.installations import ScriptedSink
from tests.web.broadcasting import (
    NEWS,
    SETTINGS,
    START,
    TEXT,
    join,
    make,
    press,
    reviewed,
    write,
)
from tests.web.reading import words
from tests.web.studio import GUIDE_EMAIL, PAUL, send, token_on

REVIEW = f"{NEWS}/review"


def test_the_first_broadcast_is_offered_where_there_is_none(paul: FlaskClient) -> None:
    page = paul.get(START).text
    assert "No broadcasts yet" in page and f'href="{START}/new/draft"' in page
    assert 'aria-current="page">Broadcasts' in page


def test_a_new_broadcast_begins_with_a_greeting_in_the_usual_editor(paul: FlaskClient) -> None:
    answer = make(paul)
    assert answer.status_code == 303 and answer.headers["Location"] == TEXT
    page = paul.get(TEXT).text
    assert "Hello{% if first_name %} {{ first_name }}{% endif %}," in page
    assert "Save and review" in page and ">Publish<" not in page
    assert "Discard" not in page and ">History<" not in page and "guide_url" not in page
    assert 'aria-current="page">Broadcasts' in page
    listed = words(paul.get(START).text)
    assert "Spring news Draft" in listed


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"title": " "}, "has no title"),
        ({"stream": ""}, "kind of email is missing"),
        ({"stream": "series"}, "kind of email is missing"),
        ({"start": "email", "email": "pain-guide/nothing"}, "There is no email"),
    ],
)
def test_what_is_wrong_with_a_new_broadcast_is_said_and_nothing_is_made(
    paul: FlaskClient, sqlite_home: Installation, said: dict[str, str], problem: str
) -> None:
    answer = make(paul, **said)
    assert answer.status_code == 422 and problem in answer.text
    assert sqlite_home.rows(broadcasts) == []


def test_two_broadcasts_with_one_title_and_one_called_new_get_pages_of_their_own(
    paul: FlaskClient,
) -> None:
    pages = [make(paul).headers["Location"], make(paul).headers["Location"]]
    pages.append(make(paul, title="New").headers["Location"])
    keys = [re.search(r"broadcast:([\w-]+)/", page)[1] for page in pages]  # type: ignore[index]
    assert keys == ["spring-news", "spring-news-2", "new"]
    assert "Nothing has been sent yet." in paul.get(f"{START}/new").text


def test_a_broadcast_is_made_from_an_email_of_a_sequence(paul: FlaskClient) -> None:
    page = paul.get(f"{START}/new/draft?email=pain-guide/your-guide").text
    assert '<option value="pain-guide/your-guide" selected>' in page
    assert 'value="pain-guide/your-guide"' not in paul.get(f"{START}/new/draft").text
    make(paul, start="email", email="pain-guide/the-tightness-trap")
    make(paul, start="email", email="pain-guide/two-reasons-your-rehab-is-not-working")
    assert "rehab" in paul.get(TEXT).text


def test_a_copy_has_the_text_the_people_and_the_settings(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    reviewed(paul)
    send(paul, f"{NEWS}/settings", **(SETTINGS | {"late": "drop", "invites": "yes"}))
    answer = press(paul, NEWS, "Duplicate")
    assert answer.headers["Location"] == "/studio/emails/broadcast:spring-news-copy/email"
    assert "News of spring" in paul.get(answer.headers["Location"]).text
    copy = get_broadcast(sqlite_home.context.database, "spring-news-copy")
    assert (copy.title, copy.invites, copy.late_after is None) == (
        "Spring news (copy)",
        True,
        False,
    )


def test_the_text_is_saved_and_leads_to_the_review(paul: FlaskClient) -> None:
    make(paul)
    answer = write(paul, body="Hello\n\nWe open again on Monday.")
    assert answer.status_code == 303 and answer.headers["Location"] == REVIEW
    assert "We open again on Monday." in paul.get(TEXT).text


def test_the_email_of_a_broadcast_is_not_published_in_the_editor(paul: FlaskClient) -> None:
    make(paul)
    answer = write(paul, action="publish")
    assert answer.status_code == 409 and "published when it is sent" in answer.text
    assert write(paul, action="discard").status_code == 303
    assert "Hello" in paul.get(TEXT).text


def test_typing_previewing_and_testing_work_as_for_every_email(
    paul: FlaskClient, smtp_sink: ScriptedSink
) -> None:
    make(paul)
    said = {"csrf_token": token_on(paul, TEXT), "version": "1", "subject": "Half", "body": "Half a"}
    assert paul.post(f"{TEXT}/draft", data=said).get_json() == {"version": 2}
    assert "Half a" in paul.post(f"{TEXT}/preview", data=said).text
    assert "page" not in paul.post(f"{TEXT}/concerns", data=said).text
    write(paul, action="test", colleague="anna@example.com")
    assert [mail.message["To"] for mail in smtp_sink.mails] == [PAUL, "anna@example.com"]
    assert subjects(smtp_sink.mails) == ["[Test] News of spring"] * 2


def test_the_settings_are_saved_and_shown_again(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    make(paul)
    chosen = {"people": "segments", "chosen": "gone-quiet", "when": "at", "late": "drop"}
    answer = send(paul, f"{NEWS}/settings", **(SETTINGS | chosen | {"liveliest_first": "yes"}))
    assert answer.status_code == 303 and answer.headers["Location"] == REVIEW
    found = get_broadcast(sqlite_home.context.database, "spring-news")
    assert found.audience.to == ("gone-quiet",) and found.liveliest_first
    assert (
        found.timing.at is not None and found.timing.at.isoformat() == "2026-12-07T09:00:00+00:00"
    )
    page = paul.get(f"{NEWS}/settings").text
    assert 'name="chosen" value="gone-quiet" checked' in page
    assert 'name="late" value="drop" checked' in page
    review = words(paul.get(REVIEW).text)
    assert "It leaves on Mon 7 Dec at 09:00." in review and "gone-quiet" not in review


def test_an_hour_on_readers_clocks_is_said_in_words(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    make(paul)
    send(paul, f"{NEWS}/settings", **(SETTINGS | {"when": "readers", "stay": "yes"}))
    found = get_broadcast(sqlite_home.context.database, "spring-news")
    assert found.timing.when is When.READERS
    page = words(paul.get(NEWS).text)
    assert "It leaves at 09:00 on each reader’s own clock, on Monday 7 December" in page


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"title": ""}, "has no title"),
        ({"people": "segments"}, "No segment is chosen"),
        ({"people": "segments", "chosen": "a", "besides": "a"}, "both chosen and left out"),
        ({"when": "at", "at_day": ""}, "day to send it is missing"),
        ({"when": "readers", "hour": "noon"}, "time to send it is missing"),
        ({"late": "drop", "late_days": "0"}, "number of days after which"),
        ({"late": "drop", "late_days": "²"}, "number of days after which"),
        ({"when": "at", "at_day": "2025-01-01"}, "The time to send it has passed"),
        ({"when": "readers", "hour": "05:00"}, "outside the hours"),
    ],
)
def test_wrong_settings_are_said_and_what_was_typed_stays(
    paul: FlaskClient, sqlite_home: Installation, wrong: dict[str, str], problem: str
) -> None:
    make(paul)
    before = sqlite_home.rows(broadcasts)
    answer = send(paul, f"{NEWS}/settings", **(SETTINGS | {"title": "Other"} | wrong))
    assert answer.status_code == 422 and problem in answer.text
    assert f'value="{wrong.get("title", "Other")}"' in answer.text
    assert sqlite_home.rows(broadcasts) == before


def test_the_review_says_who_gets_it_and_lists_those_who_do_not(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    join(sqlite_home, "Ann", "Ben")
    join(sqlite_home, "Carla", purpose=Purpose.ARTICLES)
    reviewed(paul)
    page = paul.get(REVIEW).text
    assert "2 people get it of 3 in all" in words(page)
    assert "2 Agreed and confirmed their address" in words(page)
    missing = page.partition("Who does not get it")[2]
    link = re.search(r'href="([^"]+people\?because=[^"]+)"', missing)
    assert link
    listed = words(paul.get(link[1].replace("&amp;", "&")).text)
    assert "carla@example.org" in listed and "ann@example.org" not in listed
    reached = words(paul.get(f"{NEWS}/people?because=reached").text)
    assert "ann@example.org" in reached and "carla@example.org" not in reached
    assert paul.get(f"{NEWS}/people?because=nothing&after=x").status_code == 200


def test_the_review_shows_the_email_as_people_get_it(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul)
    link = re.search(rf'src="({NEWS}/as/\d+)"', paul.get(REVIEW).text)
    assert link
    shown = paul.get(link[1])
    assert "Hello Ann," in shown.text
    assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert paul.get(f"{NEWS}/as/999").status_code == 404


def test_an_email_with_errors_cannot_be_sent(paul: FlaskClient, sqlite_home: Installation) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul, body="Hello {{ frist_name }}")
    page = words(paul.get(REVIEW).text)
    assert "frist_name" in page and "Send to" not in page
    token = token_on(paul, f"{NEWS}/settings")
    answer = paul.post(f"{NEWS}/send", data={"csrf_token": token, "seen": "1.2"})
    assert answer.status_code == 409 and "frist_name" in answer.text
    assert get_broadcast(sqlite_home.context.database, "spring-news").status == "draft"


def test_a_draft_is_deleted_after_a_question(paul: FlaskClient, sqlite_home: Installation) -> None:
    make(paul)
    assert "Delete “Spring news”?" in paul.get(f"{NEWS}/delete").text
    assert send(paul, f"{NEWS}/delete").status_code == 303
    assert sqlite_home.rows(broadcasts) == []
    assert paul.get(NEWS).status_code == 404 and paul.get(TEXT).status_code == 404


def test_looking_changes_nothing(paul: FlaskClient, sqlite_home: Installation) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul)
    before = sqlite_home.everything()
    pages = (START, NEWS, TEXT, REVIEW, f"{NEWS}/settings", f"{NEWS}/people", f"{NEWS}/delete")
    assert all(paul.get(page).status_code == 200 for page in (*pages, f"{NEWS}/as/1"))
    assert paul.get(f"{NEWS}/newcomers").status_code == 302
    assert sqlite_home.everything() == before


def test_an_unknown_broadcast_is_not_found(paul: FlaskClient) -> None:
    pages = [f"{START}/nothing{end}" for end in ("", "/settings", "/review", "/people", "/delete")]
    assert [paul.get(page).status_code for page in pages] == [404] * len(pages)
    assert send(paul, START + "/new/draft", f"{START}/nothing/send").status_code == 404
    assert send(paul, START + "/new/draft", f"{START}/nothing/stop").status_code == 404


def test_the_people_who_read_most_can_be_put_first_on_the_review(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    join(sqlite_home, *(f"Reader{number}" for number in range(7)))
    reviewed(paul)
    context = sqlite_home.context
    save_choices(context.database, AccountChoices(), {"day": "9"}, context.clock())
    page = words(paul.get(REVIEW).text)
    assert "That is spread over" in page and "who read most first" in page
    assert press(paul, REVIEW, "who read most first").headers["Location"] == REVIEW
    page = words(paul.get(REVIEW).text)
    assert "The people who read most get it first." in page and "read most first" not in page


def test_a_segment_that_is_gone_is_named_on_the_review_and_nothing_can_be_sent(
    paul: FlaskClient,
) -> None:
    reviewed(paul)
    send(paul, f"{NEWS}/settings", **(SETTINGS | {"people": "segments", "chosen": "gone-long"}))
    page = words(paul.get(REVIEW).text)
    assert "There is no segment “gone-long”." in page and "Send to" not in page
    assert "There is no segment “gone-long”." in paul.get(f"{NEWS}/settings").text


def test_an_email_of_a_sequence_leads_to_a_broadcast_made_from_it(paul: FlaskClient) -> None:
    page = paul.get(GUIDE_EMAIL).text
    assert f'href="{START}/new/draft?email=pain-guide/your-guide"' in page
