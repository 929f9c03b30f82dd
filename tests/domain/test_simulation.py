"""The simulation tells what would really happen."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.enrolment import EnrolmentStatus
from nurture.domain.sequence import WORKING_DAYS, OptIn, Sequence, Step, Wait
from nurture.domain.simulation import Entry, simulate
from tests.domain.playing import (
    CALENDAR,
    GUIDE,
    Play,
    moments,
    newcomer,
    sequence_of,
    sequences,
    zones,
)


@given(sequences(), moments, zones, st.booleans())
def test_it_agrees_with_deciding_step_by_step(
    sequence: Sequence, start: datetime, zone: str, collects: bool
) -> None:
    entries = list(simulate(sequence, start, CALENDAR, time_zone=zone, collects=collects))
    play = Play(sequence, newcomer(start, zone), start if collects else None).run()
    assert [(entry.email, entry.at) for entry in entries[:-1]] == play.times
    assert entries[-1].what == play.ended


def test_a_series_reads_as_a_calendar() -> None:
    article = Step("article", wait=Wait(days=2), at=time(8, 30), on=WORKING_DAYS)
    start = datetime(2026, 3, 27, 17, tzinfo=UTC)
    calendar = [str(entry) for entry in simulate(sequence_of(GUIDE, article), start, CALENDAR)]
    assert calendar == [
        "Fri 27 Mar 2026 17:00  guide      guide",
        "Mon 30 Mar 2026 08:30  article    article",
        "Mon 30 Mar 2026 08:30  completed  ",
    ]


def test_whoever_does_not_collect_the_guide_is_let_go_after_thirty_days() -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    sequence = sequence_of(GUIDE, Step("article"), opt_in=OptIn.COLLECT)
    [_, end] = simulate(sequence, start, CALENDAR, collects=False)
    let_go = start + timedelta(days=30)
    assert end == Entry(let_go, "", EnrolmentStatus.REMOVED, "Europe/London")
