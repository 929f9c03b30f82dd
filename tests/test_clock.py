"""Business time is the real time or the one in a file, the same for every process."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from nurture import clock
from nurture.clock import ClockError, clock_from, real_now
from tests.servers.clock import ClockFile

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("path", [None, ""])
def test_the_clock_is_real_without_a_file(path: str | None) -> None:
    before = real_now()
    now = clock_from(path)()
    assert before <= now <= real_now()
    assert now.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00+00:00\n",
        " 2026-03-02 12:00 ",
        "2026-03-02T14:00:00+02:00",
    ],
)
def test_a_time_in_a_file_is_read_as_utc(tmp_path: Path, written: str) -> None:
    path = tmp_path / "clock"
    path.write_text(written)
    assert clock_from(str(path))() == NOON
    assert clock_from(str(path))().tzinfo is UTC


def test_writing_the_file_moves_the_clock(clock_file: ClockFile) -> None:
    clock = clock_from(str(clock_file.path))
    before = clock()
    clock_file.advance(timedelta(days=3))
    assert clock() == before + timedelta(days=3)


@pytest.mark.parametrize("content", ["", "noon", "2026-13-01", "\x00", None])
def test_a_file_without_a_time_is_an_error_with_an_example(
    tmp_path: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How patient it is with whoever writes is what the next test is about.
    monkeypatch.setattr(clock, "_READS", 3)
    path = tmp_path / "clock"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClockError, match="ISO 8601") as raised:
        clock_from(str(path))()
    assert str(path) in str(raised.value)


def test_a_file_that_is_being_rewritten_is_never_misread(tmp_path: Path) -> None:
    """`echo … > clock` leaves the file empty for an instant, which readers must wait out."""
    path = tmp_path / "clock"
    times = [NOON + timedelta(seconds=n) for n in range(300)]
    path.write_text(times[0].isoformat())
    clock, written = clock_from(str(path)), Event()

    def read() -> set[datetime]:
        seen = {clock()}
        while not written.is_set():
            seen.add(clock())
        return seen

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        for moment in times:
            with path.open("w") as file:
                file.flush()
                file.write(moment.isoformat())
        written.set()
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= set(times)
    assert clock() == times[-1]
