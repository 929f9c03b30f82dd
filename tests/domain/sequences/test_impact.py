"""The effect of a change on current enrolments is shown before it is made."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.sequences.impact import Impact, impact
from nurture.domain.sequences.sequence import Continuation, Sequence, Step, Wait
from tests.domain.playing import GUIDE, sequence_of

A, B, C, NEW = Step("a"), Step("b"), Step("c"), Step("new")
OLD = sequence_of(GUIDE, A, B, C)
AFTER_A = frozenset({"guide", "a"})
LATER_B = replace(B, wait=Wait(days=9))


@pytest.mark.parametrize(
    ("steps", "effect"),
    [
        ((A, B, C), Impact(unaffected=1)),
        ((NEW, A, B, C), Impact(unaffected=1)),
        ((B, C), Impact(unaffected=1)),
        ((A, B, replace(C, wait=Wait(days=9))), Impact(later_changed=1)),
        ((A, replace(B, only_if="golfers"), C), Impact(condition_changed=1)),
        ((A, replace(LATER_B, only_if="golfers"), C), Impact(timing_changed=1)),
        ((A, NEW, B, C), Impact(get_a_new_step=1)),
        ((A, B, C, NEW), Impact(get_a_new_step=1)),
        ((A, C), Impact(step_deleted=1)),
        ((A, LATER_B, C), Impact(timing_changed=1)),
        ((A, C, B), Impact(timing_changed=1)),
    ],
)
def test_the_impact_of_an_edit_is_found_for_a_person_after_the_first_step(
    steps: tuple[Step, ...], effect: Impact
) -> None:
    assert impact(OLD, sequence_of(GUIDE, *steps), {AFTER_A: 1}) == effect


def test_a_changed_ending_is_reported_for_people_whose_steps_are_unchanged() -> None:
    goes_on = replace(OLD, then=(Continuation("more"),))
    assert impact(OLD, goes_on, {AFTER_A: 3}) == Impact(end_changed=3)


STEPS = (A, B, C, NEW, LATER_B)
PLANS = st.lists(st.sampled_from(STEPS), unique_by=lambda step: step.email).map(
    lambda steps: sequence_of(GUIDE, *steps)
)
PEOPLE = st.dictionaries(
    st.frozensets(st.sampled_from(["guide", *(step.email for step in STEPS)])), st.integers(1, 99)
)


@given(PLANS, PLANS, PEOPLE)
def test_everyone_is_counted_once(
    old: Sequence, new: Sequence, people: dict[frozenset[str], int]
) -> None:
    found = impact(old, new, people)
    assert sum(asdict(found).values()) == sum(people.values())


@given(PLANS, PEOPLE)
def test_an_unchanged_sequence_affects_nobody(
    plan: Sequence, people: dict[frozenset[str], int]
) -> None:
    assert impact(plan, plan, people) == Impact(unaffected=sum(people.values()))


def test_the_impact_is_described_in_one_line() -> None:
    assert str(Impact(31, 4, 2)) == "31 unaffected, 4 will get a new step, 2 sit on a deleted step"
    assert str(Impact()) == "nobody under way"
