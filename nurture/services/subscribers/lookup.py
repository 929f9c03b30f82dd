"""Looking up the person with an address that the owner types."""

from nurture.domain.errors import NurtureError
from nurture.store.database import Connection, Database
from nurture.store.tables.bookings import told_of_booker
from nurture.store.tables.subscribers import find_by_address
from nurture.store.tables.suppressions import refusals_of_mailbox, suppressions_of
from nurture.tokens import Tokens


class UnknownPersonError(NurtureError):
    """No one with that address is known; the message says whether it is suppressed."""


def identify(database: Database, tokens: Tokens, address: str) -> int:
    """Return the number of the subscriber with an address; may raise `UnknownPersonError`."""
    with database.reading() as connection:
        person = find_by_address(connection, address)
        if person is None:
            raise UnknownPersonError(
                f"Nobody with the address {address} is known.",
                remedy=_what_there_is(connection, tokens, address),
            )
        return person.id


def _what_there_is(connection: Connection, tokens: Tokens, address: str) -> str:
    hashes = tokens.address_hashes(address)
    own = [one for each in hashes for one in suppressions_of(connection, each)]
    found = own or refusals_of_mailbox(connection, tokens.mailbox_hash(address))
    if not found and told_of_booker(connection, hashes):
        return "All that is kept is that a session was booked with it: see export-person, forget."
    if not found:
        return "Nothing is kept about it."
    said = " and ".join(f"since {one.since:%-d %B %Y} ({one.reason})" for one in found)
    return f"All that is kept is its keyed hash, suppressed {said}: it is not written to."
