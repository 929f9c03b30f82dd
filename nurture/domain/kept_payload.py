"""What is stored of a payload: the named fields only, and no address in any text.

A calendar sends names, telephone numbers and answers to questions; a mail provider sends addresses,
networks and links. Each provider's own module lists the fields that are needed. Anything not listed
is removed before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from nurture.domain.subscribers.address import masked

#: As much of a mail server's reply as anyone reads.
LONGEST_TEXT = 500

#: How much of a text is searched for addresses.
_SEARCHED = 4 * LONGEST_TEXT

#: More recipients than any single call reports on.
_MOST_ITEMS = 20

#: Ids, types, codes and times: nothing that a person would write as a sentence.
_WORD = re.compile(r"[A-Za-z0-9_.:+/=~-]{1,200}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[0-9.]{0,7} ?(Z|UTC|[+-][0-9:]{2,5})?")
_LARGEST = 10**20
_WEB_ADDRESS = re.compile(r"https://[!-~]{1,1000}")

_ADDRESS = re.compile(r'(?:"[^"]*"|[^\s“”<>()\[\],;:"]+)@[^\s“”<>()\[\],;:"]+')
#: Whatever follows the path of a web address may be a token or contain an address.
_QUERY = re.compile(r"(https?://[^\s?#<>\"]+)[?#][^\s<>\"]*", re.IGNORECASE)

#: Shorter mailbox names are left in a text, since removing them would remove ordinary words too.
_SHORTEST_NAME = 3


class FieldTreatment(Enum):
    """How a field is stored: as a `WORD`, as a `TEXT` without addresses, or as a `LINK`."""

    WORD = auto()
    TEXT = auto()
    LINK = auto()


WORD, TEXT, LINK = FieldTreatment

#: The fields of an object that are stored, by name. What is given for a list applies to each item.
Named = Mapping[str, "FieldTreatment | Named"]


@dataclass(frozen=True)
class KeptFields:
    """The fields stored of an event that we understand, and of one that we do not."""

    known: Named
    unknown: Named

    def of(
        self, values: Mapping[str, object], *, known: bool, whose: str = ""
    ) -> dict[str, object]:
        """Return the part of a payload to store; `whose` is the address that it is about."""
        return cut(values, self.known if known else self.unknown, whose)


def words(*names: str) -> Named:
    """Return fields that are all stored as words."""
    return MappingProxyType(dict.fromkeys(names, WORD))


def cut(values: Mapping[str, object], fields: Named, whose: str = "") -> dict[str, object]:
    """Return the named fields of an object, leaving out values of the wrong kind."""
    kept = {name: _kept(values.get(name), how, whose) for name, how in fields.items()}
    return {name: value for name, value in kept.items() if value is not None}


def _kept(value: object, how: FieldTreatment | Named, whose: str) -> object:
    if isinstance(value, list):
        items = [_kept(item, how, whose) for item in value[:_MOST_ITEMS]]
        return [item for item in items if item is not None] or None
    if not isinstance(how, FieldTreatment):
        return (cut(value, how, whose) or None) if isinstance(value, dict) else None
    if isinstance(value, bool | int | float):
        return value if abs(value) < _LARGEST else None
    return _kept_text(value, how, whose) if isinstance(value, str) else None


def _kept_text(text: str, how: FieldTreatment, whose: str) -> str | None:
    match how:
        case FieldTreatment.WORD:
            return text if _WORD.fullmatch(text) or _TIME.fullmatch(text) else None
        case FieldTreatment.LINK:
            return text if _WEB_ADDRESS.fullmatch(text) else None
        case FieldTreatment.TEXT:
            return without_addresses(text, whose)[:LONGEST_TEXT]


def without_addresses(text: str, whose: str = "") -> str:
    """Return a text with its addresses masked and the mailbox name of `whose` removed.

    The query and the fragment of any web address are removed as well.
    """
    plain = "".join(c if c.isprintable() else " " for c in _beginning(text))
    plain = _ADDRESS.sub(lambda found: masked(found[0].rstrip(".")), _QUERY.sub(r"\1", plain))
    name = whose.rpartition("@")[0].strip()
    if len(name) < _SHORTEST_NAME:
        return plain
    return re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w•])", "•••", plain, flags=re.IGNORECASE)


def _beginning(text: str) -> str:
    """Return as much of a text as is searched, never ending in half a word."""
    if len(text) <= _SEARCHED:
        return text
    return text[:_SEARCHED].rpartition(" ")[0]
