"""Found fields: what the forms of a website contain, for an owner who says what they mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nurture.domain.door.field_mapping import FieldMapping, walk

#: How many fields and how many values of each are shown, and how much of a value.
_MOST_FIELDS, _MOST_VALUES, _LONGEST = 60, 3, 80

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_FIRST_NAME = re.compile(r"first|given|forename", re.IGNORECASE)
_NAME = re.compile(r"name", re.IGNORECASE)
_NOT_A_NAME = re.compile(r"last|sur|family|user|form|file|mail|company|field.?name", re.IGNORECASE)
_ESCAPED = (("~1", "/"), ("~0", "~"))


@dataclass(frozen=True, slots=True)
class FoundField:
    """A field that forms have sent: its pointer and some of its values, the newest first."""

    pointer: str
    values: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name of the field for people."""
        return label_of(self.pointer)

    @property
    def own_name(self) -> str:
        """The last part of its name."""
        return self.pointer.rpartition("/")[2]


def found_fields(forms: Iterable[Mapping[str, Any]]) -> list[FoundField]:
    """Return the fields of these forms, which are given newest first."""
    values: dict[str, dict[str, None]] = {}
    for form in forms:
        for pointer, value in walk(form):
            said = " ".join(str(value).split())[:_LONGEST] if value is not None else ""
            values.setdefault(pointer, {}).update({said: None} if said else {})
    shown = list(values.items())[:_MOST_FIELDS]
    return [FoundField(pointer, tuple(said)[:_MOST_VALUES]) for pointer, said in shown]


def guess_mapping(found: Sequence[FoundField]) -> FieldMapping:
    """Return what the fields probably mean, as a suggestion; empty where nothing is likely."""
    addresses = [one for one in found if one.values and all(map(_is_address, one.values))]
    named = [one for one in addresses if "mail" in one.own_name.casefold()]
    others = [one for one in found if one not in addresses and not _NOT_A_NAME.search(one.own_name)]
    first = [one for one in others if _FIRST_NAME.search(one.own_name)]
    whole = [one for one in others if _NAME.search(one.own_name) and one not in first]
    return FieldMapping(
        _pointer(named or addresses), _pointer(first), "" if first else _pointer(whole)
    )


def label_of(pointer: str) -> str:
    """Return a pointer as people read it: “fields › email”."""
    parts = pointer.split("/")[1:]
    return " › ".join(map(_unescaped, parts))


def pointer_of(fields: Mapping[str, Any], value: object) -> str:
    """Return the field in which a value was found, or ""."""
    texts = {said.strip() for said in _texts(value)} - {""}
    found = (at for at, one in walk(fields) if isinstance(one, str) and one.strip() in texts)
    return next(found, "")


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return [one for _, one in walk(value) if isinstance(one, str)]


def _is_address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None


def _pointer(fields: Sequence[FoundField]) -> str:
    return fields[0].pointer if fields else ""


def _unescaped(name: str) -> str:
    for escaped, plain in _ESCAPED:
        name = name.replace(escaped, plain)
    return name
