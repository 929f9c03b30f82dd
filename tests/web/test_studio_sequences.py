"""The sequences' pages: what Paul reads there, and how he changes what people receive."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.domain.subscribers.consent import Purpose
from nurture.services.owner import sessions
from nurture.services.publishing import sequence_editor
from nurture.store.tables.drafts import drafts
from tests.installation import Installation
from tests.web.studio import PASSWORD, PAUL, send, token_on

KEY = "/studio/sequences/pain-guide"
FIRST, SECOND = (
    "why-stretching-and-massage-wont-solve-back-pain",
    "two-reasons-your-rehab-is-not-working",
)
USUAL = {
    "wait_number": "4",
    "wait_unit": "days",
    "at": "08:30",
    "days": "working",
    "late": "send",
    "late_days": "3",
    "only_if": "",
    "skip_if": "",
}


def words(answer: TestResponse) -> str:
    """Return a page's text as a reader sees it."""
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def version(home: Installation) -> str:
    return str(sequence_editor.find_plan(home.context.database, "pain-guide").version)


def change(home: Installation, paul: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form of the editing pages, with the version they carry."""
    return send(paul, f"{KEY}/edit", f"{KEY}{path}", version=version(home), **fields)


def publish(home: Installation, paul: FlaskClient) -> str:
    sent = send(paul, f"{KEY}/review", f"{KEY}/review", version=version(home))
    assert sent.location == KEY, sent.text
    return words(paul.get(KEY))


def live(home: Installation, paul: FlaskClient, days: int) -> None:
    """Let days pass, then sign Paul in again."""
    home.live_until(home.clock.now + timedelta(days=days))
    token = sessions.make_link(home.context.database, PAUL, home.clock.now)
    assert send(paul, f"/studio/welcome/{token}", password=PASSWORD).status_code == 303


def order(home: Installation) -> list[str]:
    plan = sequence_editor.find_plan(home.context.database, "pain-guide")
    return [step.email for step in plan.sequence.steps]


def test_every_sequence_is_listed_with_how_people_enter_it(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    page = words(paul.get("/studio/sequences/"))
    assert "Somebody fills in the form “pain-guide” on your website." in page
    assert "1 person under way" in page
    assert "lets you see what they open has given no sign of life for 180 days." in page


def test_the_timeline_describes_in_words_when_each_email_is_sent(paul: FlaskClient) -> None:
    page = words(paul.get(KEY))
    assert "At once, whenever somebody asks for the guide" in page
    assert "3 days after the guide was sent, at 10:00, on a working day" in page
    assert "Only to those who have not collected the guide." in page
    assert "2 days after the guide is collected, at 08:30, on a working day" in page
    assert "3 days after the email before, at 16:30, on a Thursday or Friday" in page
    assert "Left out if it is held up for more than 5 days." in page
    assert "Booking a Discovery Session." in page


@pytest.mark.parametrize("key", ["over-50-guide", "golf", "still-there", "your-data", "erase-me"])
@pytest.mark.parametrize("path", ["", "/edit", "/history", "/review", "/pause"])
def test_every_sequence_has_every_page(paul: FlaskClient, key: str, path: str) -> None:
    assert paul.get(f"/studio/sequences/{key}{path}").status_code == 200


@pytest.mark.parametrize("path", ["", "/edit", "/history", "/review", "/pause"])
def test_an_unknown_sequence_has_no_page(paul: FlaskClient, path: str) -> None:
    assert paul.get(f"/studio/sequences/nothing{path}").status_code == 404


def test_an_email_is_shown_in_a_sandboxed_frame(paul: FlaskClient) -> None:
    answer = paul.get(f"{KEY}/picture/{FIRST}")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "default-src 'none'" in policy
    assert "<script" not in answer.text
    assert paul.get(f"{KEY}/picture/nothing").status_code == 404


def test_viewing_sequence_pages_changes_nothing(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    before = sqlite_home.everything()
    for path in ("", "/edit", f"/edit/steps/{FIRST}", "/edit/new", "/review", "/pause", "/history"):
        assert paul.get(f"{KEY}{path}").status_code == 200
    assert sqlite_home.everything() == before


def test_a_changed_wait_shows_whom_it_affects_before_it_applies(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    sqlite_home.collect()
    sqlite_home.subscribe("bob@example.org")
    sqlite_home.deliver()
    sqlite_home.collect(2)
    live(sqlite_home, paul, 3)
    sqlite_home.subscribe("cara@example.org")
    sqlite_home.deliver()
    sqlite_home.collect(3)
    kept = change(sqlite_home, paul, f"/edit/steps/{FIRST}", **USUAL)
    assert kept.location == f"{KEY}/edit"
    assert "2 days after the guide is collected" in words(paul.get(KEY))
    page = words(paul.get(f"{KEY}/review"))
    assert "goes out 4 days after the guide is collected" in page
    assert "it was 2 days after the guide is collected" in page
    assert "1 person are waiting" not in page
    assert "1 person" in page and "2 people" in page
    assert "4 days after the guide is collected" in publish(sqlite_home, paul)
    assert not sqlite_home.rows(drafts)


def test_an_email_is_moved_up_and_down_but_never_above_the_guide(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    before = order(sqlite_home)
    change(sqlite_home, paul, "/edit/move", email=SECOND, by="-1")
    assert order(sqlite_home)[2:4] == [SECOND, FIRST]
    change(sqlite_home, paul, "/edit/move", email=SECOND, by="1")
    assert order(sqlite_home) == before
    page = paul.get(f"{KEY}/edit").text
    first_movable = page.index('id="guide-reminder"')
    assert "Earlier" not in page[first_movable : page.index(f'id="{FIRST}"')]


def test_a_comment_moves_with_its_email(sqlite_home: Installation, paul: FlaskClient) -> None:
    change(sqlite_home, paul, "/edit/move", email="muscle-activation-podcast", by="1")
    plan = sequence_editor.find_plan(sqlite_home.context.database, "pain-guide")
    comment = "# The podcast comes towards the end of the week"
    assert plan.toml.index(comment) > plan.toml.index('"german-approach-to-back-pain"')


def test_a_removed_email_can_be_restored_from_the_history(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    before = order(sqlite_home)
    change(sqlite_home, paul, "/edit/remove", email=SECOND)
    assert "is taken out." in words(paul.get(f"{KEY}/review"))
    publish(sqlite_home, paul)
    assert SECOND not in order(sqlite_home)
    page = words(paul.get(f"{KEY}/history"))
    assert "Published in the studio" in page and "is taken out." in page
    taken = send(paul, f"{KEY}/history", f"{KEY}/history/1")
    assert taken.location == f"{KEY}/review"
    assert "is new" in words(paul.get(f"{KEY}/review"))
    publish(sqlite_home, paul)
    assert order(sqlite_home) == before


def test_a_new_email_is_written_added_and_published_with_the_sequence(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    fields = USUAL | {
        "subject": "Do you hold the banister?",
        "preheader": "",
        "body": "Hello,\n\nnotice which leg you trust.",
        "kind": "article",
        "after": FIRST,
        "original": "",
    }
    assert change(sqlite_home, paul, "/edit/new", **fields).location == f"{KEY}/edit"
    assert order(sqlite_home)[3] == "do-you-hold-the-banister"
    picture = paul.get(f"{KEY}/picture/do-you-hold-the-banister").text
    assert "which leg you trust" in picture
    assert "1 new email is published with it." in words(paul.get(f"{KEY}/review"))
    assert "Do you hold the banister?" in publish(sqlite_home, paul)


def test_a_duplicate_has_the_same_text_under_another_subject(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    fields = USUAL | {
        "subject": "Once more: massage",
        "kind": "article",
        "after": FIRST,
        "original": f"pain-guide/{FIRST}",
    }
    change(sqlite_home, paul, "/edit/new", **fields)
    assert "Once more: massage" in publish(sqlite_home, paul)
    assert paul.get(f"{KEY}/picture/once-more-massage").status_code == 200


def test_the_owner_can_choose_the_sequence_that_follows(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    change(sqlite_home, paul, "/edit/end", sequence="golf", only_if="golfers")
    assert "People go on differently at the end." in words(paul.get(f"{KEY}/review"))
    assert "Then people in “Golfers” go on with “For golfers”." in publish(sqlite_home, paul)


def test_an_email_can_be_kept_for_people_who_agreed_to_the_news(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    change(sqlite_home, paul, f"/edit/steps/{FIRST}", **USUAL | {"stream": "news"})
    plan = sequence_editor.find_plan(sqlite_home.context.database, "pain-guide")
    assert plan.sequence.step(FIRST).stream is Purpose.NEWS
    assert "Only to people who agreed to news and offers." in words(paul.get(f"{KEY}/edit"))
    change(sqlite_home, paul, f"/edit/steps/{FIRST}", **USUAL)
    plan = sequence_editor.find_plan(sqlite_home.context.database, "pain-guide")
    assert plan.sequence.step(FIRST).stream is None


def test_an_unknown_kind_of_email_is_refused_in_words(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    refused = change(sqlite_home, paul, f"/edit/steps/{FIRST}", **USUAL | {"stream": "spam"})
    assert refused.status_code == 422
    assert "is no kind of email that people can agree to" in refused.text


def test_the_owner_can_choose_what_a_reply_does(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    change(sqlite_home, paul, "/edit/replied", replied="pause")
    assert "gets no more until you let them go on" in words(paul.get(f"{KEY}/review"))
    assert "gets no more until you let them go on" in publish(sqlite_home, paul)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("wait_number", "99999", "is not a length of time"),
        ("at", "25:99", "is not a time of day"),
        ("days", "chosen", "not a day to send on"),
    ],
)
def test_an_invalid_value_is_reported_beside_what_was_typed(
    sqlite_home: Installation, paul: FlaskClient, field: str, value: str, said: str
) -> None:
    answer = change(sqlite_home, paul, f"/edit/steps/{FIRST}", **(USUAL | {field: value}))
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{value}"' in answer.text
    assert not sqlite_home.rows(drafts)


def test_an_invalid_draft_is_reported_and_not_published(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    change(sqlite_home, paul, "/edit/remove", email="your-guide")
    page = words(paul.get(f"{KEY}/review"))
    assert "It cannot go live like this" in page
    assert "the first step must be of kind “guide”" in page
    sent = send(paul, f"{KEY}/review", f"{KEY}/review", version=version(sqlite_home))
    assert sent.location == f"{KEY}/review"
    assert "whenever somebody asks for the guide" in words(paul.get(KEY))


def test_a_second_window_is_warned_of_a_newer_draft(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    change(sqlite_home, paul, "/edit/remove", email=FIRST)
    page = send(paul, f"{KEY}/edit", f"{KEY}/edit/remove", email=SECOND, version="0")
    assert page.status_code == 303
    assert "changed in another window" in words(paul.get(f"{KEY}/edit"))
    assert SECOND in order(sqlite_home)
    sent = send(paul, f"{KEY}/review", f"{KEY}/review", version="9")
    assert sent.status_code == 422


def test_discarded_changes_leave_nothing_behind(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    before = sqlite_home.rows(drafts)
    fields = USUAL | {"subject": "New", "body": "Hello.", "kind": "article", "after": FIRST}
    change(sqlite_home, paul, "/edit/new", **fields, original="")
    assert len(sqlite_home.rows(drafts)) == 2
    send(paul, f"{KEY}/edit", f"{KEY}/edit/discard")
    assert sqlite_home.rows(drafts) == before


def test_pausing_and_resuming_explain_what_they_do_and_whom_they_affect(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    sqlite_home.collect()
    asked = words(paul.get(f"{KEY}/pause"))
    assert "1 person is under way." in asked and "still gets their guide" in asked
    send(paul, f"{KEY}/pause", f"{KEY}/pause")
    assert "Paused" in words(paul.get(KEY))
    live(sqlite_home, paul, 4)
    assert "1 person has an email overdue." in words(paul.get(f"{KEY}/pause"))
    send(paul, f"{KEY}/pause", f"{KEY}/resume")
    assert "1 person had been waiting for that." in words(paul.get(KEY))
    assert "Paused" not in words(paul.get("/studio/sequences/"))


def test_a_post_without_the_forms_token_changes_nothing(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    before = sqlite_home.everything()
    for path in ("/pause", "/resume", "/edit/move", "/edit/discard", "/review", "/history/1"):
        assert paul.post(f"{KEY}{path}", data={"version": "0"}).status_code == 400
    assert sqlite_home.everything() == before
    assert token_on(paul, KEY)
