"""Due enrolments: which ones to look at now, and how far they are afterwards."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, func, select, update

from nurture.domain.account.limits import Sent
from nurture.domain.known_words import known
from nurture.domain.scheduling.gate import UNTIL_RESUMED, Frequency, PausedBy, Standing
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.subscribers.suppression import (
    Suppression,
    SuppressionReason,
    guide_on_trial,
    strongest,
)
from nurture.store.database import as_rows, rows_as_table
from nurture.store.tables.account import refusals
from nurture.store.tables.broadcasts import SENDING
from nurture.store.tables.enrolments import IS_ACTIVE, NOT_HELD, enrolments
from nurture.store.tables.subscribers import FORM, RIGHTS, as_consents, is_client, subscribers
from nurture.store.tables.suppressions import standing_of
from nurture.store.types import ending_from_text

#: Nothing else about a due enrolment is read, as converting stored values costs most.
_COLUMNS: tuple[Any, ...] = (
    enrolments.c.id,
    enrolments.c.subscriber_id,
    enrolments.c.sequence,
    enrolments.c.enrolled_at,
    enrolments.c.anchor_at,
    enrolments.c.passed,
    enrolments.c.collected_at,
    enrolments.c.guide_wanted,
    enrolments.c.turn,
    enrolments.c.occasion,
    enrolments.c.ends_as,
    enrolments.c.excused_until,
    enrolments.c.covered_by,
    enrolments.c.moved,
    enrolments.c.must_collect,
    subscribers.c.address,
    subscribers.c.address_hash,
    subscribers.c.first_name,
    subscribers.c.time_zone,
    subscribers.c.frequency,
    subscribers.c.paused_until,
    subscribers.c.paused_by,
    subscribers.c.booked_until,
    subscribers.c.purposes,
    subscribers.c.confirmed_at,
    *(subscribers.c[name] for name in RIGHTS),
)


#: What is due is looked for in sequences and in broadcasts apart, each by its own index.
OF_SERIES = enrolments.c.broadcast.is_(None)
OF_BROADCASTS = enrolments.c.broadcast.is_not(None)

#: What is looked at: all of sequences, and the broadcasts that are being sent.
LIVE = OF_SERIES | enrolments.c.broadcast.in_(SENDING)


@dataclass(frozen=True, slots=True)
class DueEnrolment:
    """An enrolment to be looked at, with everything that is needed to decide and record."""

    id: int
    subscriber_id: int
    sequence: str
    progress: Progress
    standing: Standing
    turn: int
    occasion: int
    address: str
    address_hash: str
    first_name: str

    @property
    def may_be_followed(self) -> bool:
        """Whether this person agreed to having opens and clicks recorded."""
        return Purpose.TRACKING in self.standing.consents


@dataclass(frozen=True, slots=True)
class Advance:
    """The next state of an enrolment: its progress from here on, and when to look again."""

    enrolment_id: int
    progress: Progress
    next_look_at: datetime | None
    turn: int


def due_enrolments(
    connection: Connection,
    now: datetime,
    limit: int,
    besides: Collection[str] = (),
    *,
    asked_only: bool = False,
    broadcasts: Iterable[int] = (),
    room: int | None = None,
) -> list[DueEnrolment]:
    """Lock and return the enrolments to look at now: guides, then series, then broadcasts.

    Someone is waiting for the guide they have just asked for, and a series has promised its day,
    however many wait for a broadcast. Within each, the longest due come first. The subscribers are
    locked as well, so that two workers never decide about one person at the same time and both find
    the frequency cap unused. Enrolments in the sequences `besides` are left out, and with
    `asked_only` all but those that wait for what they asked for. Of the `broadcasts`, which are
    named in their order, at most `room` are returned.
    """
    ordered = _due_statement(now, besides).order_by(enrolments.c.next_look_at)
    found = _all_due(connection, ordered.where(enrolments.c.guide_wanted).limit(limit))
    if asked_only:
        return found
    series = ordered.where(~enrolments.c.guide_wanted, OF_SERIES)
    found += _all_due(connection, series.limit(limit - len(found)))
    left = limit - len(found) if room is None else min(limit - len(found), room)
    for number in broadcasts:
        if left > 0:
            of_one = _all_due(connection, ordered.where(_of_broadcast(number)).limit(left))
            found, left = found + of_one, left - len(of_one)
    return found


def due_for_probe(
    connection: Connection,
    now: datetime,
    limit: int,
    besides: Collection[str] = (),
    *,
    broadcasts: Collection[int] = (),
) -> list[DueEnrolment]:
    """Lock and return the enrolments to probe the account with while it is on hold, best first.

    They are of sequences, or of these `broadcasts`.

    People whose refusal is blamed on the server are never among them; domains other than theirs
    come first, and the newest of those.
    """
    theirs = select(refusals.c.subscriber_id)
    of_any = OF_SERIES | enrolments.c.broadcast.in_(sorted(broadcasts))
    chosen = _due_statement(now, besides).where(enrolments.c.subscriber_id.not_in(theirs), of_any)
    known = _domains_refused(connection)
    elsewhere = [subscribers.c.address_key.like(f"%@{_plain(domain)}", "!") for domain in known]
    ordered = chosen.order_by(*elsewhere, enrolments.c.enrolled_at.desc(), enrolments.c.id.desc())
    return _all_due(connection, ordered.limit(limit))


def _of_broadcast(number: int) -> Any:
    return OF_BROADCASTS & (enrolments.c.broadcast == number)


def _all_due(connection: Connection, statement: Any) -> list[DueEnrolment]:
    rows = connection.execute(statement).all()
    suppressed = standing_of(connection, {row.subscriber_id for row in rows}) if rows else {}
    return [_due(row, suppressed.get(row.subscriber_id, [])) for row in rows]


def _due_statement(now: datetime, besides: Collection[str]) -> Any:
    due = [IS_ACTIVE, enrolments.c.next_look_at <= now]
    if besides:
        due.append(enrolments.c.sequence.not_in(sorted(besides)))
    return (
        select(*_COLUMNS)
        .join(subscribers, subscribers.c.id == enrolments.c.subscriber_id)
        .where(*due)
        .where(NOT_HELD)
        .with_for_update(of=[enrolments, subscribers], skip_locked=True, key_share=True)
    )


def _domains_refused(connection: Connection) -> set[str]:
    theirs = select(subscribers.c.address_key).join(
        refusals, refusals.c.subscriber_id == subscribers.c.id
    )
    keys = connection.scalars(theirs)
    return {key.rpartition("@")[2] for key in keys if key}


def _plain(text: str) -> str:
    """Return a text in which LIKE reads every character literally."""
    return re.sub(r"([!%_])", r"!\1", text)


def count_due(
    connection: Connection, now: datetime, most: int | None = None, *, broadcasts: bool = True
) -> int:
    """Count the enrolments to be looked at now, with or without broadcasts; stop at `most`."""
    counted = _count(connection, [OF_SERIES, enrolments.c.next_look_at <= now], most)
    if not broadcasts or (most and counted >= most):
        return counted
    left = most - counted if most else None
    return counted + count_due_of_broadcasts(connection, now, left)


def count_due_of_broadcasts(connection: Connection, now: datetime, most: int | None = None) -> int:
    """Count what is due of the broadcasts that are being sent; counting stops at `most`."""
    going = list(connection.scalars(SENDING))
    if not going:
        return 0
    where = [OF_BROADCASTS, enrolments.c.broadcast.in_(going), enrolments.c.next_look_at <= now]
    return _count(connection, where, most)


def _count(connection: Connection, where: Sequence[Any], most: int | None) -> int:
    due = select(enrolments.c.id).where(NOT_HELD, IS_ACTIVE, *where)
    due = due.limit(most) if most else due
    return connection.scalar(select(func.count()).select_from(due.subquery())) or 0


def count_asked(connection: Connection, now: datetime, most: int) -> int:
    """Count those of the due enrolments that wait for a guide; counting stops at `most`."""
    due = select(enrolments.c.id).where(
        NOT_HELD, IS_ACTIVE, enrolments.c.guide_wanted, enrolments.c.next_look_at <= now
    )
    counted = select(func.count()).select_from(due.limit(most).subquery())
    return connection.scalar(counted) or 0


def looks_ahead(connection: Connection, most: int) -> list[Sent]:
    """Return when active enrolments are next to be looked at, oldest first, up to `most` moments.

    Those due in a paused sequence, or of a stopped broadcast, are left out.
    """
    counted = (
        select(enrolments.c.next_look_at, func.count())
        .where(IS_ACTIVE, NOT_HELD, LIVE, enrolments.c.next_look_at < UNTIL_RESUMED)
        .group_by(enrolments.c.next_look_at)
        .order_by(enrolments.c.next_look_at)
        .limit(most)
    )
    return [Sent(*row) for row in connection.execute(counted)]


def find_next_look(connection: Connection) -> datetime | None:
    """Return when an enrolment is next to be looked at, or `None` if none is."""
    looked_at = enrolments.c.next_look_at < UNTIL_RESUMED
    soonest: datetime | None = connection.scalar(
        select(func.min(enrolments.c.next_look_at)).where(IS_ACTIVE, NOT_HELD, LIVE, looked_at)
    )
    return soonest


def series_awaited(
    connection: Connection,
    subscriber_ids: Collection[int],
    sequences: Collection[str],
    moved: int,
) -> dict[int, datetime]:
    """Return when an email of these sequences is next awaited that has moved at least that often.

    The moments are by subscriber; people without such an email are left out. What a worker has in
    hand is not awaited any more.
    """
    awaited = (
        select(enrolments.c.subscriber_id, func.min(enrolments.c.next_look_at).label("awaited_at"))
        .where(
            enrolments.c.subscriber_id.in_(sorted(subscriber_ids)),
            enrolments.c.sequence.in_(sorted(sequences)),
            enrolments.c.broadcast.is_(None),
            enrolments.c.moved >= moved,
            enrolments.c.next_look_at.is_not(None),
            IS_ACTIVE,
            NOT_HELD,
        )
        .group_by(enrolments.c.subscriber_id)
    )
    return {row.subscriber_id: row.awaited_at for row in connection.execute(awaited)}


def advance(connection: Connection, advances: Sequence[Advance], now: datetime) -> None:
    """Record how far enrolments have got and when to look again.

    If something outside has changed an enrolment since it was read, the planned look is stale, and
    the enrolment is looked at again immediately.
    """
    if not advances:
        return
    rows = as_rows(connection, enrolments, _ADVANCE, map(_values_of, advances))
    connection.execute(_advance_statement(connection.dialect.name), {"rows": rows, "now": now})


def look_again(connection: Connection, looks: Sequence[Advance], now: datetime) -> None:
    """Record only when to look again; progress stays unchanged."""
    if not looks:
        return
    fresh = enrolments.c.turn == bindparam("read_turn")
    statement = (
        update(enrolments)
        .where(enrolments.c.id == bindparam("enrolment"))
        .values(next_look_at=case((fresh, bindparam("look")), else_=now))
    )
    rows = [
        {"enrolment": k.enrolment_id, "look": k.next_look_at, "read_turn": k.turn} for k in looks
    ]
    connection.execute(statement, rows)


def excuse(connection: Connection, held: Mapping[int, datetime]) -> None:
    """Record until when a pause, a cap or the account holds back the step awaited."""
    if held:
        statement = (
            update(enrolments)
            .where(enrolments.c.id == bindparam("enrolment"))
            .values(excused_until=bindparam("held_until"))
        )
        rows = [{"enrolment": number, "held_until": until} for number, until in held.items()]
        connection.execute(statement, rows)


_ADVANCE = ("id", "turn", "passed", "anchor_at", "guide_wanted", "moved", "next_look_at")


def _values_of(one: Advance) -> tuple[Any, ...]:
    after = one.progress
    return (
        one.enrolment_id,
        one.turn,
        after.passed,
        after.anchor_at,
        after.guide_wanted,
        after.moved,
        one.next_look_at,
    )


@cache
def _advance_statement(dialect: str) -> Any:
    rows = rows_as_table(dialect, enrolments, _ADVANCE)
    fresh = enrolments.c.turn == rows.c.turn
    now = bindparam("now", type_=enrolments.c.next_look_at.type)
    return (
        update(enrolments)
        .where(enrolments.c.id == rows.c.id)
        .values(
            passed=rows.c.passed,
            anchor_at=rows.c.anchor_at,
            guide_wanted=case((fresh, rows.c.guide_wanted), else_=enrolments.c.guide_wanted),
            moved=rows.c.moved,
            next_look_at=case((fresh, rows.c.next_look_at), else_=now),
        )
    )


def _due(row: Row[*tuple[Any, ...]], suppressed: Sequence[Suppression]) -> DueEnrolment:
    reasons = [one.reason for one in suppressed]
    return DueEnrolment(
        row.id,
        row.subscriber_id,
        row.sequence,
        Progress(
            row.enrolled_at,
            row.anchor_at,
            row.passed,
            row.collected_at,
            row.guide_wanted,
            row.time_zone,
            ending_from_text(row.ends_as),
            row.excused_until,
            row.covered_by or "",
            row.moved,
            row.must_collect,
        ),
        Standing(
            as_consents(row.purposes),
            strongest(reasons),
            row.paused_until,
            known(Frequency, row.frequency, Frequency.FEWER),
            bounces=SuppressionReason.BOUNCED in reasons,
            guide_on_trial=bool(reasons) and guide_on_trial(suppressed) == row.id,
            paused_by=known(PausedBy, row.paused_by or "", PausedBy.PERSON),
            booked_until=row.booked_until,
            is_confirmed=row.confirmed_at is not None or row.came_by != FORM,
            is_unknown=row.basis_unknown,
            is_client=is_client(row._mapping),
            may_as_client=row.client_basis_at is not None,
        ),
        row.turn,
        row.occasion,
        row.address or "",
        row.address_hash,
        row.first_name,
    )
