"""The planner keeps its promises for every sequence, in every time zone, on every day."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.planner import (
    Action,
    Calendar,
    Exit,
    Send,
    Skip,
    WaitUntil,
    anchor_after,
    next_action,
)
from nurture.domain.scheduling.window import Holidays, SendWindow
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import (
    UNCOLLECTED_FOR,
    WORKING_DAYS,
    Late,
    OptIn,
    SendDays,
    Sequence,
    Step,
    StepKind,
    Wait,
)
from tests.domain.playing import (
    CALENDAR,
    GUIDE,
    USUAL,
    Play,
    Sent,
    moments,
    newcomer,
    plays,
    sequence_of,
    sequences,
    steps_of,
    zones,
)
from tests.presence import at_least_one

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALWAYS_SENT = sequences(late=st.just(Late.SEND))


def plan(sequence: Sequence, progress: Progress, now: datetime) -> Action:
    return next_action(sequence, progress, now, CALENDAR)


def undisturbed(sequence: Sequence, progress: Progress) -> list[Sent]:
    """Return what the planner alone sends, when looked at exactly as it asks."""
    sent: list[Sent] = []
    now = progress.enrolled_at
    for _ in range(100):
        action = plan(sequence, progress, now)
        match action:
            case Exit():
                return sent
            case WaitUntil(until=until):
                now = until
            case Skip(step=step):
                progress = progress.after(step.email, progress.anchor_at)
            case Send(step=step):
                sent.append(Sent(now, step, action.due_at, progress))
                progress = progress.after(step.email, anchor_after(action.due_at, now))
    raise AssertionError(f"no end in sight at {now}")


def wait_is_over(sent: Sent) -> bool:
    """Return whether the awaited local time has come; if it occurs twice, the first counts."""
    zone = ZoneInfo(sent.before.time_zone)
    start = max(sent.before.anchor_at, sent.before.collected_at or sent.before.anchor_at)
    awaited = start.astimezone(zone) + timedelta(days=sent.step.wait.days)
    counted = sent.at - sent.step.wait.elapsed
    reached = counted.astimezone(zone).replace(tzinfo=None) >= awaited.replace(tzinfo=None)
    return reached or counted >= awaited.astimezone(UTC)


def is_in_its_hours(sent: Sent, usual: SendWindow) -> bool:
    """Return whether local time is within the hours; an hour that occurs twice counts twice."""
    opens = sent.step.at or usual.opens
    closes = usual.closes if opens < usual.closes else time(23, 59)
    return opens <= sent.wall.time() < closes or sent.wall.fold == 1


def is_on_its_days(sent: Sent, holidays: Holidays) -> bool:
    day, on = sent.wall.date(), sent.step.on
    return day.weekday() in on.weekdays and (on.holidays or day not in holidays)


def exists(wall: datetime) -> bool:
    """Return whether that local time exists: some are skipped when the clocks go forward."""
    there_and_back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return there_and_back.replace(tzinfo=None) == wall.replace(tzinfo=None)


@given(plays())
def test_a_sequence_ends_keeps_its_order_and_sends_no_step_twice(play: Play) -> None:
    play.run()
    order = [step.email for step in play.sequence.steps]
    places = [order.index(email) for email in play.emails]
    assert play.ended in (EnrolmentStatus.COMPLETED, EnrolmentStatus.REMOVED)
    assert places == sorted(set(places))


@given(plays())
def test_cached_openings_give_the_same_plan_as_a_new_calendar(play: Play) -> None:
    """A calendar of one's own has nothing cached yet."""
    for sent in at_least_one(play.run().sent):
        own = Calendar(CALENDAR.window, CALENDAR.holidays)
        assert next_action(play.sequence, sent.before, sent.at, own) == plan(
            play.sequence, sent.before, sent.at
        )


@given(plays())
def test_no_step_is_sent_before_its_wait_is_over(play: Play) -> None:
    series = [s for s in play.run().sent if s.step is not GUIDE]
    assert all(wait_is_over(sent) for sent in series)


@given(plays())
def test_only_the_guide_may_be_sent_outside_its_hours_and_days(play: Play) -> None:
    series = [s for s in play.run().sent if s.step is not GUIDE]
    assert all(is_in_its_hours(sent, play.calendar.window) for sent in series)
    assert all(is_on_its_days(sent, play.calendar.holidays) for sent in series)


@given(plays())
def test_the_guide_is_sent_immediately_at_any_hour(play: Play) -> None:
    assert play.run().times[0] == ("guide", play.progress.enrolled_at)


@given(sequences(opt_in=st.just(OptIn.CONFIRMED)), moments, zones)
def test_an_undelayed_step_with_a_time_of_day_is_sent_exactly_then(
    sequence: Sequence, start: datetime, zone: str
) -> None:
    named = [
        (sent, datetime.combine(sent.wall.date(), sent.step.at, ZoneInfo(zone)))
        for sent in undisturbed(sequence, newcomer(start, zone))
        if sent.step.at
    ]
    assert all(sent.due_at == sent.at == at.astimezone(UTC) for sent, at in named)
    assert all(sent.wall.time() == sent.step.at or not exists(at) for sent, at in named)


@given(plays(sequences(opt_in=st.just(OptIn.COLLECT))))
def test_an_uncollected_guide_is_followed_by_one_reminder_at_most(play: Play) -> None:
    play.collects_at = None
    kinds = [sent.step.kind for sent in play.run().sent]
    assert kinds in ([StepKind.GUIDE], [StepKind.GUIDE, StepKind.REMINDER])
    assert play.ended is EnrolmentStatus.REMOVED


@given(plays(sequences(opt_in=st.just(OptIn.COLLECT))))
def test_no_article_is_sent_before_the_guide_is_collected(play: Play) -> None:
    kinds = (StepKind.ARTICLE, StepKind.INVITATION)
    series = [sent for sent in play.run().sent if sent.step.kind in kinds]
    assert all(play.collects_at and sent.at >= play.collects_at for sent in series)


@given(plays(ALWAYS_SENT))
def test_everyone_who_stays_gets_the_whole_sequence(play: Play) -> None:
    play.collects_at = play.progress.enrolled_at
    wanted = [s.email for s in play.sequence.steps if s.kind is not StepKind.REMINDER]
    assert play.run().emails == wanted
    assert play.ended is EnrolmentStatus.COMPLETED


@given(plays(), st.lists(st.integers(0, 24 * 60), min_size=1, max_size=30))
def test_a_wait_always_ends_in_the_future(play: Play, hours: list[int]) -> None:
    for hour in at_least_one(hours):
        now = play.progress.enrolled_at + timedelta(hours=hour)
        action = plan(play.sequence, replace(play.progress, guide_wanted=False), now)
        assert not isinstance(action, WaitUntil) or action.until > now


@given(plays(), st.lists(st.integers(0, 24 * 60 * 40), max_size=40))
def test_extra_looks_do_not_change_when_emails_are_sent(play: Play, minutes: list[int]) -> None:
    start = play.progress.enrolled_at
    looks = [start + timedelta(minutes=minute) for minute in minutes]
    watched = replace(play, extra_looks=looks, sent=[])
    assert watched.run().times == play.run().times


def test_a_step_that_becomes_too_late_is_skipped_with_or_without_extra_looks() -> None:
    on_mondays = SendDays(frozenset({0}))
    news = Step("news", on=on_mondays, late=Late.SKIP, max_late=timedelta(days=1))
    sequence = sequence_of(GUIDE, Step("first"), news, Step("last"))
    looks = [MONDAY + timedelta(days=1, hours=1)]
    watched = Play(sequence, newcomer(MONDAY), extra_looks=looks)
    assert watched.run().times == Play(sequence, newcomer(MONDAY)).run().times


@st.composite
def edited(draw: st.DrawFn, sequence: Sequence) -> Sequence:
    """Draw the sequence after an afternoon of the owner's edits; the guide stays in place."""
    series = (
        draw(st.permutations(sequence.steps[1:])) if draw(st.booleans()) else sequence.steps[1:]
    )
    kept = [step for step in series if draw(st.integers(0, 3))]
    new = steps_of(st.just(StepKind.ARTICLE), st.just(Late.SEND))
    for number in range(draw(st.integers(0, 3))):
        step = replace(draw(new), email=f"new-{number}")
        kept.insert(draw(st.integers(0, len(kept))), step)
    return replace(sequence, steps=(GUIDE, *(_retimed(draw, step) for step in kept)))


def _retimed(draw: st.DrawFn, step: Step) -> Step:
    if draw(st.integers(0, 3)):
        return step
    return replace(draw(steps_of(st.just(step.kind), st.just(step.late))), email=step.email)


@given(plays(ALWAYS_SENT), st.integers(0, 60), st.data())
def test_an_edited_sequence_sends_the_steps_ahead_and_repeats_none(
    play: Play, days: int, data: st.DataObject
) -> None:
    play.collects_at = play.progress.enrolled_at
    changed_at = play.collects_at + timedelta(days=days)
    play.run(until=changed_at)
    before, passed = play.emails, play.progress.passed
    play.sequence = data.draw(edited(play.sequence))
    places = [i for i, step in enumerate(play.sequence.steps) if step.email in passed]
    ahead = play.sequence.steps[max(places, default=-1) + 1 :]
    after = replace(play, sent=list(play.sent))
    if not play.ended:
        wanted = [step.email for step in ahead if step.kind is not StepKind.REMINDER]
        assert after.run().emails == before + wanted
    else:
        assert play.ended is EnrolmentStatus.COMPLETED


def test_a_step_inserted_ahead_of_a_reader_is_sent_and_one_behind_is_not() -> None:
    behind, ahead = Step("behind"), Step("ahead")
    sequence = sequence_of(GUIDE, behind, Step("read"), ahead)
    here = newcomer(MONDAY).after("guide", MONDAY).after("read", MONDAY)
    assert plan(sequence, here, MONDAY) == Send(ahead, MONDAY)


def test_a_deleted_step_is_skipped() -> None:
    here = newcomer(MONDAY).after("guide", MONDAY).after("deleted", MONDAY)
    assert plan(sequence_of(GUIDE, Step("next")), here, MONDAY) == Send(Step("next"), MONDAY)


def test_a_changed_wait_applies_to_people_still_waiting() -> None:
    here = newcomer(MONDAY).after("guide", MONDAY)
    for days in (2, 9):
        action = plan(sequence_of(GUIDE, Step("next", wait=Wait(days=days))), here, MONDAY)
        assert isinstance(action, WaitUntil)
        assert action.until == MONDAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("signed_up", "due"),
    [
        ("2026-03-27 17:00", "2026-03-30 08:30"),  # over the night without 01:00 to 02:00
        ("2026-10-23 17:00", "2026-10-26 08:30"),  # over the night with that hour twice
        ("2028-02-27 07:00", "2028-02-29 08:30"),
        ("2026-12-23 17:00", "2026-12-29 08:30"),  # Boxing Day falls on a Saturday
        ("2026-03-02 07:00", "2026-03-04 08:30"),
        ("2026-03-02 08:30", "2026-03-04 08:30"),
        ("2026-03-02 08:31", "2026-03-05 08:30"),
    ],
)
def test_an_article_is_due_two_days_later_at_half_past_eight_on_a_working_day(
    signed_up: str, due: str
) -> None:
    step = Step("article", wait=Wait(days=2), at=time(8, 30), on=WORKING_DAYS)
    start = datetime.fromisoformat(signed_up).replace(tzinfo=LONDON)
    [_, article] = undisturbed(sequence_of(GUIDE, step), newcomer(start.astimezone(UTC)))
    assert article.wall == datetime.fromisoformat(due).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("at", "day", "leaves"),
    [
        (time(1, 30), datetime(2026, 3, 28, 12), datetime(2026, 3, 29, 1, 30)),  # shows 02:30
        (time(1, 30), datetime(2026, 10, 24, 12), datetime(2026, 10, 25, 0, 30)),  # the first one
    ],
)
def test_a_missing_clock_time_moves_an_hour_later_and_a_repeated_one_uses_the_first(
    at: time, day: datetime, leaves: datetime
) -> None:
    start = day.replace(tzinfo=UTC)
    [_, sent] = undisturbed(sequence_of(GUIDE, Step("night", at=at)), newcomer(start))
    assert sent.at == leaves.replace(tzinfo=UTC)


@pytest.mark.parametrize("at", [time(23, 59), time(23, 59, 30), time(19, 0), time(0, 0)])
def test_a_step_is_sent_at_any_time_of_day_it_names(at: time) -> None:
    [_, sent] = undisturbed(sequence_of(GUIDE, Step("late", at=at)), newcomer(MONDAY))
    assert sent.wall.time() == at


def test_a_step_at_a_missing_time_before_midnight_is_sent_that_day_or_the_next() -> None:
    """Greenland's clocks jump from 23:00 on a Saturday straight to midnight."""
    step = Step("late", at=time(23, 30), on=SendDays(frozenset({5})))
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    [_, sent] = undisturbed(sequence_of(GUIDE, step), newcomer(start, "America/Nuuk"))
    assert sent.wall.date().isoformat() in ("2026-03-28", "2026-03-29")


def test_days_counted_from_a_repeated_hour_to_a_missing_one_are_not_shortened() -> None:
    second_half_past_one = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    step = Step("spring", wait=Wait(days=154), at=None)
    calendar = replace(CALENDAR, window=replace(USUAL, opens=time(0, 0)))
    here = newcomer(second_half_past_one).after("guide", second_half_past_one)
    action = next_action(sequence_of(GUIDE, step), here, second_half_past_one, calendar)
    assert isinstance(action, WaitUntil)
    assert action.until.astimezone(LONDON).replace(tzinfo=None) >= datetime(2027, 3, 28, 1, 30)


def test_two_reminders_in_a_sequence_send_one_reminder_per_person() -> None:
    reminders = (Step("one", StepKind.REMINDER), Step("two", StepKind.REMINDER))
    sequence = sequence_of(GUIDE, *reminders, opt_in=OptIn.COLLECT)
    assert Play(sequence, newcomer(MONDAY)).run().emails == ["guide", "one"]


def test_an_overdue_step_is_skipped_if_its_settings_say_so() -> None:
    step = Step("news", late=Late.SKIP, max_late=timedelta(days=1))
    here = newcomer(MONDAY).after("guide", MONDAY)
    sequence, too_late = sequence_of(GUIDE, step), MONDAY + timedelta(days=1)
    assert plan(sequence, here, too_late) == Send(step, MONDAY)
    assert isinstance(plan(sequence, here, too_late + timedelta(seconds=1)), Skip)


def test_an_overdue_step_with_a_time_of_day_is_sent_at_any_open_hour() -> None:
    step = Step("morning", at=time(8, 30))
    here = newcomer(MONDAY).after("guide", MONDAY)
    afternoon = MONDAY + timedelta(days=3, hours=6)
    assert plan(sequence_of(GUIDE, step), here, afternoon) == Send(
        step, MONDAY.replace(day=3, hour=8, minute=30)
    )


def test_an_enrolment_ends_if_the_guide_is_never_collected() -> None:
    sequence = sequence_of(GUIDE, Step("article"), opt_in=OptIn.COLLECT)
    here = newcomer(MONDAY).after("guide", MONDAY)
    let_go = MONDAY + UNCOLLECTED_FOR
    waiting = plan(sequence, here, let_go - timedelta(seconds=1))
    assert isinstance(waiting, WaitUntil)
    assert waiting.until == let_go
    assert plan(sequence, here, let_go) == Exit(EnrolmentStatus.REMOVED)


def test_a_reader_who_collected_the_guide_gets_no_reminder() -> None:
    reminder = Step("reminder", StepKind.REMINDER)
    here = replace(newcomer(MONDAY).after("guide", MONDAY), collected_at=MONDAY)
    sequence = sequence_of(GUIDE, reminder, opt_in=OptIn.COLLECT)
    assert isinstance(plan(sequence, here, MONDAY), Skip)


def test_a_timely_email_does_not_shift_the_next_but_a_late_one_delays_it() -> None:
    assert anchor_after(MONDAY, MONDAY + timedelta(minutes=59)) == MONDAY
    late = MONDAY + timedelta(hours=1)
    assert anchor_after(MONDAY, late) == late
