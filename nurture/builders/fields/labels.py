"""What a form's fields are for, by what they are called: the address, the name, boxes, the page.

A label counts in any spelling: “Your E-mail (required)”, `your-email`, `No Label email`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from unicodedata import combining, normalize
from urllib.parse import parse_qsl, urlsplit

from nurture.addresses import AddressError, plain_mailbox
from nurture.builders.fields import known_labels as known
from nurture.builders.fields import values
from nurture.domain.subscribers.consent import OWN_WORDINGS
from nurture.domain.subscribers.tick_boxes import read_ticks

#: Limits on what is examined: far more fields, nested deeper, and longer labels than a form has.
_MOST, _DEEPEST, _LONGEST = 500, 5, 300

#: Names of groups that describe the form or the site, and nobody who filled it in.
_NOT_PEOPLE = frozenset({"form", "site", "website", "webhook", "workspace"})

#: Where a field with a `value` says what it is called and which kind it is.
_DESCRIBED_BY = ("label", "title", "name", "key", "id")

#: The kinds of field that say what it is for; a field of the kind `url` is not the form's page.
_KINDS = frozenset({"email", "name", "checkbox", "acceptance", "consent", "gdpr-checkbox"})

#: What builders add to the name that the owner gave.
_AROUND_NAMES = re.compile(r"^No Label |[\s_-]+\d+$")

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDS = re.compile(r"[^\W_]+")


class Labelled(NamedTuple):
    """A field with everything that it is called: its key, its title, its kind."""

    labels: tuple[str, ...]
    value: Any


def labelled(fields: Mapping[str, Any]) -> list[Labelled]:
    """Return the fields of a form in order, however deeply they are nested.

    A field that is an object with a `value` is called by its key and by its own label and type.
    """
    return list(islice(_inside(fields, _DEEPEST), _MOST))


def read_labelled(fields: Sequence[Labelled]) -> dict[str, Any] | None:
    """Return the fields under the webhook's own names, or `None` without a single clear address."""
    address = find_address(fields)
    if address is None:
        return None
    boxes = boxes_in(fields)
    about = {"email": address, **names_in(fields), **visit_in(fields)}
    return about | ({"consent": boxes} if boxes else {})


def find_address(fields: Iterable[Labelled]) -> str | None:
    """Return the address that a form gives, or `None` if it gives none, or two different ones.

    A field called an address has priority, even if it is left blank or invalid; without one, the
    only value that is a valid address is taken.
    """
    fields = list(fields)
    named = [one.value for one in fields if is_called_address(one)]
    if named:
        said = _different(map(values.plain_text, named))
        return None if len(said) > 1 else "".join(said)
    said = _different(filter(is_address, (values.plain_text(one.value) for one in fields)))
    return said[0] if len(said) == 1 else None


def names_in(fields: Iterable[Labelled]) -> dict[str, str]:
    """Return `first_name` and `name`, each only if the form says it."""
    fields = list(fields)
    first, last = _first_called(fields, known.FIRST), _first_called(fields, known.LAST)
    full = f"{first} {last}" if first and last else _first_called(fields, known.WHOLE)
    return {key: said for key, said in (("first_name", first), ("name", full)) if said}


def boxes_in(fields: Iterable[Labelled]) -> list[Any]:
    """Return what the ticked boxes say, as `read_ticks` reads it.

    A tick in a box for anything else is among them under its label, so that the owner can be told.
    """
    return [box for one in fields for box in _boxes(one)]


def visit_in(fields: Iterable[Labelled]) -> dict[str, str]:
    """Return the page, its `utm_…` parameters, the visitor's IP address, browser and time zone."""
    fields = list(fields)
    pages = [page for label in known.PAGES if (page := _first_called(fields, {label}))]
    said = {
        "page_url": next(filter(None, map(values.web_address, pages)), ""),
        "client_ip": _first_of(fields, known.CLIENTS),
        "user_agent": _first_of(fields, known.AGENTS),
        "time_zone": _first_of(fields, known.ZONES),
    }
    return {key: value for key, value in said.items() if value} | utm_of(pages) | _utm_in(fields)


def utm_of(pages: Iterable[str]) -> dict[str, str]:
    """Return the `utm_…` parameters in the addresses of pages; those of the first page count."""
    said: dict[str, str] = {}
    for page in pages:
        for name, value in _query(page):
            if name.startswith("utm_"):
                said.setdefault(name, value)
    return said


def is_called_address(field: Labelled) -> bool:
    """Return whether a field is called an email address, whatever it contains."""
    return _is_called(field, known.EMAIL)


def is_address(text: str) -> bool:
    """Return whether a text is a valid email address, and nothing else."""
    if "@" not in text:
        return False
    try:
        return bool(plain_mailbox(text))
    except AddressError:
        return False


def plain_label(label: str) -> str:
    """Return a label without capitals, accents, blanks, “your …” and “(required)”."""
    return _plain_label(label[:_LONGEST])


@lru_cache(maxsize=4096)
def _plain_label(label: str) -> str:
    words = list(_words_of(label))
    while len(words) > 1 and words[0] in known.BEFORE:
        del words[0]
    while len(words) > 1 and (words[-1] in known.AFTER or words[-1].isdecimal()):
        del words[-1]
    return "".join(words)


def _words_of(label: str) -> Iterator[str]:
    spaced = normalize("NFKD", _CAMEL.sub(" ", label[:_LONGEST])).casefold()
    plain = "".join(c for c in spaced if not combining(c))
    yield from (found[0] for found in _WORDS.finditer(plain))


def _inside(fields: Mapping[str, Any], deepest: int) -> Iterator[Labelled]:
    for key, value in islice(fields.items(), _MOST):
        yield from _field((str(key),), value, deepest)


def _field(labels: tuple[str, ...], value: Any, deepest: int) -> Iterator[Labelled]:
    """Yield a field, or those that it contains; what a box contains is read with the box."""
    if isinstance(value, Mapping) and "value" in value:
        yield from _described(labels, value, deepest)
    elif not _is_group(value) or _is_box(labels):
        yield Labelled(labels, value)
    elif deepest and _NOT_PEOPLE.isdisjoint(labels):
        inner = value.items() if isinstance(value, Mapping) else (("", one) for one in value)
        for key, one in islice(inner, _MOST):
            yield from _field(_named(str(key), labels), one, deepest - 1)


def _named(key: str, outer: tuple[str, ...]) -> tuple[str, ...]:
    """Return what an inner field is called; “Email [required]” looks like a group on its way in."""
    return (key, *outer) if key.casefold() in known.AFTER else (key,)


def _described(
    labels: tuple[str, ...], field: Mapping[str, Any], deepest: int
) -> Iterator[Labelled]:
    own = [field.get(key) for key in _DESCRIBED_BY]
    kind = field.get("type")
    own += [kind] if isinstance(kind, str) and kind in _KINDS else []
    labels = (*labels, *(one for one in own if isinstance(one, str)))
    inner = field["value"]
    if isinstance(inner, Mapping) and deepest:
        yield from _field(labels, inner, deepest - 1)
    else:
        yield Labelled(labels, inner)
    for part in ("first", "last"):
        if part in field:
            yield Labelled((part,), field[part])


def _is_group(value: Any) -> bool:
    """Return whether a value contains fields rather than texts."""
    if isinstance(value, list):
        return any(isinstance(one, Mapping) for one in value[:_MOST])
    return isinstance(value, Mapping)


def _is_called(field: Labelled, meant: Iterable[str]) -> bool:
    return any(plain_label(label) in meant for label in field.labels)


def _first_called(fields: Iterable[Labelled], meant: Iterable[str]) -> str:
    """Return the first text of the fields with one of these labels, or ""."""
    found = (values.plain_text(one.value) for one in fields if _is_called(one, meant))
    return next(filter(None, found), "")


def _first_of(fields: Sequence[Labelled], labels: Iterable[str]) -> str:
    """Return the text under the first of these labels that has one, or ""."""
    return next(filter(None, (_first_called(fields, {label}) for label in labels)), "")


def _different(texts: Iterable[str]) -> list[str]:
    return list({text.casefold(): text for text in texts if text}.values())


def _is_box(labels: Iterable[str]) -> bool:
    return any(not known.BOX.isdisjoint(_words_of(one)) or _purpose_in(one) for one in labels)


def _purpose_in(label: str) -> str:
    """Return the name of a purpose in a label such as `news-12` or `No Label news`, or ""."""
    name = _AROUND_NAMES.sub("", label[:_LONGEST])
    said = read_ticks(name)
    return name if said.purposes and not said.not_understood else ""


def _boxes(field: Labelled) -> Iterator[Any]:
    """Yield what a field agrees to: by its label, by its value, or a tick that does not say."""
    if _is_wording(field.labels):
        return
    if purpose := next(filter(None, map(_purpose_in, field.labels)), ""):
        yield {purpose: field.value}
    elif not _is_box(field.labels):
        yield from _wordings_in(field)
    elif (said := read_ticks(field.value)).purposes:
        yield field.value
    elif said.not_understood:
        yield {next(label for label in field.labels if _is_box((label,))): field.value}


def _is_wording(labels: Iterable[str]) -> bool:
    """Return whether a field repeats what a box says, ticked or not, such as `consent_text`."""
    words = [list(_words_of(label)) for label in labels]
    return any(said[-1:] == ["label"] or not known.WORDING.isdisjoint(said) for said in words)


def _wordings_in(field: Labelled) -> Iterator[str]:
    """Yield the values that are the wording of a box, or a purpose in a list of check boxes.

    A single word in any other field, such as `news`, may answer another question.
    """
    is_list = any("checkbox" in _words_of(label) for label in field.labels)
    texts = field.value if isinstance(field.value, list) else [field.value]
    for text in filter(lambda one: isinstance(one, str), texts[:_MOST]):
        if _plain(text) in _WORDINGS or (is_list and read_ticks(text).purposes):
            yield text


def _plain(text: str) -> str:
    return " ".join(text[:_LONGEST].casefold().split()).rstrip(".")


def _utm_in(fields: Iterable[Labelled]) -> dict[str, str]:
    """Return the fields whose key or label is a UTM parameter, such as `utm_source`."""
    said: dict[str, str] = {}
    for one in fields:
        names = ("_".join(_words_of(label)) for label in one.labels)
        name = next((name for name in names if name.startswith("utm_")), "")
        if name and (text := values.plain_text(one.value)):
            said.setdefault(name, text)
    return said


def _query(page: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(page).query, max_num_fields=100)
    except ValueError:
        return []


_WORDINGS = frozenset(map(_plain, OWN_WORDINGS.values()))
