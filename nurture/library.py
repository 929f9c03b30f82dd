"""Reads `templates/emails/` into plain values: the practice, the sequences and their emails."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from nurture.domain.consent import Purpose
from nurture.domain.email import EmailSource
from nurture.domain.errors import NurtureError
from nurture.domain.practice import Practice
from nurture.domain.sequence import (
    Form,
    Late,
    OptIn,
    Sequence,
    SequenceError,
    Step,
    StepKind,
    parse_days,
    parse_length,
    parse_time_of_day,
    parse_wait,
)

_FENCE = "+++"


class LibraryError(NurtureError):
    """A file of the library cannot be read as what it should be; the message names the file."""


@dataclass(frozen=True, slots=True)
class SequenceSource:
    """One sequence folder: the plan, where it says so, and its emails by step."""

    sequence: Sequence
    toml: str
    emails: Mapping[str, EmailSource]


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that was written, ready to be checked and published."""

    practice: Practice
    practice_toml: str
    sequences: tuple[SequenceSource, ...]


def read_library(root: Path) -> Library:
    """Read the whole folder; raises `LibraryError` at the first file that cannot be read."""
    practice_toml = _read(root / "practice.toml")
    layout = {f"layout/{path.name}": _read(path) for path in sorted(root.glob("layout/*"))}
    folders = sorted(path.parent for path in root.glob("*/sequence.toml"))
    if not folders:
        raise LibraryError(f"{root} has no sequence.", remedy="Add a folder with a sequence.toml.")
    return Library(
        practice=parse_practice(practice_toml, str(root / "practice.toml")),
        practice_toml=practice_toml,
        sequences=tuple(_read_sequence(folder, layout) for folder in folders),
    )


def parse_practice(toml: str, place: str = "practice.toml") -> Practice:
    """Read the practice's own facts; raises `LibraryError` naming the field."""
    values = _toml(toml, place)
    _expect(values, "address", list, place)
    _expect_texts(values, {f.name for f in fields(Practice)} - {"address"}, place)
    values["address"] = tuple(map(str, values["address"]))
    if values.get("time_zone", "Europe/London") not in available_timezones():
        raise LibraryError(f"{place}: time_zone is not known.", remedy="Write “Europe/London”.")
    try:
        return Practice(**values)
    except TypeError as error:
        raise LibraryError(
            f"{place}: {str(error).partition(' ')[2]}.", remedy="Compare it with the shipped file."
        ) from None


def parse_sequence(key: str, toml: str, place: str = "sequence.toml") -> Sequence:
    """Read a sequence's plan; raises `LibraryError` naming the step and the field."""
    values = _toml(toml, place)
    _expect(values, "steps", list, place)
    _expect(values, "form", dict, place)
    _expect_texts(values, {"title", "goal", "guide", "guide_title"}, place)
    steps, form = values.pop("steps"), values.pop("form")
    _refuse_unknown(values, {"title", "goal", "guide", "guide_title"}, place)
    return Sequence(
        key=key,
        title=_wanted(values, "title", place),
        goal=values.get("goal", "booked"),
        guide_title=values.get("guide_title", values["title"]),
        guide_file=values.get("guide", "guide.pdf"),
        form=_form(form, f"{place}, [form]"),
        steps=tuple(_step(step, f"{place}, step {n}") for n, step in enumerate(steps, start=1)),
    )


def parse_email(content: str, place: str) -> tuple[dict[str, Any], str, int]:
    """Split an email file into its front matter, its body and the line the body begins on."""
    if not content.startswith(_FENCE):
        raise LibraryError(
            f"{place}, line 1: there is no front matter.",
            remedy="Begin the file with a line +++, then subject and preheader, then +++.",
        )
    front, found, body = content[len(_FENCE) :].partition(f"\n{_FENCE}\n")
    if not found:
        raise LibraryError(f"{place}: the front matter does not end.", remedy="Close it with +++.")
    return _toml(front, place), body, front.count("\n") + 3


def _read_sequence(folder: Path, layout: Mapping[str, str]) -> SequenceSource:
    toml = _read(folder / "sequence.toml")
    sequence = parse_sequence(folder.name, toml, str(folder / "sequence.toml"))
    emails = {s.email: _read_email(folder, s.email, layout) for s in sequence.steps}
    if not (folder / sequence.guide_file).is_file():
        raise LibraryError(
            f"{folder / sequence.guide_file} is missing.",
            remedy="Put the guide's PDF there, or name another file as guide in sequence.toml.",
        )
    return SequenceSource(sequence, toml, emails)


def _read_email(folder: Path, name: str, layout: Mapping[str, str]) -> EmailSource:
    path = folder / f"{name}.mjml"
    front, mjml, first_line = parse_email(_read(path), str(path))
    text = _read(folder / f"{name}.txt")
    return EmailSource(f"{folder.name}/{name}", front, mjml, text, layout, first_line)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LibraryError(
            f"{path} is missing.", remedy="Add it, or remove what names it."
        ) from None
    except UnicodeDecodeError:
        raise LibraryError(f"{path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None


def _toml(content: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise LibraryError(f"{place}: {error}.") from None


def _form(values: dict[str, Any], place: str) -> Form:
    _refuse_unknown(values, {"key", "wording", "grants", "opt_in"}, place)
    _expect(values, "grants", list, f"{place}, grants")
    grants = _wanted(values, "grants", place)
    return Form(
        key=_wanted(values, "key", place),
        wording=_wanted(values, "wording", place),
        grants=tuple(_read_as(Purpose, purpose, f"{place}, grants") for purpose in grants),
        opt_in=_read_as(OptIn, values.get("opt_in", "collect"), f"{place}, opt_in"),
    )


_STEP_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "email": str,
    "kind": StepKind,
    "wait": parse_wait,
    "at": parse_time_of_day,
    "on": parse_days,
    "late": Late,
    "max_late": parse_length,
}


def _step(values: Mapping[str, Any], place: str) -> Step:
    if not isinstance(values, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Begin each with [[steps]].")
    _refuse_unknown(values, set(_STEP_FIELDS), place)
    _wanted(values, "email", place)
    read = {
        name: _read_as(_STEP_FIELDS[name], value, f"{place}, {name}")
        for name, value in values.items()
    }
    return Step(**read)


def _read_as(reader: Callable[[Any], Any], value: Any, place: str) -> Any:
    try:
        return reader(value)
    except SequenceError as error:
        raise LibraryError(f"{place}: {error.message}", remedy=error.remedy) from None
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise LibraryError(f"{place}: {error}.") from None


_CALLED: Mapping[type, str] = {list: "a list", dict: "a table"}


def _expect(values: dict[str, Any], name: str, kind: type, place: str) -> None:
    """Refuse a value of another kind; where there is none, it is empty."""
    if not isinstance(values.setdefault(name, kind()), kind):
        raise LibraryError(f"{place}: {name} must be {_CALLED[kind]}.")


def _expect_texts(values: Mapping[str, Any], names: set[str], place: str) -> None:
    wrong = sorted(n for n in names & set(values) if not isinstance(values[n], str))
    if wrong:
        raise LibraryError(f"{place}: {wrong[0]} must be a text.", remedy="Put it in quotes.")


def _wanted(values: Mapping[str, Any], name: str, place: str) -> Any:
    if not values.get(name):
        raise LibraryError(f"{place}: {name} is missing.", remedy=f"Add a line “{name} = …”.")
    return values[name]


def _refuse_unknown(values: Mapping[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise LibraryError(
            f"{place}: {unknown[0]} is not a setting.",
            remedy=f"The settings here are {', '.join(sorted(known))}.",
        )
