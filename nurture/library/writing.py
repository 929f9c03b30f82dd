"""Editing TOML as a person would: comments and order stay.

A comment right above a `[[steps]]` belongs to that step and moves with it.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit

from nurture.domain.sequences.sequence import Continuation
from nurture.library.reading import LibraryError, read_document, read_toml

_FENCE = "+++\n"
_HEADER = re.compile(r"\[\[?[A-Za-z0-9_.-]+\]\]?\s*(#.*)?")
_STEP = re.compile(r"\[\[\s*steps\s*\]\]\s*(#.*)?")


def written_email(front: Mapping[str, Any], body: str) -> str:
    """Return an email file with this front matter and body."""
    return f"{_FENCE}{tomlkit.dumps(dict(front))}{_FENCE}{body}"


def with_front(content: str, values: Mapping[str, Any]) -> str:
    """Return an email file with some settings of its front matter changed; None removes one.

    Raise `LibraryError` if the front matter cannot be read.
    """
    front, found, body = content.replace("\r\n", "\n").removeprefix("+++").partition(f"\n{_FENCE}")
    if not found:
        raise LibraryError("The front matter does not end.", remedy="Close it with +++.")
    return f"+++{with_settings(front, values)}\n{_FENCE}{body}"


def with_settings(toml: str, values: Mapping[str, Any], table: str = "") -> str:
    """Return a TOML document with settings changed, in `table` or at the top; None removes one."""
    document = read_document(toml)
    place = document if not table else document.setdefault(table, tomlkit.table())
    if not isinstance(place, MutableMapping):
        raise LibraryError(f"{table} must be a table.", remedy=f"Write it as [{table}].")
    _set(place, values)
    return tomlkit.dumps(document)


def with_step(toml: str, step: Mapping[str, Any], after: str = "") -> str:
    """Return a sequence with a new step after another, or first if `after` is empty."""
    sections = sections_of(toml)
    place = _place_of(sections, after) + 1 if after else _first_step(sections)
    block = "[[steps]]\n" + tomlkit.dumps(dict(step))
    return joined([*sections[:place], block, *sections[place:]])


def without_step(toml: str, email: str) -> str:
    """Return a sequence without one of its steps."""
    sections = sections_of(toml)
    del sections[_place_of(sections, email)]
    return joined(sections)


def with_moved_step(toml: str, email: str, after: str = "") -> str:
    """Return a sequence with a step moved after another, or to the start if `after` is empty."""
    sections = sections_of(toml)
    block = sections.pop(_place_of(sections, email))
    place = _place_of(sections, after) + 1 if after else _first_step(sections)
    return joined([*sections[:place], block, *sections[place:]])


def with_changed_step(toml: str, email: str, values: Mapping[str, Any]) -> str:
    """Return a sequence with some settings of a step changed; None removes one."""
    sections = sections_of(toml)
    place = _place_of(sections, email)
    document: Any = read_document(sections[place])
    _set(document["steps"][0], values)
    sections[place] = tomlkit.dumps(document)
    return joined(sections)


def _set(place: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value


def sections_of(toml: str) -> list[str]:
    """Return the document cut before each table and the comment right above it."""
    lines = toml.replace("\r\n", "\n").splitlines(keepends=True)
    cuts = [0]
    for number, line in enumerate(lines):
        if _HEADER.fullmatch(line.strip()):
            while number > cuts[-1] and lines[number - 1].startswith("#"):
                number -= 1
            cuts.append(number)
    ends = [*cuts[1:], len(lines)]
    return ["".join(lines[a:b]) for a, b in zip(cuts, ends, strict=True)]


def joined(sections: list[str], place: str = "sequence.toml") -> str:
    """Return the sections as one document again, with an empty line between them."""
    filled = [section for section in sections if section.strip()]
    toml = "\n\n".join(section.strip("\n") for section in filled) + "\n"
    read_toml(toml, place)
    return toml


def _is_step(section: str) -> bool:
    return any(_STEP.fullmatch(line.strip()) for line in section.splitlines())


def _first_step(sections: list[str]) -> int:
    places = [n for n, section in enumerate(sections) if _is_step(section)]
    return min(places, default=len(sections))


def _place_of(sections: list[str], email: str) -> int:
    for number, section in enumerate(sections):
        if _is_step(section) and read_toml(section, "a step")["steps"][0].get("email") == email:
            return number
    raise LibraryError(f"There is no step “{email}”.", remedy="Reload the page and try again.")


def with_body(content: str, body: str) -> str:
    """Return an email file with another body below the same front matter."""
    front, found, _ = content.replace("\r\n", "\n").partition(f"\n{_FENCE}")
    if not found:
        raise LibraryError("The front matter does not end.", remedy="Close it with +++.")
    return f"{front}{found}{body}"


def with_endings(toml: str, endings: Sequence[Continuation]) -> str:
    """Return a sequence with these endings in order; raise `LibraryError` if it cannot be read."""
    document = read_document(toml)
    kept = list(document.get("then", []))[: len(endings)]
    tables = kept + [tomlkit.table() for _ in endings[len(kept) :]]
    for table, ending in zip(tables, endings, strict=True):
        table["sequence"] = ending.sequence
        table.pop("only_if", None)
        if ending.only_if:
            table["only_if"] = ending.only_if
    if "then" not in document and not tables:
        return toml
    document.pop("then", None)
    if tables:
        placed = tomlkit.aot()
        for table in tables:
            placed.append(table)
        document["then"] = placed
    return tomlkit.dumps(document).rstrip("\n") + "\n"
