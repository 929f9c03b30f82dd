"""Facts: what is known about people, read in a few statements however many people there are."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from nurture.domain.audience.facts import Enrolled, Facts, Happened, SignedUp
from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import Frequency
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.bookings import BOOKINGS
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import as_consents, subscribers

#: The events that conditions, interests, engagement and questions about bookings look at.
_TOLD = (
    EventKind.OPENED,
    EventKind.CLICKED,
    EventKind.DOWNLOADED,
    *BOOKINGS,
    EventKind.STAYED,
    EventKind.REPLIED,
)

#: Someone may have very many events, so only the columns that are used are read.
_READ = ("id", "subscriber_id", "kind", "happened_at", "verdict", "email", "link", "topics")

#: Only this many similar hits count; more would say nothing further about anyone.
_OF_A_FLOOD = 100


def facts_of(connection: Connection, subscriber_ids: Collection[int]) -> dict[int, Facts]:
    """Return the facts about these people, if they are known; hits not yet judged are left out."""
    ids = list(subscriber_ids)
    signed_up = _grouped(connection, signups, ids, _signed_up)
    enrolled = _grouped(connection, enrolments, ids, _enrolled)
    happened = _grouped(connection, _told(ids), ids, _happened)
    people = connection.execute(select(subscribers).where(subscribers.c.id.in_(ids)))
    return {
        row["id"]: _facts(
            row,
            signups=tuple(signed_up.get(row["id"], ())),
            enrolments=tuple(enrolled.get(row["id"], ())),
            events=tuple(happened.get(row["id"], ())),
        )
        for row in people.mappings()
    }


def _told(ids: Sequence[int]) -> Any:
    """Return what happened; of a flood of hits on one link of one email, only the newest."""
    alike = [events.c[name] for name in ("subscriber_id", "message_id", "kind", "verdict", "link")]
    newest = events.c.happened_at.desc()
    columns = [events.c[name] for name in (*_READ, "source")]
    place = func.row_number().over(partition_by=alike, order_by=newest).label("place")
    chosen = events.c.kind.in_(_TOLD) & events.c.verdict.is_not(None)
    told = select(*columns, place).where(events.c.subscriber_id.in_(ids), chosen).subquery()
    kept = (told.c.source != "hit") | (told.c.place <= _OF_A_FLOOD)
    return select(*(told.c[name] for name in _READ)).where(kept).subquery()


def _grouped(connection: Connection, table: Any, ids: list[int], read: Any) -> dict[int, list[Any]]:
    statement: Select[Any] = select(table).where(table.c.subscriber_id.in_(ids))
    found: dict[int, list[Any]] = {}
    for row in connection.execute(statement.order_by(table.c.id)).mappings():
        found.setdefault(row["subscriber_id"], []).append(read(row))
    return found


def _facts(row: RowMapping, **more: Any) -> Facts:
    return Facts(
        created_at=row["created_at"],
        consents=as_consents(row["purposes"]),
        confirmed=row["confirmed_at"] is not None,
        first_name=row["first_name"],
        time_zone=row["time_zone"],
        frequency=known(Frequency, row["frequency"], Frequency.FEWER),
        **more,
    )


def _signed_up(row: RowMapping) -> SignedUp:
    return SignedUp(row["form"], row["signed_up_at"], row["utm"])


def _enrolled(row: RowMapping) -> Enrolled:
    status = known(EnrolmentStatus, row["status"], EnrolmentStatus.REMOVED)
    return Enrolled(row["sequence"], status, row["passed"], row["collected_at"])


def _happened(row: RowMapping) -> Happened:
    return Happened(
        kind=EventKind(row["kind"]),
        at=row["happened_at"],
        verdict=known(Verdict, row["verdict"], Verdict.UNSURE),
        email=row["email"] or "",
        link=row["link"] or "",
        topics=row["topics"] or frozenset(),
    )
