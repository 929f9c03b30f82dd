"""Disk space: what still runs as it runs out, and what stops first.

What costs the practice least stops first. Unsubscribing is never stopped deliberately: the last of
the disk is left for it and for work under way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_MB = 1_000_000


class DiskUse(StrEnum):
    """The uses of the disk, in the order in which they stop."""

    PREVIEWS = "previews"
    EXPORTS = "exports"
    OPENS = "opens"
    CLICKS = "clicks"
    SIGNUPS = "signups"
    UNSUBSCRIBING = "unsubscribing"


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The space free to us on a file system, and its total size, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class _Limit:
    """The level below which a use stops: a share of the total, within `least` and `most` bytes."""

    share: float
    least: int
    most: int

    def of(self, total: int) -> float:
        return max(self.least, min(self.share * total, self.most))


#: Even the lowest limit leaves room for the database's log, which may grow by megabytes any time.
_STOPS_BELOW = MappingProxyType(
    {
        DiskUse.PREVIEWS: _Limit(0.050, 40 * _MB, 500 * _MB),
        DiskUse.EXPORTS: _Limit(0.040, 36 * _MB, 400 * _MB),
        DiskUse.OPENS: _Limit(0.030, 32 * _MB, 300 * _MB),
        DiskUse.CLICKS: _Limit(0.020, 28 * _MB, 200 * _MB),
        DiskUse.SIGNUPS: _Limit(0.010, 24 * _MB, 100 * _MB),
        DiskUse.UNSUBSCRIBING: _Limit(0, 0, 0),
    }
)

#: What the owner reads as the name of each.
_CALLED = MappingProxyType(
    {
        DiskUse.PREVIEWS: "previews of emails",
        DiskUse.EXPORTS: "exports",
        DiskUse.OPENS: "counting of opens",
        DiskUse.CLICKS: "counting of clicks (links still lead where they should)",
        DiskUse.SIGNUPS: "signups (the website is told to try again later)",
        DiskUse.UNSUBSCRIBING: "unsubscribing",
    }
)


def stopped(rooms: Iterable[DiskSpace]) -> tuple[DiskUse, ...]:
    """Return the uses that stop, in order, given the tightest of these file systems."""
    known, limits = list(rooms), _STOPS_BELOW
    return tuple(u for u in DiskUse if any(room.free < limits[u].of(room.total) for room in known))


def say_stopped(uses: Iterable[DiskUse]) -> str:
    """Return what has stopped, as a readable list."""
    names = [_CALLED[use] for use in uses]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
