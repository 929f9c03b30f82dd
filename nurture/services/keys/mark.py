"""The key mark: noticing that a database's keys are missing before anyone is emailed from it.

Suppressed addresses are stored as keyed hashes, and every link ever sent is signed. With other
keys no erased person is recognised, and every link is dead.
"""

from nurture.domain.errors import NurtureError
from nurture.store.database import Database
from nurture.store.tables.key_marks import find_mark, keep_mark, replace_mark
from nurture.store.tables.subscribers import addresses_and_hashes, mailboxes_of
from nurture.store.tables.suppressions import rename_address
from nurture.tokens import Tokens


class KeysMissingError(NurtureError):
    """The secrets are not those the database was filled with."""


def insist_on_keys(database: Database, tokens: Tokens) -> None:
    """Raise `KeysMissingError` as `refuse_other_keys` does, and remember the key from now on."""
    if not refuse_other_keys(database, tokens):
        with database.writing() as connection:
            keep_mark(connection, tokens.key_mark)


def refuse_other_keys(database: Database, tokens: Tokens) -> bool:
    """Raise `KeysMissingError` unless the address key is the one that made the hashes.

    Return whether the database has a mark of that key; until it does, subscribers' hashes are
    checked instead.
    """
    with database.reading() as connection:
        mark = find_mark(connection)
        known = [] if mark else addresses_and_hashes(connection, 1)
    if mark == tokens.key_mark:
        return True
    if mark or any(found not in tokens.address_hashes(address) for _, address, found in known):
        raise KeysMissingError(
            "This database was filled with other keys than there are now, so that every link ever "
            "sent would be dead and people who were erased would be emailed again.",
            remedy="Put back the secrets.env, or the NURTURE_SECRET_KEY and NURTURE_ADDRESS_KEY, "
            "that belong to it. If they are lost for good, run “nurture accept-keys”.",
        )
    return False


def accept_keys(database: Database, tokens: Tokens) -> int:
    """Adopt the current keys for good; return how many people are now hashed with them.

    Suppressions of known addresses move with them; those of erased people cannot.
    """
    with database.writing() as connection:
        people = addresses_and_hashes(connection)
        for _, address, before in people:
            rename_address(connection, before, tokens.address_hashes(address)[0])
        for address, before in mailboxes_of(connection):
            rename_address(connection, before, tokens.mailbox_hash(address) or before)
        replace_mark(connection, tokens.key_mark)
    return len(people)
