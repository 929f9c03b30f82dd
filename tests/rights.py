"""Random rights: how people came, what they are to the practice, and why not to write to them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from nurture.domain.scheduling.gate import PausedBy
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.queries.due import DueEnrolment, due_enrolments
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import FORM, HAND, IMPORT, subscribers
from nurture.store.tables.suppressions import suppressions
from tests.people import NOW

_SOON = st.sampled_from((None, None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)))


@dataclass(frozen=True)
class Rights:
    """Everything besides consents that decides whether a person may be written to."""

    came_by: str
    basis_unknown: bool
    client_since: datetime | None
    client_until: datetime | None
    client_basis_at: datetime | None
    paused_until: datetime | None
    paused_by: PausedBy
    booked_until: datetime | None
    suppressed: frozenset[str]


#: The rights of anyone; a reason to suppress an address may be one of a newer program.
rights = st.builds(
    Rights,
    came_by=st.sampled_from((FORM, FORM, IMPORT, HAND)),
    basis_unknown=st.sampled_from((False, False, True)),
    client_since=_SOON,
    client_until=st.sampled_from((None, NOW)),
    client_basis_at=_SOON,
    paused_until=_SOON,
    paused_by=st.sampled_from(PausedBy),
    booked_until=st.sampled_from((None, None, NOW, NOT_CANCELLED)),
    suppressed=st.one_of(
        st.just(frozenset()),
        st.frozensets(st.sampled_from((*SuppressionReason, "of-a-newer-program")), max_size=2),
    ),
)


def write_rights(connection: Connection, crowd: Mapping[int, Rights]) -> None:
    """Write the rights of people who are in the database."""
    for number, one in crowd.items():
        columns = asdict(one)
        reasons = columns.pop("suppressed")
        theirs = subscribers.c.id == number
        connection.execute(update(subscribers).where(theirs).values(columns))
        whose = connection.scalar(select(subscribers.c.address_hash).where(theirs))
        rows = [{"address_hash": whose, "reason": reason, "since": NOW} for reason in reasons]
        connection.execute(insert(suppressions), rows) if rows else None


def asked_of_the_gate(
    connection: Connection, numbers: Sequence[int], now: datetime
) -> dict[int, DueEnrolment]:
    """Return what a worker asks the gate about each of these people, at that moment."""
    rows = [
        {
            "subscriber_id": number,
            "sequence": "for-the-gate",
            "status": "active",
            "enrolled_at": now,
            "anchor_at": now,
            "passed": (),
            "guide_wanted": False,
            "guide_wanted_at": now,
            "next_look_at": now,
        }
        for number in numbers
    ]
    connection.execute(insert(enrolments), rows)
    due = due_enrolments(connection, now, 1000)
    return {one.subscriber_id: one for one in due if one.sequence == "for-the-gate"}
