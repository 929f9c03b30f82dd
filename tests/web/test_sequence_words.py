"""What a sequence does, described for a person who is not an engineer."""

from dataclasses import fields, replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nurture.domain.sequences.impact import Impact
from nurture.domain.sequences.sequence import (
    EVERY_DAY,
    WORKING_DAYS,
    Form,
    Late,
    SendDays,
    Sequence,
    Step,
    StepKind,
    Wait,
)
from nurture.library.sequences import parse_sequence
from nurture.web.studio.sequences import step_form, words

FORM = Form("f", "w", ())
GUIDE = Step("guide", StepKind.GUIDE)
STEPS = tuple(Step(name, wait=Wait(days=2), at=time(8, 30)) for name in "abcdef")
SEQUENCE = Sequence("s", "S", (GUIDE, *STEPS), form=FORM)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step("x", wait=Wait(days=1)), "1 day after {}, within your hours, on any day"),
        (
            Step("x", wait=Wait(days=4), at=time(8, 30), on=WORKING_DAYS),
            "4 days after {}, at 08:30, on a working day",
        ),
        (
            Step("x", wait=Wait(elapsed=timedelta(hours=36)), on=SendDays(frozenset({1, 3}))),
            "36 hours after {}, within your hours, on a Tuesday or Thursday",
        ),
        (Step("x"), "Straight after {}, within your hours, on any day"),
    ],
)
def test_timing_is_described_in_one_phrase(step: Step, said: str) -> None:
    after = Sequence("s", "S", (GUIDE, STEPS[0], step), form=FORM)
    assert words.say_timing(after, step) == said.format("the email before")
    first = Sequence("s", "S", (GUIDE, step), form=FORM)
    assert words.say_timing(first, step) == said.format("the guide is collected")
    alone = Sequence("s", "S", (step,))
    assert words.say_timing(alone, step) == said.format("they come in")


def test_every_effect_has_a_singular_and_a_plural_wording() -> None:
    assert {one.name for one in fields(Impact)} == set(words.EFFECTS)
    said = words.say_impact(Impact(unaffected=1, timing_changed=12))
    assert said == [
        (12, "people are waiting for an email whose time changes"),
        (1, "person will notice nothing"),
    ]


def test_a_changed_condition_is_described_by_its_new_meaning() -> None:
    changed = replace(STEPS[0], only_if="golfers", late=Late.SKIP)
    new = replace(SEQUENCE, steps=(GUIDE, changed, *STEPS[1:]))
    assert words.say_changes(SEQUENCE, new, {"a": "Hello"}, {"golfers": "Golfers"}) == [
        "“Hello”: Only to people in “Golfers”. Left out if it is held up for more than 3 days."
    ]
    back = words.say_changes(new, SEQUENCE, {}, {})
    assert back == ["“a”: It goes to everybody."]


def test_nothing_is_reported_if_nothing_changed() -> None:
    assert words.say_changes(SEQUENCE, SEQUENCE, {}, {}) == []


@given(some.permutations(STEPS[1:]))
def test_a_new_order_is_described_in_fewer_moves_than_there_are_steps(
    order: list[Step],
) -> None:
    new = replace(SEQUENCE, steps=(GUIDE, STEPS[0], *order))
    moved = [said for said in words.say_changes(SEQUENCE, new, {}, {}) if "another place" in said]
    assert (moved == []) == (tuple(order) == STEPS[1:])
    assert len(moved) < len(STEPS)


def test_one_moved_email_is_described_in_one_sentence() -> None:
    a, b, c, d, e, f = STEPS
    for order in ((b, c, d, a, e, f), (a, f, b, c, d, e), (a, c, b, d, e, f)):
        new = replace(SEQUENCE, steps=(GUIDE, *order))
        said = words.say_changes(SEQUENCE, new, {}, {})
        assert len([one for one in said if "another place" in one]) == 1


@given(
    some.builds(
        Step,
        some.just("x"),
        wait=some.one_of(
            some.builds(Wait, days=some.integers(0, 9999)),
            some.builds(
                Wait, elapsed=some.integers(1, 9999).map(lambda minutes: timedelta(minutes=minutes))
            ),
        ),
        at=some.none() | some.times().map(lambda at: at.replace(second=0, microsecond=0)),
        on=some.sampled_from([EVERY_DAY, WORKING_DAYS, SendDays(frozenset({0, 6}))]),
        late=some.sampled_from(Late),
        only_if=some.sampled_from(["", "golfers"]),
        skip_if=some.sampled_from(["", "gone-quiet"]),
    )
)
def test_a_step_reads_back_from_its_form_unchanged(step: Step) -> None:
    settings = step_form.as_settings(step_form.filled_in(step))
    lines = [f"{name} = {value!r}" for name, value in settings.items() if value is not None]
    toml = 'title = "T"\n[[steps]]\nemail = "x"\n' + "\n".join(lines)
    assert parse_sequence("s", toml).steps == (step,)
