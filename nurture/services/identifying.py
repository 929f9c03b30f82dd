"""Identifying: from an address that the owner types to the person it belongs to."""

from nurture.domain.address import address_key
from nurture.domain.errors import NurtureError
from nurture.store.session import Connection, Database
from nurture.store.subscribers import find_by_address
from nurture.store.suppressions import suppression_of
from nurture.tokens import Tokens


class UnknownPersonError(NurtureError):
    """Nobody of that address is known; the message says whether it is suppressed."""


def identify(database: Database, tokens: Tokens, address: str) -> int:
    """The number of the subscriber of an address; raises `UnknownPersonError`."""
    with database.reading() as connection:
        person = find_by_address(connection, address)
        if person is None:
            raise UnknownPersonError(
                f"Nobody with the address {address} is known.",
                remedy=_what_there_is(connection, tokens.address_hash(address_key(address))),
            )
        return person.id


def _what_there_is(connection: Connection, address_hash: str) -> str:
    found = suppression_of(connection, address_hash)
    if found is None:
        return "Nothing is kept about it."
    return (
        f"All that is kept is its keyed hash, suppressed since {found['since']:%-d %B %Y} "
        f"({found['reason']}): it is never written to."
    )
