"""How far each mailbox has been read, who is reading it, and what keeps us from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

#: One row per mailbox that has ever been set.
mailboxes = sa.Table(
    "mailboxes",
    metadata,
    # A digest of server, user and folder: none of these has to be in a backup.
    sa.Column("mailbox", sa.Text, primary_key=True),
    # The generation of the numbers and the last number read (RFC 3501 §2.3.1.1).
    sa.Column("uid_validity", sa.BigInteger),
    sa.Column("last_uid", sa.BigInteger, nullable=False, default=0),
    sa.Column("read_at", UtcDateTime),
    sa.Column("trouble", sa.Text, nullable=False, default=""),
    sa.Column("trouble_since", UtcDateTime),
    # Mails that could not be taken in and were passed over.
    sa.Column("skipped", sa.Integer, nullable=False, default=0),
    sa.Column("skipped_at", UtcDateTime),
    # Who reads it, and until when on the real clock that is assumed to be alive.
    sa.Column("reader", sa.Text, nullable=False, default=""),
    sa.Column("lease_until", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class MailboxPosition:
    """How far a mailbox has been read; `uid_validity` is None before the first time."""

    uid_validity: int | None
    last_uid: int


@dataclass(frozen=True, slots=True)
class MailboxState:
    """When a mailbox was last read, and what has kept us from it since when, if anything does."""

    read_at: datetime | None
    trouble: str
    trouble_since: datetime | None
    skipped: int
    skipped_at: datetime | None


def take_lease(
    connection: sa.Connection, mailbox: str, reader: str, real_now: datetime, until: datetime
) -> MailboxPosition | None:
    """Let only this reader read a mailbox until then; `None` if another one has the lease."""
    row = {"mailbox": mailbox, "last_uid": 0, "trouble": "", "skipped": 0, "reader": ""}
    insert_new(connection, mailboxes, [row])
    free = mailboxes.c.lease_until.is_(None) | (mailboxes.c.lease_until <= real_now)
    taken = connection.execute(
        sa.update(mailboxes)
        .where(mailboxes.c.mailbox == mailbox, free)
        .values(reader=reader, lease_until=until)
        .returning(mailboxes.c.uid_validity, mailboxes.c.last_uid)
    ).one_or_none()
    return MailboxPosition(*taken) if taken else None


def keep_position(
    connection: sa.Connection, mailbox: str, reader: str, position: MailboxPosition
) -> bool:
    """Record how far a mailbox has been read; return whether the reader still has the lease."""
    values = {"uid_validity": position.uid_validity, "last_uid": position.last_uid}
    return _change(connection, mailbox, reader, values)


def note_skipped(connection: sa.Connection, mailbox: str, reader: str, now: datetime) -> None:
    """Remember that a mail could not be taken in."""
    values = {"skipped": mailboxes.c.skipped + 1, "skipped_at": now}
    _change(connection, mailbox, reader, values)


def end_reading(
    connection: sa.Connection, mailbox: str, reader: str, trouble: str, now: datetime
) -> None:
    """Give the lease back, and record what was in the way, or that nothing was."""
    since = sa.case((mailboxes.c.trouble == "", now), else_=mailboxes.c.trouble_since)
    values: dict[str, Any] = {"reader": "", "lease_until": None, "trouble": trouble}
    values |= {"trouble_since": since} if trouble else {"trouble_since": None, "read_at": now}
    _change(connection, mailbox, reader, values)


def find_state(connection: sa.Connection, mailbox: str) -> MailboxState | None:
    """Return the state of a mailbox; `None` if it has never been tried."""
    columns = [mailboxes.c[name] for name in MailboxState.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(mailboxes.c.mailbox == mailbox)).first()
    return MailboxState(*row) if row else None


def _change(connection: sa.Connection, mailbox: str, reader: str, values: dict[str, Any]) -> bool:
    held = (mailboxes.c.mailbox == mailbox) & (mailboxes.c.reader == reader)
    return connection.execute(sa.update(mailboxes).where(held).values(values)).rowcount == 1
