"""What a changed sequence does to the people who are under way in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from nurture.domain.sequence import Sequence, Step


@dataclass(frozen=True, slots=True)
class Impact:
    """How many people a change affects, by what it does to them."""

    unaffected: int = 0
    get_a_new_step: int = 0
    step_deleted: int = 0
    timing_changed: int = 0

    def __str__(self) -> str:
        said = [
            (self.unaffected, "unaffected"),
            (self.get_a_new_step, "will get a new step"),
            (self.step_deleted, "sit on a deleted step"),
            (self.timing_changed, "wait for a step whose timing changed"),
        ]
        return ", ".join(f"{count} {what}" for count, what in said if count) or "nobody under way"


def impact(old: Sequence, new: Sequence, under_way: Mapping[frozenset[str], int]) -> Impact:
    """Compare two states of a sequence for people by the set of steps that are behind them."""
    counts = {"unaffected": 0, "get_a_new_step": 0, "step_deleted": 0, "timing_changed": 0}
    for passed, people in under_way.items():
        counts[_effect(old, new, passed)] += people
    return Impact(**counts)


def _effect(old: Sequence, new: Sequence, passed: frozenset[str]) -> str:
    before, after = _ahead(old, passed), _ahead(new, passed)
    keys = {step.email for step in after}
    if before and before[0].email not in keys:
        return "step_deleted"
    if keys - {step.email for step in old.steps}:
        return "get_a_new_step"
    return "unaffected" if before[:1] == after[:1] else "timing_changed"


def _ahead(sequence: Sequence, passed: frozenset[str]) -> list[Step]:
    places = [i for i, step in enumerate(sequence.steps) if step.email in passed]
    return list(sequence.steps[max(places, default=-1) + 1 :])
