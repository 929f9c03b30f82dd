"""Broadcasts end at once, with the reason, for people who are not sent them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import Allowance
from nurture.domain.scheduling.decision import Decision, End, Look, SendNow, decide
from nurture.domain.scheduling.gate import UNTIL_RESUMED, Frequency, PausedBy, Standing
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.consent import Consents, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from tests.domain.competing import broadcast, read_from
from tests.domain.playing import CALENDAR, WILLING

DUE = datetime(2026, 3, 4, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INVITATION = replace(broadcast(1, late_after=DAY), invites=True)
WITHOUT_NEWS = Consents(frozenset(Purpose) - {Purpose.NEWS})
REMOVED = EnrolmentStatus.REMOVED


def decided(standing: Standing, now: datetime = DUE, *, since: datetime | None = None) -> Decision:
    """Decide about an invitation that is due, and too late after a day."""
    sequence, allowance = INVITATION.as_sequence(), Allowance(waiting_since=since)
    return decide(sequence, read_from(DUE), standing, now, CALENDAR, allowance=allowance)


def ended(standing: Standing, now: datetime = DUE) -> End:
    """Decide, and return the end."""
    decision = decided(standing, now)
    assert isinstance(decision, End)
    return decision


@pytest.mark.parametrize(
    ("standing", "status", "because", "why"),
    [
        (Standing(WILLING, is_client=True), REMOVED, EndReason.CLIENT, Code.ARE_A_CLIENT),
        (
            *(Standing(WILLING, booked_until=NOT_CANCELLED), REMOVED),
            *(EndReason.HAS_SESSION, Code.HAVE_SESSION),
        ),
        (
            *(Standing(WITHOUT_NEWS), EnrolmentStatus.UNSUBSCRIBED),
            *(EndReason.NO_CONSENT, Code.NO_CONSENT_FOR),
        ),
        (
            *(Standing(WILLING, is_confirmed=False), EnrolmentStatus.UNSUBSCRIBED),
            *(EndReason.NO_CONSENT, Code.NOT_CONFIRMED),
        ),
        (
            *(Standing(WILLING, SuppressionReason.BOUNCED, bounces=True),),
            *(EnrolmentStatus.SUPPRESSED, EndReason.BOUNCED, EndReason.BOUNCED),
        ),
    ],
)
def test_people_who_may_not_get_it_are_left_out_with_the_reason(
    standing: Standing, status: EnrolmentStatus, because: EndReason, why: Code | EndReason
) -> None:
    end = ended(standing)
    assert (end.reason, end.because, end.why.code) == (status, because, why)
    assert end.then == ""


@pytest.mark.parametrize("by", PausedBy)
@pytest.mark.parametrize("until", [DUE + DAY, UNTIL_RESUMED])
def test_people_who_are_paused_do_not_get_it_when_the_pause_ends(
    by: PausedBy, until: datetime
) -> None:
    end = ended(Standing(WILLING, paused_until=until, paused_by=by))
    assert (end.reason, end.because) == (REMOVED, EndReason.PAUSED)
    assert end.why == Reason(Code(f"paused_by_{by}"))


def test_people_whose_pause_is_over_get_it() -> None:
    assert isinstance(decided(Standing(WILLING, paused_until=DUE)), SendNow)


@given(st.integers(25, 900), st.booleans(), st.booleans(), st.booleans())
def test_nothing_excuses_a_broadcast_that_is_too_late(
    hours: int, capped: bool, paused: bool, account: bool
) -> None:
    now = DUE + hours * HOUR
    mailed = (now - HOUR,) if capped else ()
    standing = Standing(WILLING, mailed_at=mailed, frequency=Frequency.FEWER)
    if paused:
        standing = replace(standing, paused_until=now + DAY)
    end = decided(standing, now, since=DUE if account else None)
    assert isinstance(end, End)
    assert (end.reason, end.because) == (REMOVED, EndReason.TOO_LATE)
    assert end.why == Reason(Code.OVERDUE)
    assert [skip.why for skip in end.skipped] == [end.why]


def test_a_broadcast_that_the_cap_holds_back_too_long_is_dropped_and_no_later_one() -> None:
    mailed_at = DUE - HOUR
    standing = Standing(WILLING, mailed_at=(mailed_at,), frequency=Frequency.FEWER)
    waits = decided(standing)
    assert isinstance(waits, Look)
    assert waits.progress.moved == 0
    assert waits.at == mailed_at + CALENDAR.caps.fewer.within
    assert ended(standing, waits.at).because is EndReason.TOO_LATE


@given(st.integers(0, 900))
def test_a_stopped_broadcast_waits_however_late_it_is(hours: int) -> None:
    sequence, now = INVITATION.as_sequence(), DUE + hours * HOUR
    here, standing = read_from(DUE), Standing(WILLING, paused_until=now + DAY)
    waits = decide(sequence, here, standing, now, CALENDAR, sequence_paused=True)
    why = Reason(Code.BROADCAST_WAS_STOPPED, sequence=sequence.key)
    assert waits == Look(UNTIL_RESUMED, why, here, sequence.steps[0])


def test_a_broadcast_that_was_sent_is_completed() -> None:
    sent = decided(Standing(WILLING))
    assert isinstance(sent, SendNow)
    after = sent.progress.after(sent.step.email, DUE)
    end = decide(INVITATION.as_sequence(), after, Standing(WILLING), DUE, CALENDAR)
    assert isinstance(end, End)
    assert (end.reason, end.because) == (EnrolmentStatus.COMPLETED, EndReason.COMPLETED)
