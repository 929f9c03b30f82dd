"""Precedence: broadcasts and series share the cap, and neither loses anything by it."""

from collections.abc import Sequence as Many
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.facts import Facts
from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.decision import Look, SendNow, decide
from nurture.domain.scheduling.gate import Frequency, Standing
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.sequences.sequence import OptIn, Step, Wait
from nurture.domain.simulation.person import Person, UnderWay
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import What, World
from tests.domain.competing import Reader, broadcast, calendars, in_order, programmes, read_from
from tests.domain.playing import CALENDAR, GUIDE, WILLING, moments, newcomer, sequence_of, sequences
from tests.domain.playing import calendars as any_calendar

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LAST_WORD = Step("last-word", wait=Wait(days=2))
SERIES = sequence_of(GUIDE, LAST_WORD)
#: They have had their guide, and the last word is due on Wednesday.
HERE = replace(newcomer(MONDAY).after("guide", MONDAY), collected_at=MONDAY)
WEDNESDAY = MONDAY + 2 * DAY

confirmed = sequences(opt_in=st.just(OptIn.CONFIRMED)).map(
    lambda drawn: replace(drawn, steps=tuple(s for s in drawn.steps if not s.kind.rules.reminds))
)


@st.composite
def readers(draw: st.DrawFn, most_series: int = 1) -> Reader:
    """Draw a person in series, with broadcasts at any time and any caps."""
    calendar, start = draw(calendars(any_calendar)), draw(moments)
    reader = Reader(calendar, draw(st.sampled_from(Frequency)))
    series = draw(st.lists(confirmed, min_size=1, max_size=most_series))
    programme: Many[tuple[Broadcast, int]] = draw(programmes)
    for first in draw(st.permutations((True, False))):
        if first:
            for number, drawn in enumerate(series):
                reader.enrol(replace(drawn, key=f"series-{number}"), newcomer(start))
        else:
            for one, hours in programme:
                reader.expect(one, start + timedelta(hours=hours))
    return reader


@given(readers(most_series=3))
def test_the_cap_holds_over_series_and_broadcasts_together(reader: Reader) -> None:
    cap = reader.calendar.caps.of(reader.frequency)
    times = [one.at for one in reader.run().sent if one.step != "guide"]
    assert times == sorted(times)
    assert all(sum(at - cap.within < one <= at for one in times) <= cap.mails for at in times)


@given(readers(most_series=3))
def test_every_email_of_a_series_arrives_whatever_goes_before_it(reader: Reader) -> None:
    series = [one for one in reader.sequences.values() if one.broadcast is None]
    reader.run()
    assert all(reader.emails_of(one.key) == in_order(one) for one in series)


@given(readers(most_series=3))
def test_every_broadcast_arrives_once_or_ends_as_too_late(reader: Reader) -> None:
    reader.run()
    broadcasts = [key for key, one in reader.sequences.items() if one.broadcast is not None]
    late = [key for key in broadcasts if reader.ended[key].because is EndReason.TOO_LATE]
    assert all(reader.emails_of(key) == [] for key in late)
    assert all(reader.emails_of(key) == ["email"] for key in set(broadcasts) - set(late))
    assert all(reader.sequences[key].skips_late for key in late)


@given(readers())
def test_an_email_of_a_series_moves_at_most_twice(reader: Reader) -> None:
    assert reader.run().most_moved <= 2


@given(readers(most_series=2))
def test_the_simulation_decides_the_same_about_series_and_broadcasts(reader: Reader) -> None:
    start = min(reader.looks.values())
    world = World(reader.sequences, reader.calendar)
    enrolments = tuple(
        UnderWay(key, reader.progress[key], look_at) for key, look_at in reader.looks.items()
    )
    facts = Facts(created_at=start, consents=WILLING, confirmed=True, frequency=reader.frequency)
    entries = list(simulate(world, Person("Anna", facts, enrolments=enrolments), start))
    foretold = [(e.at, e.sequence, e.step) for e in entries if e.what is What.SENT]
    assert foretold == reader.run().sent
    ends = {e.sequence: e.because for e in entries if e.what is What.ENDED}
    assert ends == {key: end.because for key, end in reader.ended.items()}


def reader_of(*programme: tuple[Broadcast, datetime], fewer: bool = False) -> Reader:
    """Return a person who is due the last word on Wednesday at nine, and these broadcasts."""
    reader = Reader(frequency=Frequency.FEWER if fewer else Frequency.USUAL)
    for one, due_at in programme:
        reader.expect(one, due_at)
    reader.enrol(SERIES, HERE)
    return reader


def test_a_last_word_and_a_broadcast_of_one_morning_both_arrive_apart() -> None:
    reader = reader_of((broadcast(1), WEDNESDAY - MINUTE), fewer=True).run()
    (first_at, *first), (second_at, *second) = reader.sent
    assert [first, second] == [["broadcast:b1", "email"], ["series", "last-word"]]
    assert first_at == WEDNESDAY - MINUTE
    assert timedelta(0) <= second_at - first_at - CALENDAR.caps.fewer.within < DAY
    assert {end.because for end in reader.ended.values()} == {EndReason.COMPLETED}


def test_daily_broadcasts_move_an_email_of_a_series_twice_and_wait_for_it_then() -> None:
    daily = [(broadcast(n), WEDNESDAY - HOUR + (n - 1) * DAY) for n in range(1, 8)]
    reader = reader_of(*daily).run()
    assert [one.sequence for one in reader.sent[:4]] == [
        *("broadcast:b1", "broadcast:b2", "series", "broadcast:b3"),
    ]
    assert len(reader.sent) == 8
    [waited] = reader.waited_for
    assert waited.why == Reason(Code.SERIES_GOES_FIRST)


def test_looking_twice_at_an_email_that_waits_does_not_move_it_again() -> None:
    mailed = Standing(WILLING, mailed_at=(WEDNESDAY - MINUTE,))
    once = decide(SERIES, HERE, mailed, WEDNESDAY, CALENDAR)
    assert isinstance(once, Look)
    assert once.progress.moved == 1
    twice = decide(SERIES, once.progress, mailed, WEDNESDAY + MINUTE, CALENDAR)
    assert twice == once
    later = replace(mailed, mailed_at=(once.at + MINUTE,))
    moved = decide(SERIES, once.progress, later, once.at + HOUR, CALENDAR)
    assert isinstance(moved, Look)
    assert moved.progress.moved == 2


def test_neither_a_pause_nor_the_hours_count_as_a_move() -> None:
    paused = Standing(WILLING, paused_until=WEDNESDAY + DAY)
    evening = WEDNESDAY + timedelta(hours=12)
    looks = [
        decide(SERIES, HERE, paused, WEDNESDAY, CALENDAR),
        decide(SERIES, HERE, Standing(WILLING), evening, CALENDAR),
    ]
    assert [isinstance(look, Look) and look.progress.moved for look in looks] == [0, 0]


def test_an_email_that_was_put_off_counts_afresh_once_it_is_sent_or_skipped() -> None:
    awaited = replace(HERE, moved=2)
    sent = decide(SERIES, awaited, Standing(WILLING), WEDNESDAY, CALENDAR)
    assert isinstance(sent, SendNow)
    assert sent.progress.after("last-word", WEDNESDAY).moved == 0
    skipping = sequence_of(
        GUIDE, replace(LAST_WORD, skip_if="all"), Step("more", wait=Wait(days=9))
    )
    waits = decide(skipping, awaited, Standing(WILLING), WEDNESDAY, CALENDAR, ("all",))
    assert isinstance(waits, Look)
    assert waits.progress.moved == 0


def test_a_broadcast_gives_way_only_to_what_it_would_move() -> None:
    first_at = WEDNESDAY + timedelta(hours=3)
    soon, far = (
        _decided(Standing(WILLING, series_first_at=at)) for at in (first_at, WEDNESDAY + 2 * DAY)
    )
    assert isinstance(soon, Look)
    assert soon.at > first_at
    assert soon.why == Reason(Code.SERIES_GOES_FIRST)
    assert isinstance(far, SendNow)


def test_a_broadcast_waits_a_little_for_an_email_that_is_due_already() -> None:
    waits = _decided(Standing(WILLING, series_first_at=WEDNESDAY - DAY))
    assert isinstance(waits, Look)
    assert WEDNESDAY < waits.at <= WEDNESDAY + 10 * MINUTE


def _decided(standing: Standing) -> Look | SendNow:
    found = decide(broadcast(1).as_sequence(), read_from(WEDNESDAY), standing, WEDNESDAY, CALENDAR)
    assert isinstance(found, Look | SendNow)
    return found
