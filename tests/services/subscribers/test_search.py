"""People are found by parts of their name and address, by segment, and by status."""

from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.subscribers.consent import Evidence
from nurture.services.inbound import events
from nurture.services.subscribers import preferences, search
from nurture.services.subscribers.search import AskedForError, PersonStatus, Question, SearchPage
from tests.installation import Installation
from tests.journeys.virtual import booking
from tests.vocabulary import clicks

ANN, BOB, CID = "ann@example.org", "bob_50%@example.org", "cid@example.com"


def find(home: Installation, before: int | None = None, **asked: Any) -> SearchPage:
    context, question = home.context, Question(**asked)
    return search.find(context.database, context.catalogue, question, home.clock.now, before)


def found(home: Installation, **asked: Any) -> list[str]:
    """Return the addresses found, newest first."""
    return [one.person.name for one in find(home, **asked).people]


@pytest.fixture
def three(home: Installation) -> Installation:
    """An installation where three people signed up, one after another."""
    home.subscribe(ANN, first_name="Ann")
    home.subscribe(BOB, "over-50-guide", first_name="Élodie")
    home.subscribe(CID)
    return home


def test_the_newest_subscribers_come_first(three: Installation) -> None:
    assert found(three) == [CID, BOB, ANN]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("EXAMPLE.org", [BOB, ANN]),
        ("ann", [ANN]),
        ("élodie", [BOB]),
        ("Élo example", [BOB]),
        ("ANN@example.org", [ANN]),
        ("%", [BOB]),
        ("_", [BOB]),
        ("a%n", []),
        ("'; drop", []),
        ("nobody@example.org", []),
    ],
)
def test_a_search_matches_part_of_a_name_or_address_without_wildcards(
    three: Installation, words: str, expected: list[str]
) -> None:
    page = find(three, words=words)
    assert ([one.person.name for one in page.people], page.count) == (expected, len(expected))


def test_people_are_found_by_sequence_segment_and_level(three: Installation) -> None:
    clicks(three, BOB, 2)
    assert found(three, segment="golfers") == [BOB]
    assert found(three, sequence="pain-guide") == [CID, ANN]
    assert found(three, level=EngagementLevel.NEW) == [CID, BOB, ANN]
    assert found(three, level=EngagementLevel.ASLEEP) == []
    three.clock.advance(timedelta(days=200))
    assert found(three, level=EngagementLevel.ASLEEP) == [CID, BOB, ANN]
    assert found(three, level=EngagementLevel.ASLEEP, words="example.com") == [CID]


def test_people_are_found_by_their_stage(three: Installation) -> None:
    context, now = three.context, three.clock.now
    three.collect(1)
    assert found(three, stage=PersonStatus.UNCONFIRMED) == [CID, BOB]
    assert found(three, stage=PersonStatus.UNDER_WAY) == [CID, BOB, ANN]
    preferences.unsubscribe(context.database, context.catalogue, 3, None, Evidence(), now)
    events.record_bookings(
        context.database, context.catalogue, context.tokens, [booking(ANN, now)], now
    )
    assert found(three, stage=PersonStatus.UNDER_WAY) == [BOB]
    assert found(three, stage=PersonStatus.UNDER_WAY, sequence="pain-guide") == []
    assert found(three, stage=PersonStatus.UNSUBSCRIBED) == [CID]
    assert found(three, stage=PersonStatus.SUPPRESSED) == []
    assert found(three, stage=PersonStatus.BOOKED) == [ANN]
    assert found(three, stage=PersonStatus.COMPLETED) == []


def test_a_search_for_a_deleted_segment_or_sequence_says_that_it_is_gone(
    three: Installation,
) -> None:
    with pytest.raises(AskedForError, match="no segment “nothing” any more"):
        find(three, segment="nothing")
    with pytest.raises(AskedForError, match="no sequence “nothing” any more"):
        find(three, sequence="nothing")


def test_every_person_appears_on_exactly_one_page(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 2)
    monkeypatch.setattr(search, "COUNTED", 3)
    for n in range(5):
        home.subscribe(f"p{n}@example.org")
    seen, before = [], None
    while True:
        page = find(home, before)
        assert (page.count, page.is_more) == (3, True)
        seen += [one.id for one in page.people]
        before = page.next
        if before is None:
            break
    assert seen == [5, 4, 3, 2, 1]
