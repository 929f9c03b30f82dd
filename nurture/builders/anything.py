"""The last resort: any form in which one address is clearly the visitor's, however it is nested."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from nurture.builders import FormBuilder, FormFields, is_native
from nurture.builders.fields.envelopes import is_recognised
from nurture.builders.fields.labels import (
    Labelled,
    is_address,
    is_called_address,
    read_labelled,
)
from nurture.builders.fields.recognition import is_other_event

#: Words of which the path of a field has one if it is about the website and not about its visitor.
_NOT_THEIRS = frozenset(
    {"owner", "admin", "admins", "administrator", "notify", "notification", "notifications"}
    | {"site", "website", "account", "from", "sender", "recipient", "recipients", "author"}
    | {"to", "cc", "bcc", "reply", "support", "webmaster"}
)

#: Where an object says what its field is called, and where it says what was entered.
_CALLED = ("label", "title", "question", "name", "key", "field")
_KIND = ("type", "id", "ref")
_ENTERED = ("value", "answer", "response")

#: Every other builder is asked before.
_RANK = 99

#: Limits on what is examined: far more fields, and nested deeper, than any form has.
_MOST, _DEEPEST = 500, 8

#: How many words a label has, if it is no question.
_LONGEST_PATH = 3

_WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return what the fields say by their names, or `None` if it is not clear who the visitor is.

    A valid address whose name says that it is one has priority; two different ones leave it open.
    """
    if is_native(fields) or is_other_event(fields) or is_recognised(fields, _RANK):
        return None
    found = islice(_inside(fields, (), _DEEPEST), _MOST)
    signup = read_labelled([one for one in found if not _is_blank_or_no_address(one)])
    return signup if signup and is_address(str(signup["email"])) else None


def _is_blank_or_no_address(field: Labelled) -> bool:
    """Return whether a field would hide the address: one called an address that holds none."""
    called = read_labelled([field]) if isinstance(field.value, str | list) else None
    return called is not None and not is_address(str(called["email"]))


def _inside(value: Any, path: tuple[str, ...], deepest: int) -> Iterator[Labelled]:
    """Yield the fields in an object or a list that are about the visitor, with their labels."""
    if path and not _is_theirs(path[-1]):
        return
    if isinstance(value, Mapping) and deepest:
        yield from _in_object(value, path, deepest - 1)
    elif isinstance(value, list) and deepest and any(isinstance(one, Mapping) for one in value):
        for one in value:
            yield from _inside(one, (*path, ""), deepest - 1)
    elif path:
        yield Labelled(tuple(label for label in path[-1:] if label), value)


def _in_object(
    fields: Mapping[str, Any], path: tuple[str, ...], deepest: int
) -> Iterator[Labelled]:
    entered = next((name for name in _ENTERED if name in fields), None)
    labels = _texts_under(_CALLED, fields)
    if entered is None or not labels or _has_address(fields):
        for name, inner in fields.items():
            yield from _inside(inner, (*path, str(name)), deepest)
    elif all(map(_is_theirs, labels)):
        above = (one for one in path[-1:] if one)
        yield Labelled((*above, *labels, *_texts_under(_KIND, fields)), fields[entered])


def _texts_under(names: Iterable[str], fields: Mapping[str, Any]) -> list[str]:
    return [text for name in names if isinstance(text := fields.get(name), str)]


def _has_address(fields: Mapping[str, Any]) -> bool:
    """Return whether an object is a person rather than one field with its label."""
    return any(is_called_address(Labelled((str(name),), None)) for name in fields)


def _is_theirs(name: str) -> bool:
    """Return whether a name may be of a visitor's field; a whole question is never a path."""
    words = _WORDS.findall(name)
    is_question = " " in name.strip() and len(words) > _LONGEST_PATH
    return is_question or _NOT_THEIRS.isdisjoint(word.casefold() for word in words)


BUILDER = FormBuilder(
    name="anything",
    label="Something else",
    read=read,
    setup=(
        "Have your form sent to {address} by POST, as JSON or as a form.",
        "Call the field for the address email and the one for the name first_name; other names "
        "that say so are understood as well.",
        "Send one, and look here what arrived: a form that could not be read is kept, and you say "
        "once which of its fields is which.",
    ),
    rank=_RANK,
)
