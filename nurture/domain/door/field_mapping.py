"""Field mappings: which of a form's fields is the address, the name, or a box, says the owner.

A field is named by its JSON pointer (RFC 6901), such as `/form_fields/email`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from nurture.domain.subscribers.consent import Purpose

#: Limits on what is examined: far more fields, and nested deeper, than any form has.
_MOST, _DEEPEST = 500, 8


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """What fields of a form mean; `boxes` are the purposes that a ticked field agrees to."""

    email: str
    first_name: str = ""
    name: str = ""
    boxes: Mapping[str, Purpose] = field(default_factory=dict)


def apply_mapping(fields: Mapping[str, Any], mapping: FieldMapping) -> dict[str, Any] | None:
    """Return the fields under the webhook's own names, or `None` if this mapping is not of theirs.

    It is theirs if the field of the address exists. The webhook's own names keep their meaning.
    """
    named = dict(walk(fields))
    if not isinstance(named.get(mapping.email), str):
        return None
    read = {name: value for name, value in fields.items() if name not in ("consent", "email")}
    read["email"] = named[mapping.email]
    for own, pointer in (("first_name", mapping.first_name), ("name", mapping.name)):
        if pointer:
            read[own] = named.get(pointer)
    read["consent"] = {
        str(purpose): named.get(pointer) for pointer, purpose in mapping.boxes.items()
    }
    return read


def walk(fields: object, pointer: str = "", deepest: int = _DEEPEST) -> Iterator[tuple[str, Any]]:
    """Yield the pointer and the value of each field that contains no others, in order."""
    yield from islice(_walk(fields, pointer, deepest), _MOST)


def _walk(value: object, pointer: str, deepest: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and deepest:
        for name, inner in value.items():
            yield from _walk(inner, f"{pointer}/{_escaped(str(name))}", deepest - 1)
    elif isinstance(value, list) and deepest:
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{pointer}/{number}", deepest - 1)
    elif pointer:
        yield pointer, value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
