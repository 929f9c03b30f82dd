"""A reader for the mailing lists of `corpus/` and for what is expected of each.

A list lies beside a small `.toml` of the same name, which `corpus/README.md` describes.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.sheets.corpus.make import LARGE

CORPUS = Path(__file__).with_name("corpus")

#: Where a row may come to lie; “stated” is never expected, as no owner states anything here.
PILES = frozenset({"evidence", "stated", "client", "suppressed", "unknown", "mistakes"})

#: Besides another pile, a row that is nobody may be left out.
_OTHERWISE = PILES | {"omitted"}

_LIST_KEYS: Mapping[str, type] = {
    "program": str,
    "what": str,
    "known_from": str,
    "refused": bool,
    "may_be_refused": bool,
    "people": list,
}
_LIST_DEFAULTS: Mapping[str, object] = {"refused": False, "may_be_refused": False}
_PERSON_KEYS: Mapping[str, type] = {
    "address": str,
    "written": str,
    "pile": str,
    "or": str,
    "first": str,
    "last": str,
    "name": str,
    "on": date,
    "why": str,
}


class MalformedExpectationError(ValueError):
    """An expectation is not valid; the message names the file and what to correct."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A mailing list as it comes: the name below `corpus/`, and every byte."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ExpectedPerson:
    """What is expected of one address, or of one row (`written`) without a possible address.

    `piles` are all that are acceptable, `pile` is the first choice. A name that is None is not
    checked; `name` is for lists that have the whole name in one column. `on` is the day of the
    opt-in in UTC.
    """

    address: str | None
    written: str | None
    pile: str
    piles: frozenset[str]
    first: str | None
    last: str | None
    name: str | None
    on: date | None
    why: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a careful lawyer expects of a list, with no statement by its owner.

    A list that `is_refused` brings nobody. One that `may_be_refused` is refused as a whole, or
    brings every person who is named: nothing in between.
    """

    program: str
    what: str
    known_from: str
    is_refused: bool
    may_be_refused: bool
    people: tuple[ExpectedPerson, ...]


def expected_lists(folder: Path = CORPUS) -> Iterator[tuple[ListFile, Expectation]]:
    """Yield every list of the corpus with what is expected of it, by name."""
    for path in sorted(folder.glob("*/*.toml")):
        yield _list_beside(path, folder), read_expectation(path)


def _list_beside(path: Path, folder: Path) -> ListFile:
    beside = path.with_suffix("")
    name = beside.relative_to(folder).as_posix()
    return ListFile(name, LARGE[name]() if name in LARGE else beside.read_bytes())


def read_expectation(path: Path) -> Expectation:
    """Read an expectation, or raise `MalformedExpectationError` if the format is wrong."""
    try:
        return _expectation(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise MalformedExpectationError(f"{path.parent.name}/{path.name}: {error}") from error


def _expectation(told: Mapping[str, object]) -> Expectation:
    known = {**_LIST_DEFAULTS, **told}
    _check_kinds(known, _LIST_KEYS, "the list")
    if missing := sorted(_LIST_KEYS.keys() - known.keys()):
        raise ValueError(f"the list lacks: {', '.join(missing)}")
    expectation = Expectation(
        program=str(known["program"]),
        what=str(known["what"]),
        known_from=str(known["known_from"]),
        is_refused=known["refused"] is True,
        may_be_refused=known["may_be_refused"] is True,
        people=tuple(_people(known["people"])),
    )
    _check_list(expectation)
    return expectation


def _people(raw: object) -> Iterator[ExpectedPerson]:
    for number, one in enumerate(raw if isinstance(raw, list) else [], start=1):
        if not isinstance(one, dict):
            raise ValueError(f"person {number} must be a table")
        yield _person(one, f"person {number}")


def _person(told: dict[str, object], where: str) -> ExpectedPerson:
    _check_kinds(told, _PERSON_KEYS, where)
    if ("address" in told) == ("written" in told):
        raise ValueError(f"{where} needs address or written, and not both")
    pile, other = str(told.get("pile")), str(told.get("or", told.get("pile")))
    if pile not in PILES - {"stated"} or other not in _OTHERWISE:
        raise ValueError(f"{where}: no such pile")
    if (pile == "mistakes") != ("written" in told):
        raise ValueError(f"{where}: mistakes, and they alone, have written")
    return ExpectedPerson(
        address=_text(told, "address"),
        written=_text(told, "written"),
        pile=pile,
        piles=frozenset({pile, other}),
        first=_text(told, "first"),
        last=_text(told, "last"),
        name=_text(told, "name"),
        on=on if isinstance(on := told.get("on"), date) else None,
        why=_text(told, "why") or "",
    )


def _text(told: Mapping[str, object], key: str) -> str | None:
    value = told.get(key)
    return None if value is None else str(value)


def _check_kinds(told: Mapping[str, object], kinds: Mapping[str, type], where: str) -> None:
    if unknown := sorted(told.keys() - kinds.keys()):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    for key, value in told.items():
        # `type` and not isinstance: a date with a time is a date to Python, and no day.
        if type(value) is not kinds[key]:
            raise ValueError(f"{where}: {key} must be of kind {kinds[key].__name__}")


def _check_list(expectation: Expectation) -> None:
    if not all((expectation.program, expectation.what, expectation.known_from)):
        raise ValueError("program, what and known_from must say something")
    if expectation.is_refused and (expectation.people or expectation.may_be_refused):
        raise ValueError("a refused list brings nobody, and is certain to be refused")
    addresses = [person.address for person in expectation.people if person.address]
    if len(addresses) != len(set(addresses)):
        raise ValueError("an address is expected once, however many rows it has")
