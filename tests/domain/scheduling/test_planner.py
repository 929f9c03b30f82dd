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

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALWAYS_SENT = sequences(late=st.just(Late.SEND))


def plan(sequence: Sequence, progress: Progress, now: datetime) -> Action:
    return next_action(sequence, progress, now, CALENDAR)


def undisturbed(sequence: Sequence, progress: Progress) -> list[Sent]:
    """What the planner alone sends, looked at exactly when it asked to be."""
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
                progress = progress.after(step.email, anchor_after(action, now))
    raise AssertionError(f"no end in sight at {now}")


def wait_is_over(sent: Sent) -> bool:
    """Whether the wall clock has reached the awaited time; of a repeated time, the first counts."""
    zone = ZoneInfo(sent.before.time_zone)
    start = max(sent.before.anchor_at, sent.before.collected_at or sent.before.anchor_at)
    awaited = start.astimezone(zone) + timedelta(days=sent.step.wait.days)
    counted = sent.at - sent.step.wait.elapsed
    reached = counted.astimezone(zone).replace(tzinfo=None) >= awaited.replace(tzinfo=None)
    return reached or counted >= awaited.astimezone(UTC)


def is_in_its_hours(sent: Sent, usual: SendWindow) -> bool:
    """Whether the wall clock is within the hours; an hour that comes twice counts both times."""
    opens = sent.step.at or usual.opens
    closes = usual.closes if opens < usual.closes else time(23, 59)
    return opens <= sent.wall.time() < closes or sent.wall.fold == 1


def is_on_its_days(sent: Sent, holidays: Holidays) -> bool:
    day, on = sent.wall.date(), sent.step.on
    return day.weekday() in on.weekdays and (on.holidays or day not in holidays)


def exists(wall: datetime) -> bool:
    """Whether the clocks show that time at all: the day they go forward leaves some out."""
    there_and_back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return there_and_back.replace(tzinfo=None) == wall.replace(tzinfo=None)


@given(plays())
def test_it_ends_keeps_the_order_and_sends_no_step_twice(play: Play) -> None:
    play.run()
    order = [step.email for step in play.sequence.steps]
    places = [order.index(email) for email in play.emails]
    assert play.ended in (EnrolmentStatus.COMPLETED, EnrolmentStatus.REMOVED)
    assert places == sorted(set(places))


@given(plays())
def test_what_was_worked_out_for_others_is_right_for_everybody(play: Play) -> None:
    """A calendar of one's own has nothing worked out with it yet."""
    for sent in play.run().sent:
        own = Calendar(CALENDAR.window, CALENDAR.holidays)
        assert next_action(play.sequence, sent.before, sent.at, own) == plan(
            play.sequence, sent.before, sent.at
        )


@given(plays())
def test_nothing_leaves_before_its_wait_is_over(play: Play) -> None:
    series = [s for s in play.run().sent if s.step is not GUIDE]
    assert all(wait_is_over(sent) for sent in series)


@given(plays())
def test_nothing_but_the_guide_leaves_outside_its_hours_and_days(play: Play) -> None:
    series = [s for s in play.run().sent if s.step is not GUIDE]
    assert all(is_in_its_hours(sent, play.calendar.window) for sent in series)
    assert all(is_on_its_days(sent, play.calendar.holidays) for sent in series)


@given(plays())
def test_the_guide_leaves_at_once_at_any_hour(play: Play) -> None:
    assert play.run().times[0] == ("guide", play.progress.enrolled_at)


@given(sequences(opt_in=st.just(OptIn.CONFIRMED)), moments, zones)
def test_a_step_that_names_a_time_and_is_not_held_up_leaves_at_exactly_that_time(
    sequence: Sequence, start: datetime, zone: str
) -> None:
    for sent in undisturbed(sequence, newcomer(start, zone)):
        if sent.step.at:
            named = datetime.combine(sent.wall.date(), sent.step.at, ZoneInfo(zone))
            assert sent.due_at == sent.at == named.astimezone(UTC)
            assert sent.wall.time() == sent.step.at or not exists(named)


@given(plays(sequences(opt_in=st.just(OptIn.COLLECT))))
def test_before_the_guide_is_collected_there_is_one_reminder_at_most(play: Play) -> None:
    play.collects_at = None
    kinds = [sent.step.kind for sent in play.run().sent]
    assert kinds in ([StepKind.GUIDE], [StepKind.GUIDE, StepKind.REMINDER])
    assert play.ended is EnrolmentStatus.REMOVED


@given(plays(sequences(opt_in=st.just(OptIn.COLLECT))))
def test_nothing_of_the_series_leaves_before_the_guide_is_collected(play: Play) -> None:
    series = (StepKind.ARTICLE, StepKind.INVITATION)
    for sent in play.run().sent:
        if sent.step.kind in series:
            assert play.collects_at is not None
            assert sent.at >= play.collects_at


@given(plays(ALWAYS_SENT))
def test_everybody_who_stays_gets_the_whole_series(play: Play) -> None:
    play.collects_at = play.progress.enrolled_at
    wanted = [s.email for s in play.sequence.steps if s.kind is not StepKind.REMINDER]
    assert play.run().emails == wanted
    assert play.ended is EnrolmentStatus.COMPLETED


@given(plays(), st.lists(st.integers(0, 24 * 60), max_size=30))
def test_a_wait_ends_later_than_now_whenever_one_looks(play: Play, hours: list[int]) -> None:
    for hour in hours:
        now = play.progress.enrolled_at + timedelta(hours=hour)
        action = plan(play.sequence, replace(play.progress, guide_wanted=False), now)
        assert not isinstance(action, WaitUntil) or action.until > now


@given(plays(), st.lists(st.integers(0, 24 * 60 * 40), max_size=40))
def test_looking_more_often_changes_nothing(play: Play, minutes: list[int]) -> None:
    start = play.progress.enrolled_at
    looks = [start + timedelta(minutes=minute) for minute in minutes]
    watched = replace(play, extra_looks=looks, sent=[])
    assert watched.run().times == play.run().times


def test_a_step_that_waits_past_its_time_is_given_up_whether_or_not_anybody_looks() -> None:
    on_mondays = SendDays(frozenset({0}))
    news = Step("news", on=on_mondays, late=Late.SKIP, max_late=timedelta(days=1))
    sequence = sequence_of(GUIDE, Step("first"), news, Step("last"))
    looks = [MONDAY + timedelta(days=1, hours=1)]
    watched = Play(sequence, newcomer(MONDAY), extra_looks=looks)
    assert watched.run().times == Play(sequence, newcomer(MONDAY)).run().times


@st.composite
def edited(draw: st.DrawFn, sequence: Sequence) -> Sequence:
    """The sequence after an afternoon of the owner's: the guide stays where it is."""
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
def test_a_changed_sequence_sends_what_lies_ahead_and_nothing_again(
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


def test_a_step_put_in_ahead_reaches_the_reader_and_one_put_in_behind_does_not() -> None:
    behind, ahead = Step("behind"), Step("ahead")
    sequence = sequence_of(GUIDE, behind, Step("read"), ahead)
    here = newcomer(MONDAY).after("guide", MONDAY).after("read", MONDAY)
    assert plan(sequence, here, MONDAY) == Send(ahead, MONDAY)


def test_a_deleted_step_is_passed_over() -> None:
    here = newcomer(MONDAY).after("guide", MONDAY).after("deleted", MONDAY)
    assert plan(sequence_of(GUIDE, Step("next")), here, MONDAY) == Send(Step("next"), MONDAY)


def test_a_new_wait_moves_those_who_are_still_waiting() -> None:
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
def test_two_days_and_then_half_past_eight_on_a_working_day(signed_up: str, due: str) -> None:
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
def test_a_time_that_is_left_out_comes_an_hour_later_and_a_repeated_one_the_first_time(
    at: time, day: datetime, leaves: datetime
) -> None:
    start = day.replace(tzinfo=UTC)
    [_, sent] = undisturbed(sequence_of(GUIDE, Step("night", at=at)), newcomer(start))
    assert sent.at == leaves.replace(tzinfo=UTC)


@pytest.mark.parametrize("at", [time(23, 59), time(23, 59, 30), time(19, 0), time(0, 0)])
def test_a_step_is_sent_whatever_time_of_the_day_it_names(at: time) -> None:
    [_, sent] = undisturbed(sequence_of(GUIDE, Step("late", at=at)), newcomer(MONDAY))
    assert sent.wall.time() == at


def test_a_time_left_out_just_before_midnight_is_still_sent_on_its_day_or_the_next() -> None:
    """Greenland's clocks go from 23:00 on a Saturday straight to midnight."""
    step = Step("late", at=time(23, 30), on=SendDays(frozenset({5})))
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    [_, sent] = undisturbed(sequence_of(GUIDE, step), newcomer(start, "America/Nuuk"))
    assert sent.wall.date().isoformat() in ("2026-03-28", "2026-03-29")


def test_days_counted_from_a_repeated_hour_into_the_one_left_out_are_not_cut_short() -> None:
    second_half_past_one = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    step = Step("spring", wait=Wait(days=154), at=None)
    calendar = replace(CALENDAR, window=replace(USUAL, opens=time(0, 0)))
    here = newcomer(second_half_past_one).after("guide", second_half_past_one)
    action = next_action(sequence_of(GUIDE, step), here, second_half_past_one, calendar)
    assert isinstance(action, WaitUntil)
    assert action.until.astimezone(LONDON).replace(tzinfo=None) >= datetime(2027, 3, 28, 1, 30)


def test_two_reminders_in_a_sequence_are_still_one_reminder_to_a_person() -> None:
    reminders = (Step("one", StepKind.REMINDER), Step("two", StepKind.REMINDER))
    sequence = sequence_of(GUIDE, *reminders, opt_in=OptIn.COLLECT)
    assert Play(sequence, newcomer(MONDAY)).run().emails == ["guide", "one"]


def test_an_overdue_step_is_skipped_where_it_says_so() -> None:
    step = Step("news", late=Late.SKIP, max_late=timedelta(days=1))
    here = newcomer(MONDAY).after("guide", MONDAY)
    sequence, too_late = sequence_of(GUIDE, step), MONDAY + timedelta(days=1)
    assert plan(sequence, here, too_late) == Send(step, MONDAY)
    assert isinstance(plan(sequence, here, too_late + timedelta(seconds=1)), Skip)


def test_an_overdue_step_that_names_a_time_goes_at_any_hour_we_write_in() -> None:
    step = Step("morning", at=time(8, 30))
    here = newcomer(MONDAY).after("guide", MONDAY)
    afternoon = MONDAY + timedelta(days=3, hours=6)
    assert plan(sequence_of(GUIDE, step), here, afternoon) == Send(
        step, MONDAY.replace(day=3, hour=8, minute=30)
    )


def test_a_signup_whose_guide_nobody_collects_is_let_go() -> None:
    sequence = sequence_of(GUIDE, Step("article"), opt_in=OptIn.COLLECT)
    here = newcomer(MONDAY).after("guide", MONDAY)
    let_go = MONDAY + UNCOLLECTED_FOR
    waiting = plan(sequence, here, let_go - timedelta(seconds=1))
    assert isinstance(waiting, WaitUntil)
    assert waiting.until == let_go
    assert plan(sequence, here, let_go) == Exit(EnrolmentStatus.REMOVED)


def test_whoever_has_collected_the_guide_gets_no_reminder() -> None:
    reminder = Step("reminder", StepKind.REMINDER)
    here = replace(newcomer(MONDAY).after("guide", MONDAY), collected_at=MONDAY)
    sequence = sequence_of(GUIDE, reminder, opt_in=OptIn.COLLECT)
    assert isinstance(plan(sequence, here, MONDAY), Skip)


def test_what_leaves_on_time_does_not_drift_and_what_leaves_late_delays_what_follows() -> None:
    send = Send(Step("article"), MONDAY)
    assert anchor_after(send, MONDAY + timedelta(minutes=59)) == MONDAY
    late = MONDAY + timedelta(hours=1)
    assert anchor_after(send, late) == late
