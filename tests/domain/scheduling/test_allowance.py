"""What the account may send: it postpones and never refuses, and requests come first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import UNLIMITED, Allowance, may_send_more
from nurture.domain.scheduling.decision import End, Look, SendNow, decide
from nurture.domain.scheduling.gate import UNTIL_RESUMED, Allowed, Postponed, Standing
from nurture.domain.sequences.sequence import ANSWERS, Step, StepKind
from nurture.domain.subscribers.suppression import SuppressionReason
from tests.domain.playing import CALENDAR, GUIDE, WILLING, newcomer, sequence_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
USED_UP = Allowance(0, 0, TOMORROW)
FULL = Reason(Code.ACCOUNT_AT_LIMIT)

kinds = st.sampled_from(StepKind)
allowances = st.builds(
    Allowance,
    left=st.integers(0, 5),
    left_for_answers=st.integers(0, 5),
    renewed_at=st.none() | st.integers(-72, 72).map(lambda hours: NOW + timedelta(hours=hours)),
)


def test_without_a_limit_any_number_of_emails_is_allowed() -> None:
    allowance = UNLIMITED
    for _ in range(1000):
        assert may_send_more(StepKind.ARTICLE, allowance, NOW) == Allowed()
        allowance = allowance.after_one()


@given(st.integers(0, 50), st.integers(0, 20), st.lists(kinds, max_size=100))
def test_a_limit_allows_exactly_as_many_emails_and_keeps_the_last_for_requests(
    others: int, reserved: int, asked: list[StepKind]
) -> None:
    allowance, offered, right = Allowance(others, others + reserved, TOMORROW), 0, []
    for kind in asked:
        verdict = may_send_more(kind, allowance, NOW)
        room = others + reserved if kind in ANSWERS else others
        expected = Allowed() if offered < room else Postponed(TOMORROW, FULL)
        right.append(verdict == expected)
        if verdict == Allowed():
            allowance, offered = allowance.after_one(), offered + 1
    assert all(right)


@given(kinds, allowances)
def test_a_limit_always_postpones_to_a_later_moment(kind: StepKind, allowance: Allowance) -> None:
    verdict = may_send_more(kind, allowance, NOW)
    until = verdict.until if isinstance(verdict, Postponed) else None
    assert (until is None) is ((allowance.left_for(kind) or 0) > 0)
    assert until is None or until >= max(allowance.renewed_at or NOW, NOW + timedelta(seconds=1))


def test_the_limit_postpones_the_guide_as_well_and_loses_nothing_of_the_progress() -> None:
    here = newcomer(NOW)
    look = decide(sequence_of(GUIDE), here, Standing(WILLING), NOW, CALENDAR, allowance=USED_UP)
    assert look == Look(TOMORROW, FULL, replace(here, excused_until=TOMORROW), GUIDE)
    later = decide(sequence_of(GUIDE), here, Standing(WILLING), TOMORROW, CALENDAR)
    assert isinstance(later, SendNow)
    assert later.step == GUIDE


def test_the_gate_is_asked_before_the_limit() -> None:
    sequence, here = sequence_of(GUIDE, Step("next")), newcomer(NOW).after("guide", NOW)
    left = Standing(WILLING, SuppressionReason.UNSUBSCRIBED)
    assert isinstance(decide(sequence, here, left, NOW, CALENDAR, allowance=USED_UP), End)
    paused = decide(
        sequence,
        here,
        Standing(WILLING),
        NOW,
        CALENDAR,
        sequence_paused=True,
        allowance=USED_UP,
    )
    waits = replace(here, excused_until=UNTIL_RESUMED)
    assert paused == Look(UNTIL_RESUMED, Reason(Code.SEQUENCE_PAUSED), waits, Step("next"))
