"""Envelopes: forms that reach us inside something else, such as the `data` of an event."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from nurture import builders
from nurture.builders.fields.labels import (
    Labelled,
    is_called_address,
    labelled,
    read_labelled,
    visit_in,
)
from nurture.builders.fields.recognition import is_other_event

#: Where a form may be in its envelope, and where the envelope tells of the visit.
_INNER = ("data", "payload", "body", "fields", "submission", "response", "record", "values")
_ABOUT = ("metadata", "meta", "context", "query", "request")

#: Builders of this rank and above read forms without marks of their own, or others' forms.
GENERAL = 70

#: How deeply envelopes are nested, and how many objects are examined in all.
_DEEPEST, _MOST = 4, 20


def read_enveloped(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the form inside an envelope under the webhook's own names, or `None` without one.

    The outermost object that can be read is taken; what tells of the visit may be around it.
    """
    if is_other_event(fields):
        return None
    for inner in islice(_inside(fields), _MOST):
        if (read := _read(inner)) is not None:
            return visit_in(list(_around(fields))) | read
    return None


def is_recognised(fields: Mapping[str, Any], below: int) -> bool:
    """Return whether a builder with a lower rank reads a form, which is then its form alone."""
    return any(builder.read(fields) is not None for builder in _below(below))


def _inside(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects under the usual names, the outer before the inner."""
    level = [fields]
    for _ in range(_DEEPEST):
        inner = [one.get(name) for one in level for name in _INNER]
        level = [one for one in inner if isinstance(one, Mapping)][:_MOST]
        yield from level


def _read(inner: Mapping[str, Any]) -> dict[str, Any] | None:
    if is_other_event(inner):
        return None
    for builder in _below(GENERAL):
        if (read := builder.read(inner)) is not None:
            return read
    if builders.is_native(inner) and (native := builders.read_form(inner)):
        return native.fields
    named = any(is_called_address(Labelled((str(name),), None)) for name in inner)
    return read_labelled(labelled(inner)) if named else None


def _below(rank: int) -> list[builders.FormBuilder]:
    return [builder for builder in builders.registry().values() if builder.rank < rank]


def _around(fields: Mapping[str, Any]) -> Iterator[Labelled]:
    """Yield the texts beside the form, in the envelope and in what it says about the visit."""
    level = [fields, *(one for name in _INNER if isinstance(one := fields.get(name), Mapping))]
    about = [one for outer in level for name in _ABOUT if isinstance(one := outer.get(name), dict)]
    for one in (*level, *about):
        for name, value in islice(one.items(), _MOST):
            if isinstance(value, str):
                yield Labelled((str(name),), value)
