"""Random people with all kinds of states, written down by the program's own functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import insert

from nurture.domain.scheduling.gate import Frequency, PausedBy
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.subscribers.bookings import BOOKINGS, booked_until
from nurture.domain.subscribers.consent import ConsentChange, Evidence, Origin, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.verdict import Verdict
from nurture.store import personal
from nurture.store.database import Connection
from nurture.store.tables.bookings import told_of
from nurture.store.tables.consents import record_consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import NewEvent, add_events
from nurture.store.tables.signups import add_signup
from nurture.store.tables.subscribers import FORM, HAND, IMPORT, add_subscriber, change_subscriber
from nurture.store.tables.suppressions import (
    allow_guide,
    lift_suppression,
    suppress,
    suppress_erased,
)
from nurture.tokens import Tokens

TOKENS = Tokens(["the secret key of these tests"])
BEGUN = datetime(2024, 2, 29, 12, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)

FORMS = ("pain-guide", "over-50-guide")
SEQUENCES = (*FORMS, "golf", "still-there")
ADDRESSES = (
    *("ann@example.org", "BOB@Example.org", "o'hara@example.org", "=1+1@example.org"),
    *("-x@example.org", "zoë@exämple.org", '"a,b"@example.org', "a;b@example.com"),
)
#: What spreadsheets run, what CSV quotes, and what is trimmed elsewhere.
ODD = (
    "",
    "Ann",
    "=1+1",
    "'=1",
    "-2",
    "@x",
    "\tx",
    "  Bo ",
    'a "b", c;',
    "Åsa 李",
    "null",
    "[]",
    "'",
)

_moments = st.integers(0, 10**15 // 16).map(lambda n: BEGUN + timedelta(microseconds=n))
_maybe = st.none() | _moments
_odd = st.sampled_from(ODD)
_texts = _odd | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
_words = st.frozensets(st.sampled_from(("one", "two", "three")))


@dataclass(frozen=True)
class Mover:
    """Someone with everything that can be known of them."""

    address: str
    columns: dict[str, Any]
    said: list[tuple[datetime, bool, Purpose, str, str, Evidence, datetime | None]]
    signups: list[dict[str, Any]]
    enrolments: list[dict[str, Any]]
    bookings: list[tuple[str, datetime, bool, Verdict | None]]
    suppressed: list[tuple[SuppressionReason, datetime, str]]
    lifted: list[tuple[SuppressionReason, datetime]]
    asked_again: datetime | None


_columns = st.fixed_dictionaries(
    {
        "first_name": _odd,
        "last_name": _odd,
        "phone": st.sampled_from(("", "+44 20 7946 0000", "0207")),
        "time_zone": st.sampled_from(("Europe/London", "Asia/Tokyo")),
        "confirmed_at": _maybe,
        "frequency": st.sampled_from(Frequency),
        "paused_until": _maybe,
        "paused_by": st.none() | st.sampled_from(PausedBy),
        "boxes_seen_at": _maybe,
        "came_by": st.sampled_from((FORM, IMPORT, HAND)),
        "client_since": _maybe,
        "client_until": _maybe,
        "client_basis_at": _maybe,
    }
)
_evidence = st.builds(Evidence, _texts, st.sampled_from(("", "192.0.2.7")), _texts)
_said = st.tuples(
    _moments,
    st.booleans(),
    st.sampled_from(Purpose),
    st.sampled_from(("", *FORMS)),
    st.sampled_from(("form:pain-guide", "preferences", "unsubscribe", "guide-page", "journal")),
    _evidence,
    _maybe,
)
_signup = st.fixed_dictionaries(
    {
        "form": st.sampled_from(FORMS),
        "page_url": _texts,
        "utm": st.dictionaries(_texts, _texts, max_size=2),
        "client": st.sampled_from(("", "192.0.2.7")),
        "now": _moments,
        "received_at": _maybe,
    }
)
_enrolment = st.fixed_dictionaries(
    {
        "sequence": st.sampled_from(SEQUENCES),
        "status": st.sampled_from(EnrolmentStatus),
        "enrolled_at": _moments,
        "anchor_at": _moments,
        "passed": _words,
        "collected_at": _maybe,
        "guide_wanted": st.booleans(),
        "guide_wanted_at": _moments,
        "occasion": st.integers(1, 3),
        "next_look_at": _maybe,
        "turn": st.integers(0, 3),
        "ended_at": _maybe,
        "ended_because": st.none() | st.sampled_from(EndReason),
        "ends_as": st.sampled_from((None, "goal_reached:booked", "removed:")),
        "held_at": _maybe,
        "excused_until": _maybe,
        "covered_by": st.sampled_from((None, *FORMS)),
    }
)
_BY_PEOPLE = (
    SuppressionReason.UNSUBSCRIBED,
    SuppressionReason.BOUNCED,
    SuppressionReason.COMPLAINED,
)
_booking = st.tuples(
    st.sampled_from(BOOKINGS), _moments, st.booleans(), st.none() | st.sampled_from(Verdict)
)
_suppressed = st.tuples(st.sampled_from(_BY_PEOPLE), _moments, _texts)
_lifted = st.tuples(st.just(SuppressionReason.BOUNCED), _moments)


def mover(address: str) -> st.SearchStrategy[Mover]:
    """Return someone with that address."""
    return st.builds(
        Mover,
        address=st.just(address),
        columns=_columns,
        said=st.lists(_said, max_size=4).map(lambda said: sorted(said, key=lambda one: one[0])),
        signups=st.lists(_signup, max_size=2),
        enrolments=st.lists(_enrolment, max_size=3, unique_by=lambda one: one["sequence"]),
        bookings=st.lists(_booking, max_size=3),
        suppressed=st.lists(_suppressed, max_size=2),
        lifted=st.lists(_lifted, max_size=1),
        asked_again=_maybe,
    )


#: Several people, each with another address.
movers = st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4, unique=True).flatmap(
    lambda addresses: st.tuples(*map(mover, addresses)).map(list)
)
#: Addresses of which only the hash is known, and those of people who were erased.
strangers = st.lists(
    st.tuples(st.sampled_from(("x@example.net", "y@example.net", "z@example.net")), _suppressed),
    max_size=2,
    unique_by=lambda one: one[0],
)


def settle(
    connection: Connection,
    people: Sequence[Mover],
    others: Sequence[tuple[str, tuple[SuppressionReason, datetime, str]]] = (),
    gone: Sequence[Mover] = (),
) -> list[int]:
    """Write people down, with addresses nobody has, and people who have been erased since."""
    for one in gone:
        number = _move_in(connection, one)
        personal.empty_people(connection, [number])
        suppress_erased(connection, _hash(one.address), NOW)
    numbers = [_move_in(connection, one) for one in people]
    for address, (reason, at, detail) in others:
        suppress(connection, _hash(address), reason, at, detail)
    return numbers


def _hash(address: str) -> str:
    return TOKENS.address_hashes(address)[0]


def _move_in(connection: Connection, one: Mover) -> int:
    number = add_subscriber(
        connection,
        address=one.address,
        address_hash=_hash(one.address),
        first_name="",
        time_zone="UTC",
        now=BEGUN,
    )
    _consent(connection, number, one)
    for signup in one.signups:
        add_signup(connection, subscriber_id=number, **signup)
    rows = [row | {"subscriber_id": number} for row in one.enrolments]
    if rows:
        connection.execute(insert(enrolments), rows)
    _book(connection, number, one)
    until = booked_until(told_of(connection, number))
    unknown = not any(granted for _, granted, *_ in one.said)
    columns = one.columns | {"booked_until": until, "basis_unknown": unknown}
    change_subscriber(connection, number, **columns)
    _suppress(connection, number, one)
    return number


def _consent(connection: Connection, number: int, one: Mover) -> None:
    for at, granted, purpose, form, source, evidence, said_at in one.said:
        # A form says whose series it grants; a record that does not is from before there were any.
        form = source.removeprefix("form:") if source.startswith("form:") else form
        form = form if purpose is Purpose.SERIES else ""
        change = ConsentChange(purpose, granted, f"Words, “{form}”, and\n\tmore.", form)
        origin = Origin(source, "2026-01", evidence)
        record_consents(connection, number, [change], origin, at, said_at)


def _book(connection: Connection, number: int, one: Mover) -> None:
    new = [
        NewEvent(
            kind,
            at,
            "calendly",
            f"{one.address}:{place}",
            subscriber_id=number,
            verdict=verdict,
            booker=_hash(one.address) if is_booker else None,
        )
        for place, (kind, at, is_booker, verdict) in enumerate(one.bookings)
    ]
    add_events(connection, new)


def _suppress(connection: Connection, number: int, one: Mover) -> None:
    for reason, at, detail in one.suppressed:
        suppress(connection, _hash(one.address), reason, at, detail)
    for reason, at in one.lifted:
        lift_suppression(connection, _hash(one.address), reason, at)
    if one.asked_again and one.enrolments:
        sequence = one.enrolments[0]["sequence"]
        theirs = (enrolments.c.subscriber_id == number) & (enrolments.c.sequence == sequence)
        found = connection.scalars(
            enrolments.select().with_only_columns(enrolments.c.id).where(theirs)
        )
        allow_guide(connection, _hash(one.address), found.one(), one.asked_again)
