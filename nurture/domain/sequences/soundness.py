"""Checks that sequences and segments make sense, alone and together."""

from collections.abc import Collection, Iterator, Mapping

from nurture.domain.audience.conditions import (
    MOST_CONDITIONS_IN_ALL,
    Condition,
    Did,
    FilledIn,
    Has,
    Reached,
    Segments,
    excess_of,
    how_many,
    is_email,
    needs_health_consent,
    parts,
)
from nurture.domain.scheduling.gate import Frequency
from nurture.domain.sequences.sequence import SERIES, Sequence, StepKind

_YES_OR_NO = frozenset({"yes", "no"})

#: The possible values of each attribute, if they are known.
_VALUES: Mapping[str, frozenset[str]] = {
    "confirmed": _YES_OR_NO,
    "tracking": _YES_OR_NO,
    "frequency": frozenset(map(str, Frequency)),
}

#: The ways into a sequence, as written in its file.
_DOORS = {"form": "a [form]", "answers": "answers = “…”", "quiet": "[quiet]"}

#: The kind that the first step of a sequence must have, by the way people came in.
_FIRST = {kind.rules.begins: kind for kind in StepKind if kind.rules.begins}


def unsound(sequence: Sequence) -> Iterator[str]:
    """Yield what is wrong with a sequence on its own, each finding as a sentence."""
    doors = [name for name in _FIRST if getattr(sequence, name)]
    if len(doors) > 1:
        yield f"it has both {doors[0]} and {doors[1]}; people can come in by one of them only."
    if not sequence.steps:
        yield "it has no steps."
    for door in doors[:1]:
        if sequence.steps and sequence.steps[0].kind is not _FIRST[door]:
            yield f"the first step must be of kind “{_FIRST[door]}”."
    for kind in _FIRST.values():
        count = sum(step.kind is kind for step in sequence.steps)
        if count > 1:
            yield f"only one step may be of kind “{kind}”."
        if count and _FIRST.get(doors[0] if doors else "") is not kind:
            yield f"a step of kind “{kind}” needs {_DOORS[kind.rules.begins]}."
    for step in sequence.steps:
        if step.stream and step.kind not in SERIES:
            yield f"“{step.email}” is of kind “{step.kind}”, which is of no stream. Leave it out."


def unsound_together(
    sequences: Mapping[str, Sequence], segments: Segments
) -> Iterator[tuple[str, str]]:
    """Yield each sequence or segment that names something missing, with a sentence about it."""
    for key, sequence in sequences.items():
        for name in sorted(sequence.segments - set(segments.segments)):
            known = ", ".join(sorted(segments.segments)) or "none"
            yield key, f"there is no segment “{name}”. There are: {known}."
        for hand_over in sequence.then:
            yield from ((key, fault) for fault in _bad_target(hand_over.sequence, key, sequences))
    too_much = list(_too_much(segments))
    yield from too_much
    for name, segment in segments.segments.items() if not too_much else ():
        yield from ((name, fault) for fault in _unknown(segment.condition, sequences, segments))


def _too_much(segments: Segments) -> Iterator[tuple[str, str]]:
    found = {name: segment.condition for name, segment in segments.segments.items()}
    for name, condition in found.items():
        if excess := excess_of(condition):
            yield name, excess
    if sum(map(how_many, found.values())) > MOST_CONDITIONS_IN_ALL:
        yield "segments.toml", f"there are more than {MOST_CONDITIONS_IN_ALL:,} conditions in all."


def _bad_target(target: str, key: str, sequences: Mapping[str, Sequence]) -> Iterator[str]:
    found = sequences.get(target)
    if target == key:
        yield "it hands over to itself, and would never end."
    elif found is None:
        yield f"it hands over to “{target}”, which there is not."
    elif found.quiet or found.answers:
        yield f"it hands over to “{target}”, which people come into by another door."


def _unknown(
    condition: Condition, sequences: Mapping[str, Sequence], segments: Segments
) -> Iterator[str]:
    for part in parts(condition):
        sequence = getattr(part, "sequence", "")
        if sequence and sequence not in sequences:
            yield f"there is no sequence “{sequence}”."
        if isinstance(part, Did) and part.topic and part.topic not in segments.topics:
            yield f"there is no topic “{part.topic}”. Add it under [topics]."
        yield from _impossible(part)


def _impossible(part: Condition) -> Iterator[str]:
    """Yield what can be true of nobody at all."""
    if isinstance(part, Has) and part.value not in (
        known := _VALUES.get(part.attribute, {part.value})
    ):
        yield f"{part.attribute} is never “{part.value}”. Write one of {', '.join(sorted(known))}."
    if isinstance(part, FilledIn) and part.since and part.before and part.since >= part.before:
        yield "no day is both since and before those it names. Change one of the two."


def relies_on_health(
    sequence: Sequence, segments: Segments, about: Mapping[str, Collection[str]]
) -> dict[str, frozenset[str]]:
    """Return the segments of a sequence that look at health topics, each with those topics.

    What they look at counts only for people who agreed to that, and the owner is informed of this.
    `about` maps every email (`sequence/step`) and link to its topics.
    """
    found = {
        name: needs_health_consent(segments.segments[name].condition, segments.health, about)
        for name in sorted(sequence.segments & set(segments.segments))
    }
    return {name: topics for name, topics in found.items() if topics}


def dangling(
    segments: Segments, sequences: Mapping[str, Sequence], about: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Yield every name that refers to nothing, or no longer does: a slip, or a remnant."""
    steps = {f"{s.key}/{step.email}" for s in sequences.values() for step in s.steps}
    forms = {s.form.key for s in sequences.values() if s.form}
    for name, segment in segments.segments.items():
        for part in parts(segment.condition):
            yield from (f"the segment “{name}” names {it}." for it in _missing(part, steps, forms))
    for email in sorted(steps & set(about)):
        for topic in sorted(set(about[email]) - set(segments.topics)):
            yield f"{email}: “{topic}” is not under [topics], so it does not count as about health."


def _missing(part: Condition, steps: Collection[str], forms: Collection[str]) -> Iterator[str]:
    match part:
        case Did(email=email) if email and not any(is_email(email, step) for step in steps):
            yield f"the email “{email}”, which no sequence has"
        case Reached(sequence, step) if f"{sequence}/{step}" not in steps:
            yield f"the step “{step}” of “{sequence}”, which it does not have"
        case FilledIn(form=form) if form and form not in forms:
            yield f"the form “{form}”, which no sequence has"
