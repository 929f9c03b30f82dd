"""Forgetting: on request everything personal at once, and by itself what nobody needs any more."""

from collections.abc import Collection
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import UNCOLLECTED_FOR
from nurture.domain.subscribers.address import address_key
from nurture.services.inbound.authenticity import forget_old_calls
from nurture.services.subscribers.machine_files import OwnFiles, follow
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.queries import hits, locks
from nurture.store.tables import enrolments, subscribers
from nurture.store.tables.bookings import forget_bookers, take_bookings_from, told_of_booker
from nurture.store.tables.erasures import list_erasures
from nurture.store.tables.signups import forget_old_keys
from nurture.store.tables.subscribers import find_by_address
from nurture.store.tables.suppressions import empty_details_of, suppress_erased
from nurture.store.wiping import wipe
from nurture.tokens import Tokens

#: Of so many events the raw data is dropped in one transaction.
_CHUNK = 5000

#: Nobody repeats a signup call after this long.
_KEYS_KEPT_FOR = timedelta(days=7)

#: How long a booking counts for whoever signs up with that address later.
BOOKERS_KEPT_FOR = timedelta(days=365)

#: How many people are let go in one transaction, and in how many of them at one time.
_PEOPLE, _CHUNKS = 500, 200


class BeingMailedError(NurtureError):
    """A mail to this person is with the mail server at this very moment."""


def forget(database: Database, files: OwnFiles, subscriber_id: int, now: datetime) -> bool:
    """Erase everything personal about somebody; return whether they were known.

    What stays are rows without a person, so that counts stay right, and the keyed hash of the
    address, which is never written to again. What this machine keeps in its `files` goes as
    well; other machines follow. Raises `BeingMailedError` or `FilesKeptError`.
    """
    with database.writing() as connection:
        personal.lock_people(connection, [subscriber_id])
        person = subscribers.find_subscriber(connection, subscriber_id)
        if person is None:
            return False
        _erase(connection, [subscriber_id], now)
        # Only now can nothing more of theirs begin to be offered.
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
    """Forget what calendars told of an address that never signed up; return whether they had.

    The address is never written to again, as that of everybody who was erased.
    """
    hashes = tokens.address_hashes(address)
    with database.writing() as connection:
        locks.hold_address(connection, hashes[0])
        if find_by_address(connection, address) or not told_of_booker(connection, hashes):
            return False
        for address_hash in hashes:
            personal.empty_mentions(connection, address_key(address), address_hash)
        suppress_erased(connection, hashes[0], now)
        list_erasures(connection, [None], now)
    follow(database, files, now)
    return True


def let_go_unconfirmed(database: Database, files: OwnFiles, now: datetime) -> int:
    """Erase whoever signed up thirty days ago or more and never confirmed; return how many.

    Their addresses are not suppressed: they may sign up again, and what they booked counts then.
    The keyed hash stays on the emptied row, so that an unsubscribe link that they still have can
    be honoured.
    """
    let_go = 0
    for _ in range(_CHUNKS):
        with database.writing() as connection:
            people = personal.find_unconfirmed(connection, now - UNCOLLECTED_FOR, _PEOPLE)
            take_bookings_from(connection, people)
            if people:
                _erase(connection, people, now)
            list_erasures(connection, people, now)
        let_go += len(people)
        if len(people) < _PEOPLE:
            break
    follow(database, files, now)
    return let_go


def let_go(database: Database, files: OwnFiles, subscriber_id: int, now: datetime) -> None:
    """Erase somebody who never confirmed; their address may sign up again."""
    with database.writing() as connection:
        personal.lock_people(connection, [subscriber_id])
        take_bookings_from(connection, [subscriber_id])
        _erase(connection, [subscriber_id], now)
        list_erasures(connection, [subscriber_id], now)
    follow(database, files, now)


def tidy(database: Database, files: OwnFiles, now: datetime) -> int:
    """Let go of signups that were never confirmed and of keys that have served; return how many."""
    let_go = let_go_unconfirmed(database, files, now)
    with database.writing() as connection:
        if forget_bookers(connection, now - BOOKERS_KEPT_FOR):
            list_erasures(connection, [None], now)
        forget_old_calls(connection, now)
        let_go += forget_old_keys(connection, now, _KEYS_KEPT_FOR)
    follow(database, files, now)
    # What was put off for a day, because the file is large, is due at some hour.
    wipe(database, now)
    return let_go


def drop_raw(database: Database, now: datetime, retention: timedelta) -> int:
    """Drop the addresses, user agents and the like of opens and clicks older than `retention`.

    Verdicts and their reasons stay. Returns how many events had something to drop.
    """
    dropped = 0
    while True:
        with database.writing() as connection:
            chunk = hits.drop_raw(connection, now - retention, _CHUNK)
            list_erasures(connection, [None] * bool(chunk), now)
        dropped += chunk
        if chunk < _CHUNK:
            return dropped


def _erase(connection: Connection, people: Collection[int], now: datetime) -> None:
    """Empty what is about these people and end what is under way.

    The people are locked already, as strongly as a change of their address takes.
    """
    locks.hold(connection, enrolments.of_subscribers(people))
    reason, because = EnrolmentStatus.REMOVED, EndReason.ERASED
    personal.end_everything(connection, people, reason, now, because=because)
    personal.empty_people(connection, people)
    empty_details_of(connection, people)
