"""How a changed sequence affects the people who are under way in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nurture.domain.sequences.sequence import Sequence, Step


@dataclass(frozen=True, slots=True)
class Impact:
    """How many people a change affects, each counted by its first effect on them."""

    unaffected: int = 0
    get_a_new_step: int = 0
    step_deleted: int = 0
    timing_changed: int = 0
    condition_changed: int = 0
    later_changed: int = 0
    end_changed: int = 0

    def __str__(self) -> str:
        said = [
            (self.unaffected, "unaffected"),
            (self.get_a_new_step, "will get a new step"),
            (self.step_deleted, "sit on a deleted step"),
            (self.timing_changed, "wait for a step whose timing changed"),
            (self.condition_changed, "wait for a step whose condition changed"),
            (self.later_changed, "will come to a step that changed"),
            (self.end_changed, "will go on elsewhere at the end"),
        ]
        return ", ".join(f"{count} {what}" for count, what in said if count) or "nobody under way"


def impact(old: Sequence, new: Sequence, under_way: Mapping[frozenset[str], int]) -> Impact:
    """Compare two versions of a sequence for people grouped by the steps they have passed."""
    counts: dict[str, int] = {}
    for passed, people in under_way.items():
        effect = effect_on(old, new, passed)
        counts[effect] = counts.get(effect, 0) + people
    return Impact(**counts)


def effect_on(old: Sequence, new: Sequence, passed: frozenset[str]) -> str:
    """Return which field of `Impact` counts a person who has passed these steps."""
    before, after = _ahead(old, passed), _ahead(new, passed)
    keys = {step.email for step in after}
    if before and before[0].email not in keys:
        return "step_deleted"
    if keys - {step.email for step in old.steps}:
        return "get_a_new_step"
    if before[:1] != after[:1]:
        return "condition_changed" if _but_for_conditions(before, after) else "timing_changed"
    if before != after:
        return "later_changed"
    return "end_changed" if _at_the_end(old) != _at_the_end(new) else "unaffected"


def _but_for_conditions(before: list[Step], after: list[Step]) -> bool:
    """Return whether the next step is the same, at the same time, with a different condition."""
    return [replace(s, only_if="", skip_if="") for s in before[:1]] == [
        replace(s, only_if="", skip_if="") for s in after[:1]
    ]


def _at_the_end(sequence: Sequence) -> object:
    return sequence.then, sequence.quiet and sequence.quiet.patience


def _ahead(sequence: Sequence, passed: frozenset[str]) -> list[Step]:
    places = [i for i, step in enumerate(sequence.steps) if step.email in passed]
    return list(sequence.steps[max(places, default=-1) + 1 :])
