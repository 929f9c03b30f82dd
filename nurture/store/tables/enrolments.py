"""Enrolments: how far each subscriber has got, and when to look again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known, known_or_none
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.store.database import insert_new
from nurture.store.tables.broadcasts import UNDER_WAY_NUMBERS
from nurture.store.tables.restores import numbered
from nurture.store.tables.subscribers import subscribers
from nurture.store.types import UtcDateTime, Words, ending_as_text, ending_from_text, metadata

_ACTIVE = sa.text("status = 'active'")
_DIALECTS = ("sqlite_where", "postgresql_where")
_OF_SERIES: dict[str, Any] = dict.fromkeys(
    _DIALECTS, sa.text("status = 'active' AND broadcast IS NULL")
)
_OF_BROADCASTS: dict[str, Any] = dict.fromkeys(
    _DIALECTS, sa.text("status = 'active' AND broadcast IS NOT NULL")
)
_UNDER_WAY = {"status": EnrolmentStatus.ACTIVE, "ended_at": None, "ended_because": None}
enrolments = sa.Table(
    "enrolments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False),
    sa.Column("sequence", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("enrolled_at", UtcDateTime, nullable=False),
    sa.Column("anchor_at", UtcDateTime, nullable=False),
    sa.Column("passed", Words, nullable=False),
    sa.Column("collected_at", UtcDateTime),
    sa.Column("guide_wanted", sa.Boolean, nullable=False),
    sa.Column("guide_wanted_at", UtcDateTime, nullable=False),
    # The number of the guide's current offer; a later request is a new occasion.
    sa.Column("occasion", sa.Integer, nullable=False, default=1),
    sa.Column("next_look_at", UtcDateTime),
    # Counts changes from outside, so that a plan made before one is recognised as stale.
    sa.Column("turn", sa.Integer, nullable=False, default=0),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_because", sa.Text),
    # How it ends once the guide is sent: a status and, after a colon, why. Null: the series runs.
    sa.Column("ends_as", sa.Text),
    # Set by a restore until the owner decides about it, because it may have been sent already.
    sa.Column("held_at", UtcDateTime),
    # Until when a pause, a cap or the account holds back the step awaited, which makes it no later.
    sa.Column("excused_until", UtcDateTime),
    # The form whose wording covers a sequence that has no form of its own.
    sa.Column("covered_by", sa.Text),
    # The broadcast that this is, if it is no sequence.
    sa.Column("broadcast", sa.Integer),
    # Whether nothing follows before the guide is collected, whatever the form says.
    sa.Column("must_collect", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    # How often the cap has put off the step awaited.
    sa.Column("moved", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.UniqueConstraint("subscriber_id", "sequence"),
    # A sweep's cost depends on what is due, not on how many are enrolled.
    sa.Index("ix_enrolments_due", "next_look_at", sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
    # Those of them who are waiting for a guide; everyone else comes after.
    sa.Index(
        "ix_enrolments_guides",
        "next_look_at",
        sqlite_where=sa.text("status = 'active' AND guide_wanted = 1"),
        postgresql_where=sa.text("status = 'active' AND guide_wanted"),
    ),
    sa.Index("ix_enrolments_sequence_status", "sequence", "status"),
    # However many wait for a broadcast, what is due of sequences is found without passing them.
    sa.Index("ix_enrolments_series_due", "next_look_at", **_OF_SERIES),
    sa.Index("ix_enrolments_broadcast_due", "broadcast", "next_look_at", **_OF_BROADCASTS),
)

IS_ACTIVE = enrolments.c.status == EnrolmentStatus.ACTIVE

#: Nothing held since a restore is sent, except a guide requested since then.
NOT_HELD = enrolments.c.held_at.is_(None) | (
    enrolments.c.guide_wanted & (enrolments.c.guide_wanted_at > enrolments.c.held_at)
)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One subscriber's path through one sequence."""

    id: int
    subscriber_id: int
    sequence: str
    status: EnrolmentStatus
    progress: Progress
    guide_wanted_at: datetime
    occasion: int
    because: EndReason | None = None
    ended_at: datetime | None = None

    @property
    def ending(self) -> Ending:
        """Its status and, if it has ended, the reason."""
        return Ending(self.status, self.because)


def add_enrolment(
    connection: sa.Connection,
    *,
    subscriber_id: int,
    sequence: str,
    now: datetime,
    ends_as: Ending | None = None,
    asked_at: datetime | None = None,
    held_at: datetime | None = None,
    must_collect: bool = False,
) -> int | None:
    """Enrol someone, due now; return the number, or `None` if they were enrolled before.

    If they asked earlier, that is when it was due, although they are enrolled only now.
    """
    asked_at = asked_at or now
    row = {
        "subscriber_id": subscriber_id,
        "sequence": sequence,
        "status": EnrolmentStatus.ACTIVE,
        "enrolled_at": now,
        "anchor_at": asked_at,
        "passed": (),
        "guide_wanted": True,
        "guide_wanted_at": asked_at,
        "next_look_at": asked_at,
        "ends_as": ending_as_text(ends_as),
        "held_at": held_at,
        "must_collect": must_collect,
    }
    added = insert_new(connection, enrolments, numbered(connection, enrolments, [row]), "id")
    return added[0].id if added else None


def hand_over(
    connection: sa.Connection, going_on: Iterable[tuple[int, str, str]], now: datetime
) -> set[int]:
    """Enrol people in further sequences, due immediately, and return those not in them before.

    Each is named by subscriber, sequence and the form whose wording covers it. They did not ask for
    a guide there, and nobody who arrives this way still has to confirm the address.
    """
    row = {
        "status": EnrolmentStatus.ACTIVE,
        "enrolled_at": now,
        "anchor_at": now,
        "passed": (),
        "collected_at": now,
        "guide_wanted": False,
        "guide_wanted_at": now,
        "next_look_at": now,
    }
    rows = [
        row | {"subscriber_id": person, "sequence": sequence, "covered_by": form or None}
        for person, sequence, form in going_on
    ]
    given = numbered(connection, enrolments, rows)
    return {row[0] for row in insert_new(connection, enrolments, given, "subscriber_id")}


def enrolled_among(
    connection: sa.Connection, subscriber_ids: Iterable[int], sequence: str
) -> set[int]:
    """Return which of these people are or were in a sequence."""
    theirs = enrolments.c.subscriber_id.in_(list(subscriber_ids))
    chosen = sa.select(enrolments.c.subscriber_id).where(theirs, enrolments.c.sequence == sequence)
    return set(connection.scalars(chosen))


def find_enrolment(connection: sa.Connection, enrolment_id: int) -> Enrolment | None:
    """Return the enrolment with that number."""
    return _one(connection, enrolments.c.id == enrolment_id)


def find_enrolment_in(
    connection: sa.Connection, subscriber_id: int, sequence: str
) -> Enrolment | None:
    """Return one subscriber's enrolment in one sequence."""
    where = (enrolments.c.subscriber_id == subscriber_id) & (enrolments.c.sequence == sequence)
    return _one(connection, where)


def enrolments_of(connection: sa.Connection, subscriber_id: int) -> list[Enrolment]:
    """Return all of one subscriber's enrolments, oldest first."""
    where = enrolments.c.subscriber_id == subscriber_id
    rows = connection.execute(_with_time_zone().where(where).order_by(enrolments.c.id))
    return [_enrolment(row) for row in rows.mappings()]


def numbers_of(connection: sa.Connection, subscriber_ids: Iterable[int]) -> set[int]:
    """Return the numbers of all enrolments of these subscribers, current and past."""
    theirs = enrolments.c.subscriber_id.in_(list(subscriber_ids))
    return set(connection.scalars(sa.select(enrolments.c.id).where(theirs)))


def end_enrolments(
    connection: sa.Connection,
    enrolment_ids: Iterable[int],
    reason: EnrolmentStatus,
    now: datetime,
    because: EndReason | None = None,
) -> None:
    """End those of the enrolments that are still under way, for that reason."""
    where = enrolments.c.id.in_(list(enrolment_ids))
    _end(connection, where, Ending(reason, because), now)


def end_enrolments_of(
    connection: sa.Connection,
    subscriber_id: int,
    reason: EnrolmentStatus,
    now: datetime,
    because: EndReason | None = None,
) -> None:
    """End every enrolment that one subscriber is under way in."""
    where = enrolments.c.subscriber_id == subscriber_id
    _end(connection, where, Ending(reason, because), now)


def reword_ends(connection: sa.Connection, subscriber_id: int, ending: Ending) -> None:
    """Change the reason why one person's suppression has already ended enrolments."""
    by_suppression = (EnrolmentStatus.UNSUBSCRIBED, EnrolmentStatus.SUPPRESSED)
    connection.execute(
        sa.update(enrolments)
        .where(enrolments.c.subscriber_id == subscriber_id, enrolments.c.status.in_(by_suppression))
        .values(status=ending.status, ended_because=ending.because)
    )


def take_up_unsubscribed(connection: sa.Connection, subscriber_id: int, now: datetime) -> None:
    """Resume the enrolments that one subscriber's unsubscription ended."""
    ended_so = _ended_as(subscriber_id, EnrolmentStatus.UNSUBSCRIBED)
    _change(connection, ended_so, now, _UNDER_WAY)


def take_up_suppressed(connection: sa.Connection, subscriber_id: int, now: datetime) -> list[int]:
    """Resume the enrolments that the suppression of one address ended; return which."""
    theirs = _ended_as(subscriber_id, EnrolmentStatus.SUPPRESSED)
    found = list(connection.scalars(sa.select(enrolments.c.id).where(theirs)))
    _change(connection, theirs, now, _UNDER_WAY)
    return found


def _ended_as(subscriber_id: int, status: EnrolmentStatus) -> Any:
    e = enrolments.c  # A broadcast that is over reaches nobody any more.
    going_on = e.broadcast.is_(None) | e.broadcast.in_(UNDER_WAY_NUMBERS)
    return (e.subscriber_id == subscriber_id) & (e.status == status) & going_on


def change_enrolment(
    connection: sa.Connection, enrolment_id: int, now: datetime, **values: Any
) -> None:
    """Change one enrolment from outside; it is looked at again immediately."""
    _change(connection, enrolments.c.id == enrolment_id, now, values)


def put_back(
    connection: sa.Connection, enrolment_id: int, progress: Progress, now: datetime
) -> None:
    """Resume an ended enrolment at that progress; it is looked at immediately."""
    change_enrolment(connection, enrolment_id, now, **_UNDER_WAY, **columns_of(progress))


def rest(connection: sa.Connection, enrolment_id: int, progress: Progress) -> None:
    """Send nothing more of an enrolment except its guide; plans made before become stale."""
    connection.execute(
        sa.update(enrolments)
        .where(enrolments.c.id == enrolment_id)
        .values(ends_as=ending_as_text(progress.ends_as), turn=enrolments.c.turn + 1)
    )


def columns_of(progress: Progress) -> dict[str, Any]:
    """Return the columns for a progress that was changed from outside."""
    return {
        "enrolled_at": progress.enrolled_at,
        "anchor_at": progress.anchor_at,
        "collected_at": progress.collected_at,
        "guide_wanted": progress.guide_wanted,
        "ends_as": ending_as_text(progress.ends_as),
    }


def look_at_once(connection: sa.Connection, where: Any, now: datetime) -> int:
    """Have the active enrolments of a sequence or subscriber decided again now; return how many."""
    return _change(connection, where & (enrolments.c.status == EnrolmentStatus.ACTIVE), now, {})


def look_at(connection: sa.Connection, where: Any, moment: datetime) -> None:
    """Look at the active enrolments of a subscriber at that moment, rather than immediately."""
    connection.execute(
        sa.update(enrolments)
        .where(where, IS_ACTIVE, enrolments.c.next_look_at < moment)
        .values(next_look_at=moment, turn=enrolments.c.turn + 1)
    )


def of_sequences(*sequences: str) -> Any:
    """Return a condition for `look_at_once` and `locks.hold`: everyone in these sequences."""
    return enrolments.c.sequence.in_(sequences)


def everybody() -> Any:
    """Return a condition for `look_at_once`: everyone who is under way."""
    return sa.true()


def of_subscriber(subscriber_id: int) -> Any:
    """Return a condition for `look_at_once` and `locks.hold`: that person."""
    return enrolments.c.subscriber_id == subscriber_id


def of_subscribers(subscriber_ids: Iterable[int]) -> Any:
    """Return a condition for `look_at_once` and `locks.hold`: those people."""
    return enrolments.c.subscriber_id.in_(list(subscriber_ids))


def of_enrolments(enrolment_ids: Iterable[int]) -> Any:
    """Return a condition for `look_at_once` and `locks.hold`: those enrolments."""
    return enrolments.c.id.in_(list(enrolment_ids))


def ended(ending: Ending, now: datetime) -> dict[str, Any]:
    """Return the columns of an enrolment that ends that way."""
    gone = {} if ending.is_left else {"ends_as": None}
    return gone | {
        "status": ending.status,
        "ended_because": ending.because,
        "ended_at": now,
        "next_look_at": None,
        "held_at": None,
        "turn": enrolments.c.turn + 1,
    }


def _end(connection: sa.Connection, where: Any, ending: Ending, now: datetime) -> None:
    connection.execute(sa.update(enrolments).where(where, IS_ACTIVE).values(ended(ending, now)))


def _change(connection: sa.Connection, where: Any, now: datetime, values: dict[str, Any]) -> int:
    changed = connection.execute(
        sa.update(enrolments)
        .where(where)
        .values(next_look_at=now, turn=enrolments.c.turn + 1, **values)
    )
    return changed.rowcount


def _with_time_zone() -> Any:
    return sa.select(enrolments, subscribers.c.time_zone).join(
        subscribers, subscribers.c.id == enrolments.c.subscriber_id
    )


def _one(connection: sa.Connection, where: Any) -> Enrolment | None:
    row = connection.execute(_with_time_zone().where(where)).mappings().first()
    return _enrolment(row) if row else None


def _enrolment(row: sa.RowMapping) -> Enrolment:
    return Enrolment(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        sequence=row["sequence"],
        status=known(EnrolmentStatus, row["status"], EnrolmentStatus.REMOVED),
        progress=progress_of(row, row["time_zone"]),
        guide_wanted_at=row["guide_wanted_at"],
        occasion=row["occasion"],
        because=known_or_none(EndReason, row["ended_because"]),
        ended_at=row["ended_at"],
    )


def progress_of(row: sa.RowMapping, time_zone: str) -> Progress:
    """Return what the planner needs, given the row and its subscriber's time zone."""
    return Progress(
        enrolled_at=row["enrolled_at"],
        anchor_at=row["anchor_at"],
        passed=row["passed"],
        collected_at=row["collected_at"],
        guide_wanted=row["guide_wanted"],
        time_zone=time_zone,
        ends_as=ending_from_text(row["ends_as"]),
        excused_until=row["excused_until"],
        covered_by=row["covered_by"] or "",
        moved=row["moved"],
        must_collect=row["must_collect"],
    )
