"""The account at the mail server: whether it is on hold, and refusals since it last accepted."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from nurture.domain.account.hold import Equal, Hold
from nurture.domain.known_words import known
from nurture.domain.messages.refusal import Cause
from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

#: One row while the account is on hold; none while it is open.
account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("pause_seconds", sa.Integer, nullable=False),
    sa.Column("mark", sa.Text, nullable=False, default=""),
)

#: Permanent refusals since the last acceptance, and those taken back until the account reopens.
refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("enrolment_id", sa.ForeignKey("enrolments.id"), nullable=False),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False, index=True),
    # What equal refusals of different people have in common.
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("dead", sa.Boolean, nullable=False),
    sa.Column("fails", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("code", sa.Integer),
    sa.Column("taken_back", sa.Boolean, nullable=False, default=False),
)


@dataclass(frozen=True, slots=True)
class FinalRefusal:
    """A permanent refusal: `dead` if the address was refused, `fails` if the message was.

    If it is neither, the message is tried again for some days.
    """

    message_id: int
    enrolment_id: int
    subscriber_id: int
    mark: str
    dead: bool
    fails: bool
    reason: str
    code: int | None


def find_hold(connection: sa.Connection, *, lock: bool = False) -> Hold | None:
    """Return why and until when the account is on hold, or `None` while it is open."""
    chosen = sa.select(account)
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


def keep_hold(connection: sa.Connection, hold: Hold) -> None:
    """Put the account on hold in this way from now on."""
    values = {
        "cause": hold.cause,
        "reason": hold.reason,
        "since": hold.since,
        "until": hold.until,
        "pause_seconds": int(hold.pause.total_seconds()),
        "mark": hold.mark,
    }
    insert_new(connection, account, [{"id": 1, **values}])
    connection.execute(sa.update(account).values(values))


def drop_hold(connection: sa.Connection) -> None:
    """End the hold on the account."""
    connection.execute(sa.delete(account))


def add_refusals(connection: sa.Connection, refused: Sequence[FinalRefusal]) -> None:
    """Remember permanent refusals until something is accepted."""
    insert_new(connection, refusals, [asdict(one) | {"taken_back": False} for one in refused])


def forget_refusals(connection: sa.Connection) -> None:
    """Forget past refusals after an acceptance: they have nothing to do with the server."""
    connection.execute(sa.delete(refusals).where(~refusals.c.taken_back))


def any_refusals(connection: sa.Connection) -> bool:
    """Return whether any refusals are remembered."""
    return connection.scalar(sa.select(refusals.c.message_id).limit(1)) is not None


def equal_refusals(connection: sa.Connection) -> list[Equal]:
    """Return the people and the marks of the refusals since the last acceptance."""
    chosen = sa.select(refusals.c.subscriber_id, refusals.c.mark).where(~refusals.c.taken_back)
    return [Equal(*row) for row in connection.execute(chosen)]


def refusals_marked(connection: sa.Connection, mark: str) -> list[FinalRefusal]:
    """Return the refusals with that mark that still count against the people."""
    return _refused(connection, (refusals.c.mark == mark) & ~refusals.c.taken_back)


def taken_back(connection: sa.Connection) -> list[FinalRefusal]:
    """Return the refusals that are waiting for the account to reopen."""
    return _refused(connection, refusals.c.taken_back)


def mark_taken_back(connection: sa.Connection, message_ids: Collection[int]) -> None:
    """Blame these refusals on the server until it accepts something."""
    those = refusals.c.message_id.in_(list(message_ids))
    connection.execute(sa.update(refusals).where(those).values(taken_back=True))


def remove_refusals(connection: sa.Connection, message_ids: Collection[int]) -> None:
    """Forget these refusals."""
    connection.execute(sa.delete(refusals).where(refusals.c.message_id.in_(list(message_ids))))


def _refused(connection: sa.Connection, where: Any) -> list[FinalRefusal]:
    chosen = (refusals.c[field.name] for field in fields(FinalRefusal))
    rows = connection.execute(sa.select(*chosen).where(where).order_by(refusals.c.message_id))
    return [FinalRefusal(*row) for row in rows]
