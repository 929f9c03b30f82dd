"""Whether sequences and segments make sense, each alone and all together."""

from collections.abc import Iterator, Mapping

from nurture.domain.segment import Condition, Did, Segments, needs_health_consent, parts
from nurture.domain.sequence import Sequence, StepKind

#: How the first step of a sequence must answer whoever came in by that door.
_FIRST = {"form": StepKind.GUIDE, "answers": StepKind.ANSWER, "quiet": StepKind.QUESTION}


def unsound(sequence: Sequence) -> Iterator[str]:
    """What is wrong with a sequence by itself, each finding a sentence."""
    doors = [name for name in _FIRST if getattr(sequence, name)]
    if len(doors) > 1:
        yield f"it has both {doors[0]} and {doors[1]}; people can come in by one of them only."
    if not sequence.steps:
        yield "it has no steps."
    for door in doors[:1]:
        if sequence.steps and sequence.steps[0].kind is not _FIRST[door]:
            yield f"the first step must be of kind “{_FIRST[door]}”."
    for kind in (StepKind.GUIDE, StepKind.ANSWER, StepKind.QUESTION):
        count = sum(step.kind is kind for step in sequence.steps)
        if count > 1:
            yield f"only one step may be of kind “{kind}”."
        if count and _FIRST.get(doors[0] if doors else "") is not kind:
            yield f"a step of kind “{kind}” needs {_door_of(kind)}."


def _door_of(kind: StepKind) -> str:
    door = next(name for name, first in _FIRST.items() if first is kind)
    return {"form": "a [form]", "answers": "answers = “…”", "quiet": "[quiet]"}[door]


def unsound_together(
    sequences: Mapping[str, Sequence], segments: Segments
) -> Iterator[tuple[str, str]]:
    """What the sequences and segments name that there is not: which, and a sentence."""
    for key, sequence in sequences.items():
        for name in sorted(sequence.segments - set(segments.segments)):
            known = ", ".join(sorted(segments.segments)) or "none"
            yield key, f"there is no segment “{name}”. There are: {known}."
        for hand_over in sequence.then:
            yield from ((key, fault) for fault in _bad_target(hand_over.sequence, key, sequences))
    for name, segment in segments.segments.items():
        yield from ((name, fault) for fault in _unknown(segment.condition, sequences, segments))


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


def relies_on_health(sequence: Sequence, segments: Segments) -> dict[str, frozenset[str]]:
    """The segments of a sequence that look at health topics, each with those topics.

    Only people who agreed to that can ever be in them, which the owner is told.
    """
    found = {
        name: needs_health_consent(segments.segments[name].condition, segments.health)
        for name in sorted(sequence.segments & set(segments.segments))
    }
    return {name: topics for name, topics in found.items() if topics}
