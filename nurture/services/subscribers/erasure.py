"""Erasure: everything personal on request, and whatever is no longer needed automatically."""

from collections.abc import Collection
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import UNCOLLECTED_FOR
from nurture.domain.subscribers.address import address_key
from nurture.services.complaints.answers import forget_old
from nurture.services.door import kept_calls
from nurture.services.door.waiting_line import forget_old_waiting
from nurture.services.inbound.authenticity import forget_old_calls
from nurture.services.subscribers.machine_files import OwnFiles, follow
from nurture.services.subscribers.older_records import settle_series
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.queries import hits, locks
from nurture.store.tables import enrolments, subscribers
from nurture.store.tables.awaited_consents import drop_stale
from nurture.store.tables.bookings import forget_bookers, take_bookings_from, told_of_booker
from nurture.store.tables.complaints import complaints_of
from nurture.store.tables.erasures import list_erasures
from nurture.store.tables.kept_calls import kept_calls_naming
from nurture.store.tables.signups import forget_old_keys
from nurture.store.tables.subscribers import find_by_address
from nurture.store.tables.suppressions import empty_details_of, suppress_erased
from nurture.store.tables.waiting_signups import waiting_of
from nurture.store.wiping import wipe
from nurture.tokens import Tokens

#: How many events lose their raw data in one transaction.
_CHUNK = 5000

#: Nobody repeats a signup call after this long: websites replay what they sent for thirty days.
_KEYS_KEPT_FOR = timedelta(days=35)

#: How long a booking counts for anyone who signs up with that address later.
BOOKERS_KEPT_FOR = timedelta(days=365)

#: How many people are dropped in one transaction, and how many transactions are made in one run.
_PEOPLE, _CHUNKS = 500, 200


class BeingMailedError(NurtureError):
    """An email to this person is being handed to the mail server right now."""


def forget(database: Database, files: OwnFiles, subscriber_id: int, now: datetime) -> bool:
    """Erase everything personal about someone; return whether they were known.

    Rows without a person remain, so that counts stay right, as does the keyed hash of the address,
    which is never emailed again. What this machine stores in its `files` is deleted too; other
    machines follow. May raise `BeingMailedError` or `FilesKeptError`.
    """
    with database.writing() as connection:
        personal.lock_people(connection, [subscriber_id])
        person = subscribers.find_subscriber(connection, subscriber_id)
        if person is None:
            return False
        empty(connection, [subscriber_id], now)
        # Only from here on can nothing more of theirs begin to be offered.
        if personal.being_mailed(connection, subscriber_id):
            raise BeingMailedError(
                "A mail to this person is being sent just now.", remedy="Try again in a minute."
            )
        key, address_hash = address_key(person.address), person.address_hash
        personal.empty_mentions(connection, key, address_hash)
        suppress_erased(connection, person.address_hash, now)
        list_erasures(connection, [subscriber_id], now)
    follow(database, files, now)
    return True


def forget_booker(
    database: Database, files: OwnFiles, tokens: Tokens, address: str, now: datetime
) -> bool:
    """Erase what is stored about an address that never signed up; return whether anything was.

    It may come from a calendar, from a signup that waits, from a form that nothing could read, or
    from a complaint, which goes once it is closed. The address is never emailed again, like that of
    any erased person.
    """
    hashes = tokens.address_hashes(address)
    with database.writing() as connection:
        locks.hold_address(connection, hashes[0])
        known = (
            told_of_booker(connection, hashes)
            or complaints_of(connection, [], address)
            or waiting_of(connection, hashes)
            or kept_calls_naming(connection, hashes)
        )
        if find_by_address(connection, address) or not known:
            return False
        for address_hash in hashes:
            personal.empty_mentions(connection, address_key(address), address_hash)
        suppress_erased(connection, hashes[0], now, tokens.mailbox_hash(address))
        list_erasures(connection, [None], now)
    follow(database, files, now)
    return True


def let_go_unconfirmed(database: Database, files: OwnFiles, now: datetime) -> int:
    """Erase everyone who signed up thirty or more days ago and never confirmed; return how many.

    Their addresses are not suppressed: they may sign up again, and their bookings then count. The
    keyed hash stays on the emptied row, so that an unsubscribe link they still have can be
    honoured.
    """
    let_go = 0
    for _ in range(_CHUNKS):
        with database.writing() as connection:
            people = personal.find_unconfirmed(connection, now - UNCOLLECTED_FOR, _PEOPLE)
            take_bookings_from(connection, people)
            if people:
                empty(connection, people, now)
            list_erasures(connection, people, now)
        let_go += len(people)
        if len(people) < _PEOPLE:
            break
    follow(database, files, now)
    return let_go


def let_go(database: Database, files: OwnFiles, subscriber_id: int, now: datetime) -> None:
    """Erase someone who never confirmed; their address may sign up again."""
    with database.writing() as connection:
        personal.lock_people(connection, [subscriber_id])
        take_bookings_from(connection, [subscriber_id])
        empty(connection, [subscriber_id], now)
        list_erasures(connection, [subscriber_id], now)
    follow(database, files, now)


def tidy(database: Database, files: OwnFiles, now: datetime) -> int:
    """Delete unconfirmed signups and spent idempotency keys; return how many.

    Complaints that were closed a year ago and bookings by strangers lose their addresses. Forms
    that nobody has mapped in time are forgotten. What an older program has recorded during an
    upgrade is settled.
    """
    settle_series(database, now)
    let_go = let_go_unconfirmed(database, files, now)
    with database.writing() as connection:
        forgotten = forget_old(connection, now)
        if forget_bookers(connection, now - BOOKERS_KEPT_FOR) or forgotten:
            list_erasures(connection, [None], now)
        forget_old_calls(connection, now)
        forget_old_waiting(connection, now)
        kept_calls.forget_old_calls(connection, now)
        drop_stale(connection, now - UNCOLLECTED_FOR)
        let_go += forget_old_keys(connection, now, _KEYS_KEPT_FOR)
    follow(database, files, now)
    # A rewrite that was deferred for a day, because the file is large, is due at some point.
    wipe(database, now)
    return let_go


def drop_raw(database: Database, now: datetime, retention: timedelta) -> int:
    """Delete IP addresses, user agents and the like from opens and clicks older than `retention`.

    Verdicts and their reasons stay. Return how many events had something to delete.
    """
    dropped = 0
    while True:
        with database.writing() as connection:
            chunk = hits.drop_raw(connection, now - retention, _CHUNK)
            list_erasures(connection, [None] * bool(chunk), now)
        dropped += chunk
        if chunk < _CHUNK:
            return dropped


def empty(connection: Connection, people: Collection[int], now: datetime) -> None:
    """Empty all rows about these people and end their enrolments.

    The people must already be locked, as strongly as for a change of address.
    """
    locks.hold(connection, enrolments.of_subscribers(people))
    reason, because = EnrolmentStatus.REMOVED, EndReason.ERASED
    personal.end_everything(connection, people, reason, now, because=because)
    personal.empty_people(connection, people)
    empty_details_of(connection, people)
