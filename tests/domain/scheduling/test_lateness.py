"""Lateness: what we held back ourselves is not late, and an outage is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code
from nurture.domain.scheduling.allowance import Allowance
from nurture.domain.scheduling.decision import Decision, Look, SendNow, decide
from nurture.domain.scheduling.gate import Frequency, Standing
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Late, Step, Wait
from tests.domain.playing import CALENDAR, GUIDE, WILLING, newcomer, sequence_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST = Step("last", wait=Wait(days=2), late=Late.SKIP, max_late=timedelta(days=5))
SEQUENCE = sequence_of(GUIDE, LAST)
HERE = replace(newcomer(MONDAY).after("guide", MONDAY), collected_at=MONDAY)
DUE = MONDAY + timedelta(days=2)

delays = st.integers(0, 30 * 24).map(lambda hours: timedelta(hours=hours))


def what(
    now: datetime, standing: Standing, progress: Progress = HERE, since: datetime | None = None
) -> Decision:
    """Decide about the last step at that moment."""
    allowance = Allowance(waiting_since=since)
    return decide(SEQUENCE, progress, standing, now, CALENDAR, allowance=allowance)


def is_skipped(decision: Decision) -> bool:
    """Return whether the last step is passed over because it is too late."""
    return [skip.why.code for skip in decision.skipped] == [Code.OVERDUE]


@given(delays)
def test_a_cap_makes_nothing_too_late_whether_or_not_anyone_looked_meanwhile(
    mailed_before: timedelta,
) -> None:
    mailed_at = DUE - min(mailed_before, timedelta(days=6))
    standing = Standing(WILLING, frequency=Frequency.FEWER, mailed_at=(mailed_at,))
    free_at = mailed_at + CALENDAR.caps.fewer.within
    looked = what(DUE, standing)
    assert isinstance(looked, Look)
    for progress in (HERE, looked.progress):
        for now in (free_at, free_at + timedelta(days=4)):
            decision = what(now, standing, progress)
            assert not is_skipped(decision)
            assert isinstance(decision, SendNow | Look)


def test_an_outage_after_the_cap_still_makes_a_step_too_late() -> None:
    standing = Standing(WILLING, frequency=Frequency.FEWER, mailed_at=(DUE - timedelta(days=1),))
    assert is_skipped(what(DUE + timedelta(days=14), standing))


@given(delays)
def test_a_pause_makes_nothing_too_late(length: timedelta) -> None:
    paused = Standing(WILLING, paused_until=DUE + length + timedelta(seconds=1))
    looked = what(DUE, paused)
    assert isinstance(looked, Look)
    for standing, progress in ((paused, HERE), (Standing(WILLING), looked.progress)):
        decision = what(looked.at, standing, progress)
        assert not is_skipped(decision)


@given(delays, delays)
def test_only_the_time_before_the_account_kept_emails_waiting_counts(
    late_before: timedelta, waited: timedelta
) -> None:
    since = DUE + late_before
    now = since + waited
    waiting = what(now, Standing(WILLING), since=since)
    assert is_skipped(waiting) is is_skipped(what(since, Standing(WILLING)))


def test_a_step_that_was_due_while_the_account_waited_is_not_late() -> None:
    since = DUE - timedelta(days=10)
    assert not is_skipped(what(DUE + timedelta(days=40), Standing(WILLING), since=since))
    assert is_skipped(what(DUE + timedelta(days=40), Standing(WILLING)))
