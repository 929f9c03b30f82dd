"""The one order in which every transaction acquires its locks, so that none can deadlock.

The order is: which broadcasts are being sent; which sequences are paused; the address, by its hash;
the subscriber; enrolments, lowest number first; then what belongs to them: suppressions, messages
and events; last the mail account. To change an enrolment or a message, lock the enrolment first. A
worker that claims messages, or marks them as being sent, locks the account before them but from
then on never waits for a row: it leaves out what another transaction has locked.

Changing the same enrolment or message twice in one transaction needs the subscriber, too:
PostgreSQL takes a row that this transaction has already written for a new one, and checks again
that its subscriber exists. If that person is being erased, the check waits for the erasure, which
waits for the enrolment. So change a row once, or lock its subscriber first.

SQLite has only one writer at a time anyway.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from nurture.store.database import among, as_numbers
from nurture.store.tables.enrolments import enrolments, of_subscriber
from nurture.store.tables.subscribers import Subscriber, find_subscriber, subscribers


def hold(connection: Connection, where: Any) -> None:
    """Lock these enrolments until the transaction ends; name all it will change in one call."""
    if connection.dialect.name != "sqlite":
        ordered = select(enrolments.c.id).where(where).order_by(enrolments.c.id)
        connection.execute(ordered.with_for_update(key_share=True))


def hold_numbered(connection: Connection, enrolment_ids: Iterable[int]) -> None:
    """Lock the enrolments with these numbers."""
    if connection.dialect.name != "sqlite":
        given = {"numbers": as_numbers(connection, enrolment_ids)}
        connection.execute(_hold_numbered(connection.dialect.name), given)


@cache
def _hold_numbered(dialect: str) -> Any:
    where = among(dialect, enrolments.c.id, "numbers")
    ordered = select(enrolments.c.id).where(where).order_by(enrolments.c.id)
    return ordered.with_for_update(key_share=True)


def hold_free(connection: Connection, subscriber_ids: Iterable[int]) -> set[int]:
    """Lock these people's enrolments without waiting; return those with all of them locked.

    This is for a worker that claims: it has locked the people already, but not all their
    enrolments.
    """
    people = set(subscriber_ids)
    if connection.dialect.name == "sqlite" or not people:
        return people
    theirs = select(enrolments.c.id, enrolments.c.subscriber_id).where(
        enrolments.c.subscriber_id.in_(people)
    )
    free = connection.execute(theirs.with_for_update(skip_locked=True, key_share=True))
    in_hand = {row[0] for row in free}
    return people - {
        person for number, person in connection.execute(theirs) if number not in in_hand
    }


def hold_address(connection: Connection, address_hash: str) -> None:
    """Let nobody else sign up, unsubscribe or book with that address until the transaction ends.

    A signup in progress has not written a row yet that could be locked, and a booking that arrived
    at the same time would not see it.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(_lock_number(address_hash))))


def hold_addresses(connection: Connection, address_hashes: Iterable[str]) -> None:
    """Do the same as `hold_address` for many addresses, in one order for everyone."""
    if connection.dialect.name != "sqlite":
        numbers = sorted(map(_lock_number, address_hashes))
        each = func.unnest(cast(numbers, ARRAY(BigInteger))).column_valued("number")
        connection.execute(select(func.pg_advisory_xact_lock(each)))


def _lock_number(address_hash: str) -> int:
    return int.from_bytes(blake2b(address_hash.encode(), digest_size=8).digest(), signed=True)


def hold_people(connection: Connection, subscriber_ids: Iterable[int]) -> None:
    """Lock these subscribers, lowest number first, before any of their enrolments."""
    numbers = set(subscriber_ids)
    if numbers and connection.dialect.name != "sqlite":
        people = select(subscribers.c.id).where(
            among(connection.dialect.name, subscribers.c.id, "people")
        )
        ordered = people.order_by(subscribers.c.id).with_for_update(key_share=True)
        connection.execute(ordered, {"people": as_numbers(connection, numbers)})


def hold_subscriber(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """Lock a subscriber and all of their enrolments, and return the subscriber as locked.

    Return `None` if they have been erased, or never existed.
    """
    if connection.dialect.name != "sqlite":
        person = select(subscribers.c.id).where(subscribers.c.id == subscriber_id)
        connection.execute(person.with_for_update(key_share=True))
        hold(connection, of_subscriber(subscriber_id))
    return find_subscriber(connection, subscriber_id)
