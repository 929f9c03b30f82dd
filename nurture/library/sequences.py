"""Reads `sequence.toml`: who, when and in which order, as a `Sequence`."""

from collections.abc import Callable, Mapping
from typing import Any

from nurture.domain.sequences.sequence import (
    Continuation,
    Form,
    Late,
    OptIn,
    Quiet,
    Request,
    Sequence,
    SequenceError,
    Step,
    StepKind,
    WhenReplied,
    parse_days,
    parse_length,
    parse_time_of_day,
    parse_wait,
)
from nurture.domain.subscribers.consent import MARKETING, STREAMS, Purpose
from nurture.library.reading import (
    LibraryError,
    expect,
    expect_texts,
    read_as,
    read_toml,
    refuse_unknown,
    wanted,
)


def parse_sequence(key: str, toml: str, place: str = "sequence.toml") -> Sequence:
    """Read a sequence's plan; raise `LibraryError` naming the step and the field."""
    values = read_toml(toml, place)
    refuse_unknown(values, _TEXTS | {"form", "quiet", "steps", "then"}, place)
    expect_texts(values, _TEXTS, place)
    for name, kind in (("steps", list), ("then", list), ("form", dict), ("quiet", dict)):
        expect(values, name, kind, place)
    form, quiet, answers = values["form"], values["quiet"], values.get("answers")
    return Sequence(
        key=key,
        title=wanted(values, "title", place),
        goal=values.get("goal", "booked"),
        guide_title=values.get("guide_title", values["title"] if form else ""),
        guide_file=values.get("guide", "guide.pdf"),
        form=_form(form, f"{place}, [form]") if form else None,
        quiet=_quiet(quiet, f"{place}, [quiet]") if quiet else None,
        answers=read_as(Request, answers, f"{place}, answers") if answers else None,
        replied=read_as(WhenReplied, values.get("replied", "go on"), f"{place}, replied"),
        then=tuple(_then(one, f"{place}, then {n}") for n, one in enumerate(values["then"], 1)),
        steps=tuple(_step(step, f"{place}, step {n}") for n, step in enumerate(values["steps"], 1)),
    )


_TEXTS = {"title", "goal", "guide", "guide_title", "answers", "replied"}


def _form(values: dict[str, Any], place: str) -> Form:
    refuse_unknown(values, {"key", "wording", "grants", "opt_in"}, place)
    expect(values, "grants", list, f"{place}, grants")
    grants = wanted(values, "grants", place)
    return Form(
        key=wanted(values, "key", place),
        wording=wanted(values, "wording", place),
        grants=tuple(read_as(Purpose, purpose, f"{place}, grants") for purpose in grants),
        opt_in=read_as(OptIn, values.get("opt_in", "collect"), f"{place}, opt_in"),
    )


def _quiet(values: dict[str, Any], place: str) -> Quiet:
    refuse_unknown(values, {"after", "patience"}, place)
    return Quiet(
        after=read_as(parse_length, wanted(values, "after", place), f"{place}, after"),
        patience=read_as(parse_length, wanted(values, "patience", place), f"{place}, patience"),
    )


def _then(values: Mapping[str, Any], place: str) -> Continuation:
    if not isinstance(values, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Begin each with [[then]].")
    refuse_unknown(values, {"sequence", "only_if"}, place)
    expect_texts(values, {"sequence", "only_if"}, place)
    return Continuation(wanted(values, "sequence", place), values.get("only_if", ""))


def _stream(said: str) -> Purpose:
    """Read the stream of a step; raise `SequenceError` if it is none."""
    if said not in (*STREAMS, MARKETING):
        raise SequenceError(
            f"“{said}” is no kind of email that people can agree to.",
            remedy=f"Write one of {', '.join(f'“{one}”' for one in STREAMS)}.",
        )
    return Purpose(said)


_STEP_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "email": str,
    "kind": StepKind,
    "wait": parse_wait,
    "at": parse_time_of_day,
    "on": parse_days,
    "late": Late,
    "max_late": parse_length,
    "only_if": str,
    "skip_if": str,
    "stream": _stream,
}


def _step(values: Mapping[str, Any], place: str) -> Step:
    if not isinstance(values, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Begin each with [[steps]].")
    refuse_unknown(values, set(_STEP_FIELDS), place)
    wanted(values, "email", place)
    read = {
        name: read_as(_STEP_FIELDS[name], value, f"{place}, {name}")
        for name, value in values.items()
    }
    return Step(**read)
