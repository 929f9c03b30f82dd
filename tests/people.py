"""Random people and random conditions, for properties that hold for all of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from nurture.domain.audience.conditions import (
    All,
    AnyOf,
    Booked,
    Collected,
    Condition,
    Did,
    FilledIn,
    Has,
    InSequence,
    IsLevel,
    Not,
    Reached,
    Replied,
)
from nurture.domain.audience.engagement import SIGNS_OF_LIFE, EngagementLevel
from nurture.domain.audience.facts import Enrolled, Facts, Happened, SignedUp
from nurture.domain.scheduling.gate import Frequency
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HEALTH = frozenset({"back-pain", "rehab"})

#: Names that differ only where a careless comparison would not notice.
_TOPICS = ("back-pain", "rehab", "golf", "Golf", "golf-swing", "a_b", "a%b")
_EMAILS = ("pain-guide/one", "pain-guide/two", "over-50-guide/one", "golf/someone", "x/One")
_LINKS = (
    *("https://example.org/golf", "https://example.org/Golf", "https://example.org/"),
    "https://example.org/ä?a=%25&b='x'",
)
_SEQUENCES = ("pain-guide", "over-50-guide", "golf")
_STEPS = ("one", "two", "three", "One", "someone")
_FORMS = ("pain-guide", "over-50-guide")
_UTM = (("utm_source", "news"), ("utm_source", "News"), ("utm_campaign", 'O\'Brien & "Söhne"'))
_ODD_UTM = (("utm_a.b", "C:\\new"), ("utm_ä-1", ""), ("utm_source", "1"), ("utm_source", "null"))
_NAMES = ("", "Ann", "ann", "Bob", "Åsa", "åsa", "O'Brien", "a%", "null")

#: The hours at which a level changes stand among the times, so that the edges are met.
_AGES = st.one_of(
    st.sampled_from([timedelta(days=d) for d in (0, 14, 30, 90)]),
    # Just inside and just outside, and clocks that run ahead.
    st.builds(
        lambda days, more: timedelta(days=days, microseconds=more),
        st.sampled_from((0, 1, 14, 30, 90)),
        st.sampled_from((-1, 1)),
    ),
    st.integers(0, 200 * 24).map(lambda h: timedelta(hours=h)),
)
_MOMENTS = _AGES.map(lambda age: NOW - age)
_DAYS = st.integers(0, 200).map(lambda n: NOW.replace(hour=0) - timedelta(days=n))
_WITHIN = st.one_of(st.none(), st.sampled_from([timedelta(days=d) for d in (1, 14, 30, 90)]))

_happened = st.builds(
    Happened,
    kind=st.sampled_from(sorted(SIGNS_OF_LIFE)),
    at=_MOMENTS,
    verdict=st.sampled_from(Verdict),
    email=st.sampled_from(("", *_EMAILS)),
    link=st.sampled_from(("", *_LINKS)),
    topics=st.frozensets(st.sampled_from(_TOPICS), max_size=3),
)
_signed_up = st.builds(
    SignedUp,
    form=st.sampled_from(_FORMS),
    at=_MOMENTS,
    utm=st.lists(st.sampled_from((*_UTM, *_ODD_UTM)), max_size=3).map(dict),
)
_enrolled = st.builds(
    Enrolled,
    sequence=st.sampled_from(_SEQUENCES),
    status=st.sampled_from(EnrolmentStatus),
    passed=st.frozensets(st.sampled_from(_STEPS), max_size=3),
    collected_at=st.one_of(st.none(), _MOMENTS),
)

#: Anyone.
people = st.builds(
    Facts,
    created_at=_MOMENTS,
    consents=st.frozensets(st.sampled_from(Purpose)).map(Consents),
    confirmed=st.booleans(),
    first_name=st.sampled_from(_NAMES),
    time_zone=st.sampled_from(("Europe/London", "Asia/Tokyo")),
    frequency=st.sampled_from(Frequency),
    signups=st.lists(_signed_up, max_size=2).map(tuple),
    enrolments=st.lists(_enrolled, max_size=3, unique_by=lambda e: e.sequence).map(tuple),
    events=st.lists(_happened, max_size=5).map(tuple),
)

_leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        Did,
        kind=st.sampled_from((EventKind.OPENED, EventKind.CLICKED)),
        email=st.sampled_from(("", "", *_EMAILS, "one")),
        link=st.sampled_from(("", "", *_LINKS)),
        topic=st.sampled_from(("", "", *_TOPICS)),
        within=_WITHIN,
        times=st.integers(1, 3),
        verdicts=st.sampled_from((*(frozenset({v}) for v in Verdict), frozenset(Verdict))),
    ),
    st.builds(
        InSequence,
        st.sampled_from(_SEQUENCES),
        st.frozensets(st.sampled_from(EnrolmentStatus), max_size=2),
    ),
    st.builds(Reached, st.sampled_from(_SEQUENCES), st.sampled_from(_STEPS)),
    st.builds(Collected, st.sampled_from(("", *_SEQUENCES))),
    st.builds(Booked, _WITHIN),
    st.builds(Replied, _WITHIN),
    st.builds(IsLevel, st.frozensets(st.sampled_from(EngagementLevel), min_size=1)),
    st.builds(
        FilledIn,
        form=st.sampled_from(("", *_FORMS)),
        utm=st.lists(
            st.sampled_from((*_UTM, *_ODD_UTM)), max_size=2, unique_by=lambda named: named[0]
        ).map(lambda named: tuple(sorted(named))),
        within=_WITHIN,
        since=st.one_of(st.none(), _DAYS),
        before=st.one_of(st.none(), _DAYS),
    ),
    st.sampled_from(
        [
            Has("confirmed", "yes"),
            Has("confirmed", "no"),
            Has("tracking", "yes"),
            Has("tracking", "perhaps"),
            Has("first_name", "Ann"),
            *(Has("first_name", name) for name in _NAMES if name != "Ann"),
            Has("frequency", "fewer"),
            Has("time_zone", "Asia/Tokyo"),
        ]
    ),
)

#: Any condition, a few levels deep.
conditions: st.SearchStrategy[Condition] = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


def write_down(connection: Connection, crowd: Sequence[Facts]) -> list[int]:
    """Write people into the database as the program would; return their numbers."""
    numbers = []
    for place, facts in enumerate(crowd):
        number = connection.execute(
            insert(subscribers).values(_person(place, facts)).returning(subscribers.c.id)
        ).scalar_one()
        _all(connection, signups, [_signup(number, one) for one in facts.signups])
        _all(connection, enrolments, [_enrolment(number, one) for one in facts.enrolments])
        rows = [_event(number, n, one) for n, one in enumerate(facts.events)]
        _all(connection, events, rows)
        # As many hits again are held still, and count for nothing yet.
        held = [row | {"verdict": None, "source_key": f"{row['source_key']}:held"} for row in rows]
        _all(connection, events, held)
        numbers.append(number)
    return numbers


def _all(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _person(place: int, facts: Facts) -> dict[str, Any]:
    return {
        "address": f"person-{place}@example.org",
        "address_key": f"person-{place}@example.org",
        "address_hash": f"{place:024x}",
        "first_name": facts.first_name,
        "time_zone": facts.time_zone,
        "created_at": facts.created_at,
        "confirmed_at": facts.created_at if facts.confirmed else None,
        "frequency": facts.frequency,
        "purposes": facts.consents.purposes,
    }


def _signup(number: int, signup: SignedUp) -> dict[str, Any]:
    return {
        "subscriber_id": number,
        "form": signup.form,
        "signed_up_at": signup.at,
        "page_url": "",
        "utm": dict(signup.utm),
        "client": "",
    }


def _enrolment(number: int, enrolled: Enrolled) -> dict[str, Any]:
    return {
        "subscriber_id": number,
        "sequence": enrolled.sequence,
        "status": enrolled.status,
        "enrolled_at": NOW,
        "anchor_at": NOW,
        "passed": enrolled.passed,
        "collected_at": enrolled.collected_at,
        "guide_wanted": False,
        "guide_wanted_at": NOW,
    }


def _event(number: int, place: int, event: Happened) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "subscriber_id": number,
        "happened_at": event.at,
        "source": "hit",
        "source_key": f"{number}:{place}",
        "verdict": event.verdict,
        "email": event.email or None,
        "link": event.link or None,
        "topics": event.topics,
    }
