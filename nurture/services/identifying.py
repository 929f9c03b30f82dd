"""Identifying: from an address that the owner types to the person it belongs to."""

from collections.abc import Iterable

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
                remedy=_what_there_is(connection, tokens.address_hashes(address)),
            )
        return person.id


def _what_there_is(connection: Connection, address_hashes: Iterable[str]) -> str:
    all_found = (suppression_of(connection, one) for one in address_hashes)
    found = next((one for one in all_found if one), None)
    if found is None:
        return "Nothing is kept about it."
    return (
        f"All that is kept is its keyed hash, suppressed since {found['since']:%-d %B %Y} "
        f"({found['reason']}): it is never written to."
    )
