"""Broadcasts: what is sent to segments once, and how far each has got."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from nurture.domain.broadcasts.broadcast import (
    Audience,
    Broadcast,
    BroadcastStatus,
    send_time_from,
)
from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import Purpose
from nurture.store.types import Json, UtcDateTime, metadata

broadcasts = sa.Table(
    "broadcasts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("invites", sa.Boolean, nullable=False),
    sa.Column("audience", Json, nullable=False),
    sa.Column("timing", Json, nullable=False),
    # How many days late it may reach somebody; null: however late.
    sa.Column("late_after", sa.Integer),
    sa.Column("liveliest_first", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    # Increases with every change, so that processes notice it.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("presses", sa.Integer, nullable=False),
    # The last subscriber who has been looked at for the audience, and the last who will be.
    sa.Column("frozen_to", sa.Integer, nullable=False),
    sa.Column("frozen_upto", sa.Integer, nullable=False),
    sa.Column("stopped_for", sa.Integer, nullable=False),
    sa.Column("counts", Json, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("pressed_at", UtcDateTime),
    sa.Column("leaves_at", UtcDateTime),
    sa.Column("freezes_at", UtcDateTime),
    sa.Column("frozen_at", UtcDateTime),
    sa.Column("stopped_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
)

#: Broadcasts that processes have in their catalogue: they are being sent, or could be again.
UNDER_WAY = (BroadcastStatus.SENDING, BroadcastStatus.STOPPED)

UNDER_WAY_NUMBERS = sa.select(broadcasts.c.id).where(broadcasts.c.status.in_(UNDER_WAY))

#: Stands for the last subscriber while people may still join.
EVERYONE = 2**31 - 1

#: The numbers of the broadcasts that are being sent.
SENDING = sa.select(broadcasts.c.id).where(broadcasts.c.status == BroadcastStatus.SENDING)


def add_broadcast(connection: sa.Connection, broadcast: Broadcast, now: datetime) -> Broadcast:
    """Store a new draft; return it with its number."""
    row = _columns(broadcast) | {"frozen_to": 0, "frozen_upto": 0, "created_at": now}
    added = connection.execute(
        sa.insert(broadcasts).values(key=broadcast.key, version=1, **row).returning(broadcasts)
    )
    return _broadcast(added.mappings().one())


def save_broadcast(connection: sa.Connection, broadcast: Broadcast, **more: Any) -> None:
    """Store what a broadcast has become, as its next version; `more` are columns beside it."""
    connection.execute(
        sa.update(broadcasts)
        .where(broadcasts.c.id == broadcast.id)
        .values(version=broadcasts.c.version + 1, **_columns(broadcast), **more)
    )


def remove_broadcast(connection: sa.Connection, number: int) -> None:
    """Delete a draft."""
    connection.execute(sa.delete(broadcasts).where(broadcasts.c.id == number))


def find_broadcast(connection: sa.Connection, key: str) -> Broadcast | None:
    """Return the broadcast with that key."""
    return _one(connection, sa.select(broadcasts).where(broadcasts.c.key == key))


def hold_broadcast(connection: sa.Connection, key: str) -> Broadcast | None:
    """Return a broadcast that nobody else changes, and nobody claims, until the end.

    It waits for the claims that are being made. Lock it before anything else.
    """
    c = broadcasts.c
    if connection.scalar(SENDING.where(c.key == key)) is not None:
        _queue(connection)
    chosen = sa.select(broadcasts).where(c.key == key)
    return _one(connection, chosen.with_for_update())


def list_broadcasts(connection: sa.Connection) -> list[Broadcast]:
    """Return every broadcast, the newest first."""
    rows = connection.execute(sa.select(broadcasts).order_by(broadcasts.c.id.desc()))
    return [_broadcast(row) for row in rows.mappings()]


def list_sent(connection: sa.Connection) -> list[Broadcast]:
    """Return every broadcast that was ever sent, oldest first."""
    chosen = sa.select(broadcasts).where(broadcasts.c.status != BroadcastStatus.DRAFT)
    rows = connection.execute(chosen.order_by(broadcasts.c.id))
    return [_broadcast(row) for row in rows.mappings()]


def sending(connection: sa.Connection, *, claiming: bool = False) -> list[int]:
    """Return the numbers of the broadcasts that are being sent, the longest pressed first.

    When `claiming`, none of them changes until this transaction ends.
    """
    chosen = SENDING.order_by(broadcasts.c.pressed_at, broadcasts.c.id)
    if claiming:
        _queue(connection, shared=True)
    return list(connection.scalars(chosen.with_for_update(read=True) if claiming else chosen))


@dataclass(frozen=True, slots=True)
class BroadcastsSeen:
    """What a process compares to notice any change of the broadcasts that were ever sent.

    That is how many there are and, of those under way, the version of each. Only what is under way
    can change, and numbers alone may come back: a database gives that of a deleted draft again.
    """

    sent: int = 0
    under_way: tuple[tuple[str, int, datetime | None], ...] = ()


def find_seen(connection: sa.Connection) -> BroadcastsSeen:
    """Return what is to be compared to notice a change."""
    c = broadcasts.c
    sent = sa.select(sa.func.count()).where(c.status != BroadcastStatus.DRAFT)
    under_way = sa.select(c.key, c.version, c.pressed_at).where(c.status.in_(UNDER_WAY))
    rows = connection.execute(under_way.order_by(c.id)).all()
    return BroadcastsSeen(connection.scalar(sent) or 0, tuple(map(tuple, rows)))


def versions_sending(connection: sa.Connection, numbers: Collection[int]) -> dict[int, int]:
    """Return the versions of those of the broadcasts that are being sent."""
    if not numbers:
        return {}
    c = broadcasts.c
    going = (c.status == BroadcastStatus.SENDING) & c.id.in_(numbers)
    return {row[0]: row[1] for row in connection.execute(sa.select(c.id, c.version).where(going))}


def unsettled(connection: sa.Connection) -> list[Broadcast]:
    """Return what there may be something to do about without being asked.

    That is what is being sent, and drafts of which an undone press has left something.
    """
    c = broadcasts.c
    undone = (c.status == BroadcastStatus.DRAFT) & (c.frozen_to != 0)
    chosen = sa.select(broadcasts).where((c.status == BroadcastStatus.SENDING) | undone)
    return [_broadcast(row) for row in connection.execute(chosen.order_by(c.id)).mappings()]


def note_taken_back(connection: sa.Connection, number: int) -> None:
    """Record that nothing is left of an undone press."""
    c = broadcasts.c
    where = (c.id == number) & (c.status == BroadcastStatus.DRAFT)
    connection.execute(sa.update(broadcasts).where(where).values(frozen_to=0))


def note_frozen(
    connection: sa.Connection, broadcast: Broadcast, begun: int, end: int, added: int
) -> bool:
    """Record that the audience is decided up to `end`; return `False` if that is no longer asked.

    Another process may have decided the same people, or the broadcast may have been stopped, or
    undone and sent again to others.
    """
    c = broadcasts.c
    same = (c.id == broadcast.id) & (c.version == broadcast.version) & (c.frozen_to == begun)
    going = (c.status == BroadcastStatus.SENDING) & c.frozen_at.is_(None)
    _queue(connection)
    counts = {**broadcast.counts, "reached": broadcast.counts.get("reached", 0) + added}
    noted = connection.execute(
        sa.update(broadcasts).where(same, going).values(frozen_to=end, counts=counts)
    )
    return noted.rowcount == 1


def end_freezing(
    connection: sa.Connection, broadcast: Broadcast, left_out: Mapping[str, int], now: datetime
) -> None:
    """Record that the audience is decided, and how many are not in it for which reason.

    Call it in the transaction of the last `note_frozen`.
    """
    c = broadcasts.c
    this = c.id == broadcast.id
    counts = connection.execute(sa.select(c.counts).where(this)).scalar_one()
    values = {"frozen_at": now, "counts": {**counts, "left_out": dict(left_out)}}
    connection.execute(sa.update(broadcasts).where(this).values(values))


def finish(connection: sa.Connection, broadcast: Broadcast, now: datetime) -> None:
    """Record that nobody awaits a broadcast any more, unless it has changed meanwhile."""
    c = broadcasts.c
    same = (c.id == broadcast.id) & (c.version == broadcast.version)
    going = (c.status == BroadcastStatus.SENDING) & c.frozen_at.is_not(None)
    _queue(connection)
    done = {"status": BroadcastStatus.FINISHED, "finished_at": now, "version": c.version + 1}
    connection.execute(sa.update(broadcasts).where(same, going).values(done))


def reopen(connection: sa.Connection, number: int) -> None:
    """Let a broadcast that was finished be sent again, as a person awaits it after all."""
    c = broadcasts.c
    over = (c.id == number) & (c.status == BroadcastStatus.FINISHED)
    again = {"status": BroadcastStatus.SENDING, "finished_at": None, "version": c.version + 1}
    connection.execute(sa.update(broadcasts).where(over).values(again))


def frozen_range(connection: sa.Connection, number: int) -> tuple[int, int]:
    """Return up to which subscriber the audience is decided, and up to which it will be."""
    chosen = sa.select(broadcasts.c.frozen_to, broadcasts.c.frozen_upto)
    row = connection.execute(chosen.where(broadcasts.c.id == number)).one()
    return row.frozen_to, row.frozen_upto


#: The number of the queue, among the locks that PostgreSQL knows by two numbers.
_QUEUE = (27, 1)


def _queue(connection: sa.Connection, *, shared: bool = False) -> None:
    """Wait for those who came earlier to the broadcasts that are being sent; claims share a place.

    PostgreSQL lets a claim lock a row that others have locked in the same way although someone is
    waiting to change it, who would wait for as long as claims overlap.
    """
    if connection.dialect.name != "sqlite":
        lock = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
        connection.execute(sa.select(lock(*_QUEUE)))


_PLAIN = (
    "title",
    "invites",
    "liveliest_first",
    "presses",
    "counts",
    "pressed_at",
    "leaves_at",
    "freezes_at",
    "frozen_at",
    "stopped_at",
    "finished_at",
)


def _columns(one: Broadcast) -> dict[str, Any]:
    late = one.late_after
    return {name: getattr(one, name) for name in _PLAIN} | {
        "stream": one.stream.value,
        "audience": {"to": list(one.audience.to), "not": list(one.audience.besides)},
        "timing": one.timing.as_json(),
        "late_after": None if late is None else late.days,
        "status": one.status.value,
        "stopped_for": int(one.stopped_for.total_seconds()),
    }


def _one(connection: sa.Connection, chosen: Any) -> Broadcast | None:
    row = connection.execute(chosen).mappings().first()
    return _broadcast(row) if row else None


def _broadcast(row: Mapping[str, Any] | sa.RowMapping) -> Broadcast:
    late, said = row["late_after"], row["audience"]
    return Broadcast(
        id=row["id"],
        key=row["key"],
        version=row["version"],
        created_at=row["created_at"],
        # A stream that only a newer version knows is the one fewest people agree to.
        stream=known(Purpose, row["stream"], Purpose.NEWS),
        audience=Audience(tuple(said["to"]), tuple(said["not"])),
        timing=send_time_from(row["timing"]),
        late_after=None if late is None else timedelta(days=late),
        # A state that only a newer version knows is left to that version.
        status=known(BroadcastStatus, row["status"], BroadcastStatus.STOPPED),
        stopped_for=timedelta(seconds=row["stopped_for"]),
        **{name: row[name] for name in _PLAIN},
    )


def stop_all(connection: sa.Connection, now: datetime) -> None:
    """Stop whatever is being sent, as after a restore: nobody is added to its audience any more."""
    c = broadcasts.c
    frozen_at = sa.func.coalesce(c.frozen_at, sa.literal(now, UtcDateTime))
    values = {"status": BroadcastStatus.STOPPED, "stopped_at": now, "frozen_at": frozen_at}
    sending = c.status == BroadcastStatus.SENDING
    connection.execute(sa.update(broadcasts).where(sending).values(version=c.version + 1, **values))
