"""A person's page is complete: their story, what comes next, and nothing withheld by consent."""

from datetime import datetime, timedelta

import pytest

from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, Verdict
from nurture.services.inbound import events
from nurture.services.profile import page as person_page
from nurture.services.subscribers import on_behalf
from nurture.store.tables.events import NewEvent, add_events
from tests.installation import Installation
from tests.journeys.virtual import booking
from tests.vocabulary import introduced

ANN = "ann@example.org"
_A_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ann(home: Installation) -> Installation:
    """Ann has consented to tracking, collected her guide and received the first article."""
    utm = {"utm_source": "newsletter"}
    home.subscribe_followed(ANN, first_name="Ann", utm=utm)
    home.deliver()
    home.clock.advance(timedelta(minutes=30))
    home.collect(tracking=True)
    home.live(days=3)
    return home


def hit(home: Installation, kind: EventKind, agent: str = _A_BROWSER, message: int = 2) -> None:
    """Record an open or a click of an email."""
    link = "https://human-movement.com/blog" if kind is EventKind.CLICKED else None
    at = home.clock.now
    hit = Hit(kind, at, "GET", agent, "192.0.2.3", link=link, message=message)
    home.context.journal.note(hit)


def test_the_story_starts_with_the_signup(ann: Installation) -> None:
    hit(ann, EventKind.OPENED)
    hit(ann, EventKind.CLICKED)
    hit(ann, EventKind.CLICKED, agent="Barracuda Sentinel")
    ann.fold()
    ann.judge()
    context, now = ann.context, ann.clock.now
    events.record_bookings(
        context.database, context.catalogue, context.tokens, [booking(ANN, now)], now
    )
    on_behalf.stop_everything(context.database, context.catalogue, 1, Evidence(), now)
    story = introduced(ann).story
    said = [chapter.said for chapter in story]
    title = "9 key principles to help you recover from pain and injury"
    assert said[0] == f"Signed up for “{title}”"
    assert story[0].notes == ("Came from “newsletter”",)
    for sentence in (
        "Agreed to getting the guide and getting the series of emails",
        "Sent “Your 21-page guide is ready to collect”",
        "Collected the guide",
        "Booked a session",
        "You unsubscribed them, as they asked",
        "Withdrew their consent to getting the guide and getting the series of emails",
    ):
        assert sentence in said
    assert said.count("Collected the guide") == 1
    assert [chapter.at for chapter in story] == sorted(chapter.at for chapter in story)
    [clicked] = [chapter for chapter in story if chapter.said.startswith("Followed a link in")]
    assert "A person: an ordinary browser followed the link" in clicked.notes
    [mail] = [chapter for chapter in story if chapter.machines]
    assert mail.said.startswith("Sent") and "“Barracuda”" in mail.machines[0]


def test_the_next_email_is_named_by_its_title(ann: Installation) -> None:
    found = introduced(ann)
    assert found.coming[0].subject == "When the rehab exercises get you nowhere"
    assert found.nothing_comes == ""
    told = " ".join(found.why_not_sooner)
    assert "Its wait of 4 days" in told
    assert "two-reasons-your-rehab" not in told
    assert found.sequences == {
        "pain-guide": "9 key principles to help you recover from pain and injury"
    }


def test_the_page_says_why_no_email_is_planned(ann: Installation) -> None:
    context = ann.context
    on_behalf.stop_everything(context.database, context.catalogue, 1, Evidence(), ann.clock.now)
    found = introduced(ann)
    assert found.coming == ()
    assert found.nothing_comes == "No emails planned: you unsubscribed them, as they asked."
    assert found.sequences == {}


def test_interests_in_health_are_shown_only_with_consent(ann: Installation) -> None:
    hit(ann, EventKind.CLICKED)
    ann.fold()
    ann.judge()
    found = introduced(ann)
    assert found.engagement.level is EngagementLevel.NEW
    assert found.because.startswith("followed a link in “")
    assert "Back pain" in [topic.title for topic in found.hidden]
    assert not {topic.key for topic in found.interests} & {topic.key for topic in found.hidden}


def test_an_unknown_person_has_no_page(home: Installation) -> None:
    context = home.context
    assert (
        person_page.introduce(
            context.database, context.catalogue, 9, home.clock.now, fingerprint="x", seen=0
        )
        is None
    )


def test_a_very_long_story_is_split_into_parts_without_gaps(
    ann: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_page, "_HITS", 10)
    begun, at = ann.clock.now, list[datetime]()
    for n in range(35):
        at.append(begun + timedelta(minutes=n // 2))
    with ann.context.database.writing() as connection:
        rows = [
            NewEvent(
                kind=EventKind.OPENED,
                happened_at=moment,
                source="hit",
                source_key=f"x:{n}",
                subscriber_id=1,
                message_id=2,
                verdict=Verdict.HUMAN,
                reasons=["seen"],
            )
            for n, moment in enumerate(at)
        ]
        add_events(connection, rows)
    part = introduced(ann)
    told, parts = list(part.story), 1
    while part.older:
        part = introduced(ann, until=part.older)
        told += part.story
        parts += 1
    assert parts > 3
    assert sorted(c.at for c in told if c.said.startswith("Opened")) == at
    assert [c.said for c in told].count("Collected the guide") == 1
    page = ann.client.get(f"/studio/people/1?until={begun.year}")
    assert page.status_code < 500
