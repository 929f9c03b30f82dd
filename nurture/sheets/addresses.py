"""The address in a cell, however it was pasted there."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from nurture.addresses import AddressError, plain_mailbox
from nurture.domain.imports.row import AddressFault
from nurture.domain.subscribers.address import address_key

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#: What needs no closer look before the @-sign (RFC 5322 §3.2.3), together with any domain.
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.-]+)")
_LIKE_ONE = re.compile(r"(?:mailto:)?[^\s@,;|<>\"]+@[^\s@,;|<>\"]+\.[^\s@,;|<>\"]{2,}")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>]*)>\W*")
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)
_PARTS = re.compile(r"[;,|\s]+|:::|\b(?:and|und|et|or|oder)\b")
_LINK = re.compile(r"=\s*HYPERLINK\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*)"')

#: What clings to an address when it is copied out of a sentence.
_SEVERAL = ":::"
_CLINGING = " .,;:<>()[]\"'“”‘’«»"
_AROUND = ' ,;:<>[]"“”‘’«»'


class AddressCell(NamedTuple):
    """What a cell gives: the address as typed, as the program writes it, and a name beside it."""

    email: str
    address: str = ""
    fault: AddressFault | None = None
    name: str = ""


def address_in(cell: str) -> AddressCell:
    """Return the one address of a cleaned cell, or why there is none.

    `mailto:`, a name with the address in angle brackets, a formula that makes a link, and signs
    around it are taken off.
    """
    if not cell:
        return AddressCell("", fault=AddressFault.MISSING)
    if not cell.startswith("'") and (address := valid(cell)):
        return AddressCell(cell, address)
    if _SEVERAL in cell:
        return _primary(cell)
    email, name = _unwrapped(cell)
    if address := valid(email):
        return AddressCell(email, address, name=name)
    found = addresses_in(cell)
    if len(found) > 1 and len({address_key(one) for one in found}) == 1:
        return AddressCell(found[0], found[0])
    fault = AddressFault.SEVERAL if len(found) > 1 else AddressFault.IMPOSSIBLE
    return AddressCell(cell, fault=fault)


def _primary(cell: str) -> AddressCell:
    """Return the first address between Google's colons, which is the one a person prefers."""
    cells = [address_in(part.strip()) for part in cell.split(_SEVERAL)]
    return next((one for one in cells if one.address), AddressCell(cell, fault=cells[0].fault))


def addresses_in(cell: str) -> list[str]:
    """Return all valid addresses of a cell with several, as the program writes them."""
    parts = (_unwrapped(part)[0] for part in _PARTS.split(cell) if "@" in part)
    return [address for part in parts if (address := valid(part))]


def is_address(cell: str) -> bool:
    """Return whether a cell looks like an address; a cheap question asked of whole columns."""
    return "@" in cell and _LIKE_ONE.fullmatch(cell.strip()) is not None


def valid(email: str) -> str:
    """Return a mailbox's address as `plain_mailbox` does, or an empty string.

    A domain is checked once, because most people of a list share a few.
    """
    plain = _PLAIN.fullmatch(email)
    if plain is None or len(plain[1]) > 64 or len(email) > 254:
        return _checked(email) if "@" in email else ""
    domain = _domain(plain[2])
    return f"{plain[1]}@{domain}" if domain else ""


@lru_cache(maxsize=20_000)
def _domain(domain: str) -> str:
    return _checked(f"a@{domain}").partition("@")[2]


def _checked(email: str) -> str:
    try:
        return plain_mailbox(email)
    except AddressError:
        return ""


def _unwrapped(cell: str) -> tuple[str, str]:
    """Return the address in a cell and the name beside it, without what is around them."""
    if _LINK.match(cell):
        parts = _QUOTED.findall(cell)
        cell = next((part for part in reversed(parts) if "@" in part), cell)
    name = ""
    if named := _NAMED.fullmatch(cell):
        cell, name = named["email"], named["name"].strip(_CLINGING)
    cell = cell.strip(_AROUND)
    if mailto := _MAILTO.match(cell):
        cell = unquote(cell[mailto.end() :].partition("?")[0])
    return _trimmed(cell), name


def _trimmed(email: str) -> str:
    """Return an address without signs around it; a final full stop ended a sentence."""
    inner = email.lstrip(_CLINGING.replace(".", "")).rstrip(_CLINGING)
    return inner if "@" in inner else email
