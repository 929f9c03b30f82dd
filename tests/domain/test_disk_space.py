"""Disk space: the least important things stop first, and unsubscribing never does."""

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.disk_space import DiskSpace, DiskUse, say_stopped, stopped

BYTES = st.integers(0, 4 * 10**12)
ROOMS = st.builds(lambda total, part: DiskSpace(int(total * part), total), BYTES, st.floats(0, 1))


@given(st.lists(ROOMS, max_size=3))
def test_disk_uses_stop_in_a_fixed_order_and_unsubscribing_never_stops(
    rooms: list[DiskSpace],
) -> None:
    assert stopped(rooms) == tuple(DiskUse)[: len(stopped(rooms))]
    assert DiskUse.UNSUBSCRIBING not in stopped(rooms)


@given(ROOMS, st.floats(0, 1), st.lists(ROOMS, max_size=2))
def test_less_space_or_another_disk_never_resumes_a_stopped_use(
    room: DiskSpace, part: float, others: list[DiskSpace]
) -> None:
    less = DiskSpace(int(room.free * part), room.total)
    assert set(stopped([room])) <= set(stopped([less]))
    assert set(stopped([room])) <= set(stopped([room, *others]))


def test_each_use_stops_separately_as_the_disk_fills() -> None:
    for total in (200_000_000, 20_000_000_000, 4_000_000_000_000):
        steps = {stopped([DiskSpace(free, total)]) for free in range(0, 600_000_000, 500_000)}
        assert {len(step) for step in steps} == set(range(len(DiskUse)))


def test_an_ordinary_disk_stops_nothing_and_a_small_one_keeps_space_for_the_log() -> None:
    assert stopped([DiskSpace(2_000_000_000, 20_000_000_000)]) == ()
    assert stopped([DiskSpace(60_000_000, 64_000_000)]) == ()
    assert DiskUse.SIGNUPS in stopped([DiskSpace(20_000_000, 64_000_000)])
    assert stopped([]) == ()


def test_stopped_uses_are_described_as_a_list() -> None:
    assert say_stopped([DiskUse.PREVIEWS]) == "previews of emails"
    assert say_stopped(list(DiskUse)[:3]) == "previews of emails, exports and counting of opens"
