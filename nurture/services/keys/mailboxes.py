"""Spellings: which mailbox an address belongs to, for people who came before that was recorded."""

from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import Connection, Database
from nurture.store.queries import locks, spellings
from nurture.store.tables import subscribers
from nurture.store.tables.suppressions import suppress, suppressions_of
from nurture.tokens import Tokens

#: How many people are changed in one transaction.
_CHUNK = 500


def know_mailboxes(database: Database, tokens: Tokens) -> int:
    """Record the mailbox of everyone whose address is one of several spellings; return how many.

    What they refused counts for the other spellings from then on. Migrations know no keys, so each
    start does this, and it finds nothing if all is known. Each night does it as well, as an older
    program beside this one records neither.
    """
    with database.reading() as connection:
        might = subscribers.spelt_in_other_ways(connection)
    found = [(who, box) for who, address in might if (box := tokens.mailbox_hash(address))]
    for begin in range(0, len(found), _CHUNK):
        with database.writing() as connection:
            _record(connection, found[begin : begin + _CHUNK])
    with database.reading() as connection:
        refused = spellings.refused_by_one_spelling(connection)
    for begin in range(0, len(refused), _CHUNK):
        with database.writing() as connection:
            _spread(connection, refused[begin : begin + _CHUNK])
    return len(found)


def _record(connection: Connection, people: list[tuple[int, str]]) -> None:
    locks.hold_people(connection, [number for number, _ in people])
    for number, mailbox_hash in people:
        subscribers.change_subscriber(connection, number, mailbox_hash=mailbox_hash)


def _spread(connection: Connection, people: list[int]) -> None:
    locks.hold_people(connection, people)
    for number in people:
        own = subscribers.find_hash(connection, number) or ""
        for one in suppressions_of(connection, own):
            if one.reason is not SuppressionReason.BOUNCED and not one.of_mailbox:
                suppress(connection, own, one.reason, one.since, one.detail)
