"""The simulation predicts what would really happen."""

from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.conditions import All, Did, Segment, Segments
from nurture.domain.reasons import in_words
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import (
    WORKING_DAYS,
    Continuation,
    Late,
    OptIn,
    Sequence,
    Step,
    StepKind,
    Wait,
    WhenReplied,
)
from nurture.domain.simulation.person import Act, Deed, Habits, Person, newcomer
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import SimulatedEvent, What, World
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.tracking.events import EventKind
from tests.domain.playing import CALENDAR, GUIDE, Play, moments, sequence_of, sequences, zones
from tests.domain.playing import newcomer as progress_of_newcomer
from tests.presence import at_least_one

FRIDAY = datetime(2026, 3, 27, 17, tzinfo=UTC)
GOLF = "golf"
GOLFERS = Segment("golfers", "", "", All((Did(EventKind.CLICKED, topic=GOLF),)))
A = Step("a", wait=Wait(days=2))
B = Step("b", wait=Wait(days=2))
NEVER = Habits()


def world_of(*whole: Sequence, paused: frozenset[str] = frozenset()) -> World:
    """Return a practice with these sequences, and a segment of people who clicked a link in `a`."""
    segments = Segments({}, {"golfers": GOLFERS})
    topics = {"series/a": frozenset({GOLF})}
    return World({one.key: one for one in whole}, CALENDAR, segments, topics, paused)


def played(world: World, person: Person, start: datetime = FRIDAY) -> list[SimulatedEvent]:
    """Return everything that happens."""
    return list(simulate(world, person, start))


def told(entries: Many[SimulatedEvent], *what: What) -> list[tuple[str, str]]:
    """Return the step, or else the kind, and the reason of every entry of these types."""
    return [(one.step or one.kind, said(one)) for one in entries if one.what in what]


def said(entry: SimulatedEvent) -> str:
    """Why, in the command line's words."""
    return in_words(entry.why) if entry.why else ""


def sent(entries: Many[SimulatedEvent]) -> list[str]:
    """Return the emails that were sent."""
    return [entry.step for entry in entries if entry.what is What.SENT]


@given(sequences(), moments, zones, st.booleans())
def test_a_simulation_agrees_with_step_by_step_decisions(
    sequence: Sequence, start: datetime, zone: str, collects: bool
) -> None:
    habits = Habits(collects_after=timedelta(0) if collects else None)
    person = newcomer("anybody", start, sequence, time_zone=zone, habits=habits)
    entries = played(world_of(sequence), person, start)
    collected_at = start if collects else None
    play = Play(sequence, progress_of_newcomer(start, zone), collected_at).run()
    mails = [(entry.step, entry.at) for entry in entries if entry.what is What.SENT]
    assert mails == play.times
    assert entries[-1].kind == play.ended
    moments_told = [entry.at for entry in entries]
    assert moments_told == sorted(moments_told)


def test_a_simulated_step_names_the_holidays_and_clock_change_that_moved_it() -> None:
    thursday = datetime(2026, 3, 26, 9, tzinfo=UTC)
    easter = Step("a", wait=Wait(days=8), at=time(8, 30), on=WORKING_DAYS)
    sequence = sequence_of(GUIDE, easter, opt_in=OptIn.COLLECT)
    entries = played(world_of(sequence), newcomer("Anna", thursday, sequence), thursday)
    [article] = [entry for entry in entries if entry.step == "a"]
    assert article.at == datetime(2026, 4, 7, 7, 30, tzinfo=UTC)
    assert article.timing is not None
    assert article.timing.holidays == (date(2026, 4, 3), date(2026, 4, 6))
    assert article.timing.clocks_change_on == date(2026, 3, 29)
    assert article.timing.clocks_by == timedelta(hours=1)


def test_a_simulated_enrolment_ends_after_thirty_days_without_collection() -> None:
    sequence = sequence_of(GUIDE, A, opt_in=OptIn.COLLECT)
    entries = played(world_of(sequence), newcomer("Bob", FRIDAY, sequence, habits=NEVER))
    assert sent(entries) == ["guide"]
    assert entries[-1].at == FRIDAY + timedelta(days=30)
    assert told(entries, What.ENDED) == [(EnrolmentStatus.REMOVED, "the guide was not collected")]


def test_a_person_who_signs_up_again_starts_over_in_the_simulation() -> None:
    sequence = sequence_of(GUIDE, A, opt_in=OptIn.COLLECT)
    again = Act(FRIDAY + timedelta(days=40), Deed.SIGNS_UP, "form")
    entries = played(
        world_of(sequence), newcomer("Bob", FRIDAY, sequence, habits=NEVER, acts=(again,))
    )
    assert sent(entries) == ["guide", "guide"]
    assert entries[-1].at == again.at + timedelta(days=30)


def test_a_skipped_step_names_its_reason() -> None:
    for_golfers = replace(B, only_if="golfers")
    sequence = sequence_of(GUIDE, A, for_golfers, opt_in=OptIn.COLLECT)
    entries = played(world_of(sequence), newcomer("Cleo", FRIDAY, sequence))
    assert told(entries, What.SKIPPED) == [("b", "they are not in the segment “golfers”")]


def test_a_click_counts_only_once_judged_and_only_with_consent() -> None:
    sequence = sequence_of(GUIDE, A, replace(B, only_if="golfers"), opt_in=OptIn.COLLECT)
    world, clicks = world_of(sequence), Habits(timedelta(0), clicks=True)
    agreed = newcomer("Dan", FRIDAY, sequence, habits=clicks, ticked=(Purpose.TRACKING,))
    assert sent(played(world, agreed)) == ["guide", "a", "b"]
    silent = newcomer("Dan", FRIDAY, sequence, habits=clicks)
    assert sent(played(world, silent)) == ["guide", "a"]
    due_at = next(entry.at for entry in played(world, agreed) if entry.step == "b")
    for before, gets in ((timedelta(seconds=89), False), (timedelta(seconds=90), True)):
        click = Act(due_at - before, Deed.CLICKS, "series/a")
        late = replace(agreed, habits=Habits(timedelta(0)), acts=(*agreed.acts[:1], click))
        assert ("b" in sent(played(world, late))) is gets


def test_the_end_of_one_sequence_starts_the_next() -> None:
    second = Sequence("second", "More", (Step("x", wait=Wait(days=1)),))
    first = replace(sequence_of(GUIDE, A, opt_in=OptIn.COLLECT), then=(Continuation("second"),))
    entries = played(world_of(first, second), newcomer("Eve", FRIDAY, first))
    assert sent(entries) == ["guide", "a", "x"]
    assert told(entries, What.HANDED_OVER) == [("", "after “series”")]


def test_a_subscribers_pause_postpones_and_a_booking_ends_the_sequence() -> None:
    pause = Act(FRIDAY + timedelta(minutes=30), Deed.PAUSES)
    books = Act(FRIDAY + timedelta(days=40), Deed.BOOKS)
    sequence = sequence_of(GUIDE, A, Step("c", wait=Wait(days=14)), opt_in=OptIn.COLLECT)
    entries = played(world_of(sequence), newcomer("Fay", FRIDAY, sequence, acts=(pause, books)))
    [postponed] = [entry for entry in entries if entry.what is What.POSTPONED]
    assert (postponed.step, said(postponed)) == ("a", "they asked for a pause")
    assert postponed.until == pause.at + timedelta(days=30)
    assert sent(entries) == ["guide", "a"]
    assert told(entries, What.ENDED) == [
        (EnrolmentStatus.GOAL_REACHED, "the goal has been reached")
    ]


def test_a_reply_does_what_the_sequence_says() -> None:
    reply = Act(FRIDAY + timedelta(hours=1), Deed.REPLIES, "series/guide")
    gets = {WhenReplied.GO_ON: ["guide", "a"], WhenReplied.PAUSE: ["guide"]}
    gets[WhenReplied.STOP] = ["guide"]
    for replied, emails in at_least_one(gets.items()):
        sequence = replace(sequence_of(GUIDE, A, opt_in=OptIn.COLLECT), replied=replied)
        entries = played(world_of(sequence), newcomer("Fay", FRIDAY, sequence, acts=(reply,)))
        assert sent(entries) == emails, replied
        stopped = [(EnrolmentStatus.REMOVED, "they replied to the sequence")]
        ended = told(entries, What.ENDED)
        assert (ended == stopped) is (replied is WhenReplied.STOP)


def test_an_unsubscribed_person_who_returns_continues_where_they_stopped() -> None:
    gone = Act(FRIDAY + timedelta(days=3), Deed.UNSUBSCRIBES)
    back = Act(FRIDAY + timedelta(days=9), Deed.WANTS_THE_USUAL)
    sequence = sequence_of(GUIDE, A, B, opt_in=OptIn.COLLECT)
    person = newcomer("Gus", FRIDAY, sequence)
    assert sent(played(world_of(sequence), replace(person, acts=(*person.acts, gone)))) == [
        "guide",
        "a",
    ]
    both = replace(person, acts=(*person.acts, gone, back))
    entries = played(world_of(sequence), both)
    assert sent(entries) == ["guide", "a", "b"]


def test_a_paused_sequence_sends_the_guide_and_holds_the_rest() -> None:
    sequence = sequence_of(GUIDE, A, opt_in=OptIn.COLLECT)
    world = world_of(sequence, paused=frozenset({"series"}))
    entries = played(world, newcomer("Hal", FRIDAY, sequence))
    assert sent(entries) == ["guide"]
    assert (entries[-1].what, said(entries[-1])) == (What.HELD, "the sequence is paused")


def test_the_frequency_cap_counts_emails_of_all_sequences_together() -> None:
    other = replace(sequence_of(GUIDE, Step("x", wait=Wait(days=2))), key="other")
    assert other.form
    other = replace(other, form=replace(other.form, key="other"))
    sequence = sequence_of(GUIDE, A, opt_in=OptIn.COLLECT)
    both = newcomer("Ida", FRIDAY, sequence, acts=(Act(FRIDAY, Deed.SIGNS_UP, "other"),))
    entries = played(world_of(sequence, other), both)
    assert told(entries, What.POSTPONED) == [("x", "they have had a mail recently")]
    assert sent(entries) == ["guide", "guide", "a", "x"]


def test_a_step_that_is_too_late_is_reported_as_skipped() -> None:
    late = Step("late", StepKind.ARTICLE, Wait(days=2), late=Late.SKIP)
    sequence = replace(sequence_of(late), form=None)
    jo = newcomer("Jo", FRIDAY, sequence)
    entries = played(world_of(sequence), jo, FRIDAY + timedelta(days=10))
    assert told(entries, What.SKIPPED) == [("late", "it was overdue for too long")]


def test_a_step_that_a_pause_held_back_is_sent_after_it() -> None:
    late = Step("late", StepKind.ARTICLE, Wait(days=2), late=Late.SKIP)
    pause = Act(FRIDAY + timedelta(minutes=30), Deed.PAUSES)
    sequence = sequence_of(GUIDE, late, opt_in=OptIn.COLLECT)
    entries = played(world_of(sequence), newcomer("Jo", FRIDAY, sequence, acts=(pause,)))
    assert sent(entries) == ["guide", "late"]
