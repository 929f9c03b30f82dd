"""Broadcasts in the studio once they are sent: undone, stopped, corrected, sent to the rest."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.domain.account.presets import AccountChoices
from nurture.domain.broadcasts.broadcast import UNDO_WITHIN
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
    work,
    write,
)
from tests.web.reading import words
from tests.web.studio import send, token_on

REVIEW = f"{NEWS}/review"
SUBJECT = "News of spring"


@pytest.fixture
def sent(paul: FlaskClient, sqlite_home: Installation) -> FlaskClient:
    """Paul's browser, after he has sent a broadcast to two people a moment ago."""
    join(sqlite_home, "Ann", "Ben")
    reviewed(paul)
    answer = press(paul, REVIEW, "Send to 2 people")
    assert answer.status_code == 303 and answer.headers["Location"] == NEWS
    return paul


def news_among(sink: ScriptedSink) -> int:
    """Return how many emails with the broadcast's subject have arrived."""
    return subjects(sink.mails).count(SUBJECT)


def stop_half_way(paul: FlaskClient, home: Installation) -> None:
    """Let the time to undo pass, and stop the broadcast before anything has left."""
    home.clock.advance(UNDO_WITHIN)
    assert press(paul, NEWS, "Stop").status_code == 303


def test_nothing_leaves_for_five_minutes_and_the_page_says_until_when(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    page = words(sent.get(NEWS).text)
    assert "Nothing leaves until" in page and "Undo: send it to nobody" in page
    assert "2 waiting for it" in page
    work(sqlite_home, minutes=4)
    assert news_among(smtp_sink) == 0
    work(sqlite_home, minutes=1)
    assert news_among(smtp_sink) == 2
    page = words(sent.get(NEWS).text)
    assert "It has been sent." in page and "2 sent" in page and "Results" in page


def test_today_shows_what_is_scheduled_and_what_waits_because_it_was_stopped(
    sent: FlaskClient, sqlite_home: Installation
) -> None:
    page = words(sent.get("/studio/").text)
    assert "Spring news Can be undone" in page and "is stopped" not in page
    stop_half_way(sent, sqlite_home)
    page = words(sent.get("/studio/").text)
    assert "“Spring news” is stopped" in page and "1 thing needs you" in page
    assert press(sent, NEWS, "Send the rest").status_code == 303
    work(sqlite_home, minutes=1)
    assert "Spring news Sent" not in words(sent.get("/studio/").text)


def test_a_broadcast_for_another_day_is_in_the_week_and_is_called_scheduled(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul)
    day = (sqlite_home.clock.now + timedelta(days=2)).date().isoformat()
    send(paul, f"{NEWS}/settings", **(SETTINGS | {"when": "at", "at_day": day}))
    assert press(paul, REVIEW, "Send to 1 person").status_code == 303
    assert "Spring news from 09:00" in words(paul.get("/studio/").text)
    assert "Spring news Scheduled for" in words(paul.get(START).text)
    page = words(paul.get(NEWS).text)
    assert "Nothing leaves until 09:00 on" in page and "decided at that moment" in page


def test_the_page_says_when_the_mail_account_goes_on(
    sent: FlaskClient, sqlite_home: Installation
) -> None:
    context = sqlite_home.context
    save_choices(context.database, AccountChoices(), {"hour": "1"}, context.clock())
    work(sqlite_home, minutes=5)
    page = words(sent.get(NEWS).text)
    assert "so the next leave at" in page, page


def test_undo_means_that_nobody_gets_it(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    assert press(sent, NEWS, "Undo").status_code == 303
    page = words(sent.get(NEWS).text)
    assert "Nobody gets it, and it is a draft again." in page and "Review and send" in page
    work(sqlite_home, minutes=10)
    assert news_among(smtp_sink) == 0
    assert SUBJECT in sent.get(TEXT).text


def test_an_undo_that_comes_too_late_says_what_can_be_done(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    token = token_on(sent, NEWS)
    work(sqlite_home, minutes=6)
    said = {"csrf_token": token, "presses": "1"}
    assert sent.post(f"{NEWS}/undo", data=said).status_code == 303
    assert "can no longer be undone" in sent.get(NEWS).text
    assert news_among(smtp_sink) == 2


def test_sending_twice_sends_once(
    paul: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul)
    token = token_on(paul, REVIEW)
    said = {"csrf_token": token, "seen": seen_on(paul)}
    answers = [paul.post(f"{NEWS}/send", data=said) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303] * 3
    work(sqlite_home, minutes=5)
    assert paul.post(f"{NEWS}/send", data=said).status_code == 303
    work(sqlite_home, minutes=10)
    assert news_among(smtp_sink) == 1


def seen_on(paul: FlaskClient, page: str = REVIEW) -> str:
    """Return what the form on a page says that was seen."""
    return paul.get(page).text.partition('name="seen" value="')[2].partition('"')[0]


@pytest.mark.parametrize("changed", ["text", "settings"])
def test_a_page_that_shows_what_has_changed_since_sends_nothing(
    paul: FlaskClient, sqlite_home: Installation, changed: str
) -> None:
    join(sqlite_home, "Ann")
    reviewed(paul)
    said = {"csrf_token": token_on(paul, REVIEW), "seen": seen_on(paul)}
    if changed == "text":
        write(paul, body="Something else.")
    else:
        send(paul, f"{NEWS}/settings", **(SETTINGS | {"invites": "yes"}))
    answer = paul.post(f"{NEWS}/send", data=said)
    assert answer.status_code == 409 and "changed in another window" in answer.text
    assert get_broadcast(sqlite_home.context.database, "spring-news").status == "draft"
    assert paul.post(f"{NEWS}/send", data=said | {"seen": "nonsense"}).status_code == 409
    assert press(paul, REVIEW, "Send to 1 person").status_code == 303


def test_a_form_of_another_page_sends_nothing(paul: FlaskClient, sqlite_home: Installation) -> None:
    reviewed(paul)
    before = sqlite_home.rows(broadcasts)
    ends = ("send", "undo", "stop", "resume", "newcomers", "copy", "delete", "settings")
    codes = [paul.post(f"{NEWS}/{end}", data={"seen": seen_on(paul)}).status_code for end in ends]
    assert set(codes) == {400}
    assert sqlite_home.rows(broadcasts) == before


def test_a_typo_is_corrected_half_way_and_the_rest_gets_it_right(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    stop_half_way(sent, sqlite_home)
    page = words(sent.get(NEWS).text)
    assert "You stopped it. 0 emails had left. 2 people are waiting" in page
    assert "Send the rest" in page and "Edit the text" in page
    work(sqlite_home, minutes=10)
    assert news_among(smtp_sink) == 0
    answer = write(sent, subject="News of the spring")
    assert answer.headers["Location"] == REVIEW
    assert sent.get(REVIEW).headers["Location"] == NEWS
    assert press(sent, NEWS, "Send the rest").status_code == 303
    work(sqlite_home, minutes=1)
    assert subjects(smtp_sink.mails).count("News of the spring") == 2
    assert news_among(smtp_sink) == 0


def test_the_rest_is_not_sent_a_text_that_was_not_seen(
    sent: FlaskClient, sqlite_home: Installation
) -> None:
    stop_half_way(sent, sqlite_home)
    said = {"csrf_token": token_on(sent, NEWS), "seen": seen_on(sent, NEWS)}
    write(sent, subject="Half a sent")
    answer = sent.post(f"{NEWS}/resume", data=said)
    assert answer.status_code == 409 and "changed in another window" in answer.text
    assert get_broadcast(sqlite_home.context.database, "spring-news").status == "stopped"


def test_a_rest_with_errors_in_its_text_is_not_sent(
    sent: FlaskClient, sqlite_home: Installation
) -> None:
    stop_half_way(sent, sqlite_home)
    write(sent, body="Hello {{ frist_name }}")
    answer = press(sent, NEWS, "Send the rest")
    assert answer.status_code == 409 and "frist_name" in answer.text


def test_stopping_and_resuming_twice_is_harmless(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    stop_half_way(sent, sqlite_home)
    token = {"csrf_token": token_on(sent, NEWS)}
    assert sent.post(f"{NEWS}/stop", data=token).status_code == 303
    said = token | {"seen": seen_on(sent, NEWS)}
    codes = [sent.post(f"{NEWS}/resume", data=said).status_code for _ in range(2)]
    assert codes == [303, 303]
    work(sqlite_home, minutes=5)
    assert news_among(smtp_sink) == 2


def test_what_is_written_while_it_is_on_its_way_is_not_saved_and_not_lost(
    sent: FlaskClient,
) -> None:
    assert sent.get(TEXT).headers["Location"] == NEWS
    token = token_on(sent, NEWS)
    said = {"csrf_token": token, "version": "0", "subject": "Late", "body": "Typed late"}
    answer = sent.post(TEXT, data=said | {"action": "save"})
    assert answer.status_code == 409 and "Typed late" in answer.text
    assert "is on its way or has been sent" in answer.text
    assert sent.post(f"{TEXT}/draft", data=said).status_code == 409


def test_the_settings_of_what_was_sent_cannot_be_changed(
    sent: FlaskClient, sqlite_home: Installation
) -> None:
    pages = [f"{NEWS}/settings", f"{NEWS}/delete", REVIEW]
    assert [sent.get(page).headers["Location"] for page in pages] == [NEWS] * 3
    token = {"csrf_token": token_on(sent, NEWS)}
    answer = sent.post(f"{NEWS}/settings", data=SETTINGS | token)
    assert answer.status_code == 422 and "has been sent" in answer.text
    assert sent.post(f"{NEWS}/delete", data=token).status_code == 303
    assert "cannot be deleted" in sent.get(NEWS).text
    assert len(sqlite_home.rows(broadcasts)) == 1


def test_it_is_also_sent_to_those_who_joined_since_after_their_number_is_shown(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    work(sqlite_home, minutes=5)
    assert "joined since" in words(sent.get(NEWS).text)
    assert sent.get(f"{NEWS}/newcomers").headers["Location"] == NEWS
    join(sqlite_home, "Carla")
    question = words(sent.get(f"{NEWS}/newcomers").text)
    assert "Send “Spring news” to 1 more person?" in question
    said = {"csrf_token": token_on(sent, f"{NEWS}/newcomers"), "presses": "1"}
    codes = [sent.post(f"{NEWS}/newcomers", data=said).status_code for _ in range(2)]
    assert codes == [303, 303]
    page = words(sent.get(NEWS).text)
    assert "The people who joined since get it from" in page
    assert "Undo: not to those who joined since" in page and "1 waiting for it" in page
    work(sqlite_home, minutes=5)
    assert news_among(smtp_sink) == 3


def test_an_undo_of_the_second_press_leaves_out_only_the_newcomers(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    work(sqlite_home, minutes=5)
    join(sqlite_home, "Carla")
    stale = {"csrf_token": token_on(sent, NEWS), "presses": "1"}
    said = {"csrf_token": token_on(sent, f"{NEWS}/newcomers"), "presses": "1"}
    sent.post(f"{NEWS}/newcomers", data=said)
    sent.post(f"{NEWS}/undo", data=stale)
    assert "after you opened this page" in sent.get(NEWS).text
    press(sent, NEWS, "Undo")
    assert "The people who joined since do not get it." in sent.get(NEWS).text
    work(sqlite_home, minutes=10)
    assert news_among(smtp_sink) == 2


def test_people_who_unsubscribe_meanwhile_are_counted_with_their_reason(
    sent: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    person = sqlite_home.person("ann@example.org")["id"]
    send(sent, f"/studio/people/{person}/stop")
    work(sqlite_home, minutes=5)
    assert news_among(smtp_sink) == 1
    page = words(sent.get(NEWS).text)
    assert "Who did not get it 1 They unsubscribed." in page


def test_the_list_shows_what_became_of_each(sent: FlaskClient, sqlite_home: Installation) -> None:
    work(sqlite_home, minutes=5)
    make(sent, title="Summer news")
    listed = words(sent.get(START).text)
    assert "Spring news Sent" in listed and "Summer news Draft – – – – – –" in listed
