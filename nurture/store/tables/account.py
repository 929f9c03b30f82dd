"""The account at the mail server: whether it is held, and refusals since it last accepted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Table,
    Text,
    delete,
    select,
    update,
)

from nurture.domain.account import Equal, Hold
from nurture.domain.known_words import known
from nurture.domain.messages.refusal import Cause
from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

#: One row while the account is held; none while it is open.
account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("pause_seconds", Integer, nullable=False),
    Column("mark", Text, nullable=False, default=""),
)

#: Refusals for good since the last acceptance, and those taken back until the account is open.
refusals = Table(
    "refusals",
    metadata,
    Column("message_id", ForeignKey("messages.id"), primary_key=True),
    Column("enrolment_id", ForeignKey("enrolments.id"), nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False, index=True),
    # What equal refusals of different people have in common.
    Column("mark", Text, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("fails", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("code", Integer),
    Column("taken_back", Boolean, nullable=False, default=False),
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal for good: `dead` says that the address was refused, `fails` that the message was.

    What neither is tried again for some days.
    """

    message: int
    enrolment: int
    subscriber: int
    mark: str
    dead: bool
    fails: bool
    reason: str
    code: int | None


def find_hold(connection: Connection, *, lock: bool = False) -> Hold | None:
    """Why and until when the account is held, or `None` while it is open."""
    chosen = select(account)
    row = connection.execute(chosen.with_for_update() if lock else chosen).mappings().first()
    if row is None:
        return None
    return Hold(
        known(Cause, row["cause"], Cause.RATE),
        row["reason"],
        row["since"],
        row["until"],
        timedelta(seconds=row["pause_seconds"]),
        row["mark"],
    )


def keep_hold(connection: Connection, hold: Hold) -> None:
    """Hold the account so from now on."""
    values = {
        "cause": hold.cause,
        "reason": hold.reason,
        "since": hold.since,
        "until": hold.until,
        "pause_seconds": int(hold.pause.total_seconds()),
        "mark": hold.mark,
    }
    insert_new(connection, account, [{"id": 1, **values}])
    connection.execute(update(account).values(values))


def drop_hold(connection: Connection) -> None:
    """Open the account."""
    connection.execute(delete(account))


def add_refusals(connection: Connection, refused: Sequence[Refused]) -> None:
    """Remember refusals for good until something is accepted."""
    insert_new(connection, refusals, [_row(one) for one in refused])


def forget_refusals(connection: Connection) -> None:
    """Something was accepted: what was refused before has nothing to do with the server."""
    connection.execute(delete(refusals).where(~refusals.c.taken_back))


def any_refusals(connection: Connection) -> bool:
    """Whether any are remembered."""
    return connection.scalar(select(refusals.c.message_id).limit(1)) is not None


def equal_refusals(connection: Connection) -> list[Equal]:
    """Of whom and how alike the refusals since the last acceptance were."""
    chosen = select(refusals.c.subscriber_id, refusals.c.mark).where(~refusals.c.taken_back)
    return [Equal(*row) for row in connection.execute(chosen)]


def refusals_marked(connection: Connection, mark: str) -> list[Refused]:
    """The refusals of that mark which still count against the people."""
    return _refused(connection, (refusals.c.mark == mark) & ~refusals.c.taken_back)


def taken_back(connection: Connection) -> list[Refused]:
    """The refusals that wait for the account to be open."""
    return _refused(connection, refusals.c.taken_back)


def mark_taken_back(connection: Connection, message_ids: Collection[int]) -> None:
    """Hold these against the server until it accepts something."""
    those = refusals.c.message_id.in_(list(message_ids))
    connection.execute(update(refusals).where(those).values(taken_back=True))


def remove_refusals(connection: Connection, message_ids: Collection[int]) -> None:
    """Remember these no longer."""
    connection.execute(delete(refusals).where(refusals.c.message_id.in_(list(message_ids))))


def _refused(connection: Connection, where: Any) -> list[Refused]:
    chosen = (
        refusals.c.message_id,
        refusals.c.enrolment_id,
        refusals.c.subscriber_id,
        refusals.c.mark,
        refusals.c.dead,
        refusals.c.fails,
        refusals.c.reason,
        refusals.c.code,
    )
    rows = connection.execute(select(*chosen).where(where).order_by(refusals.c.message_id))
    return [Refused(*row) for row in rows]


def _row(one: Refused) -> dict[str, Any]:
    return {
        "message_id": one.message,
        "enrolment_id": one.enrolment,
        "subscriber_id": one.subscriber,
        "mark": one.mark,
        "dead": one.dead,
        "fails": one.fails,
        "reason": one.reason,
        "code": one.code,
        "taken_back": False,
    }
