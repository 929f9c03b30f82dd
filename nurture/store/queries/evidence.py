"""What proves how one person was treated, joined from several tables; also after an erasure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import lifted_suppressions
from nurture.store.tables.withdrawals import withdrawals


@dataclass(frozen=True, slots=True)
class ProvedMessage:
    """One message with the exact state of the email that it contains."""

    id: int
    subscriber: int
    sequence: str
    step: str
    kind: str
    status: str
    attempt: int
    due_at: datetime
    claimed_at: datetime
    accepted_at: datetime | None
    code: int | None
    marked: bool | None
    revision: int
    revision_number: int
    digest: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ProvedPerson:
    """The row of a person; `address` is `None` if they have been erased."""

    id: int
    address: str | None
    first_name: str
    created_at: datetime
    confirmed_at: datetime | None


def people_of(connection: Connection, address_hashes: Collection[str]) -> list[ProvedPerson]:
    """Return the rows with an address's keyed hash, those of erased people too, oldest first."""
    theirs = subscribers.c.address_hash.in_(list(address_hashes))
    row = subscribers.c
    columns = (row.id, row.address, row.first_name, row.created_at, row.confirmed_at)
    found = connection.execute(select(*columns).where(theirs).order_by(row.id))
    return [ProvedPerson(*one) for one in found]


def proved_messages(connection: Connection, people: Collection[int]) -> list[ProvedMessage]:
    """Return every message to these people, oldest first."""
    own, revision = messages.c, revisions.c
    of_message = (own.id, own.subscriber_id, own.sequence, own.step, own.kind, own.status)
    in_time = (own.attempt, own.due_at, own.claimed_at, own.accepted_at, own.code, own.marked)
    of_email = (revision.id, revision.number, revision.digest, revision.published_at)
    rows = connection.execute(
        select(*of_message, *in_time, *of_email)
        .join(revisions, revision.id == own.revision_id)
        .where(own.subscriber_id.in_(list(people)))
        .order_by(own.claimed_at, own.id)
    )
    return [ProvedMessage(*tuple(row)) for row in rows]


def opt_outs_of(
    connection: Connection, address_hashes: Sequence[str]
) -> list[tuple[str, datetime]]:
    """Return each opt-out of an address as it was made, by kind and time, oldest first."""
    theirs = withdrawals.c.address_hash.in_(address_hashes)
    found = select(withdrawals.c.kind, withdrawals.c.happened_at).where(theirs)
    return [(row[0], row[1]) for row in connection.execute(found.order_by(withdrawals.c.id))]


def lifted_of(connection: Connection, address_hashes: Sequence[str]) -> list[tuple[str, datetime]]:
    """Return which reasons not to email an address have been lifted, and when."""
    lifted = lifted_suppressions.c
    found = select(lifted.reason, lifted.lifted_at).where(lifted.address_hash.in_(address_hashes))
    ordered = connection.execute(found.order_by(lifted.lifted_at, lifted.reason))
    return [(row[0], row[1]) for row in ordered]
