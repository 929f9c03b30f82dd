"""Limiting: in a flood of hits only a few are stored, and the rest are counted."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MoreHits

#: How many hits a minute are stored for one link or pixel of one message. Nobody needs more, and a
#: scanner that tries each link twice is still recorded completely.
OF_A_LINK = 5

#: How many a minute are stored for one message, whatever its links.
OF_A_MESSAGE = 60

#: How many opens, and how many clicks, of one message are stored for good.
FOR_GOOD = 1000

#: How many messages and links are remembered with their counts; then a new minute begins early.
_REMEMBERED = 50_000

_MINUTE = timedelta(minutes=1)


class HitBudget:
    """What one process has stored within the minute; its memory is bounded."""

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._kept: Counter[tuple[int, EventKind, str | None] | int] = Counter()
        self._more: Counter[tuple[int, EventKind]] = Counter()

    def keeps(self, hit: Hit) -> bool:
        """Return whether there is still room for this hit, and take up that room."""
        link = hit.message, hit.kind, hit.link
        if self._kept[link] >= OF_A_LINK or self._kept[hit.message] >= OF_A_MESSAGE:
            return False
        self._kept[link] += 1
        self._kept[hit.message] += 1
        return True

    def count(self, hit: Hit) -> None:
        """Count a hit that is not stored."""
        self._more[hit.message, hit.kind] += 1

    def counted(self, now: datetime) -> Iterator[MoreHits]:
        """Yield what was only counted, once the minute is over, and start another minute."""
        began = self._began or now
        full = len(self._kept) + len(self._more) > _REMEMBERED
        if not full and -_MINUTE < now - began < _MINUTE and self._began:
            return
        yield from (MoreHits(message, kind, n) for (message, kind), n in self._more.items())
        self._began = now
        self._kept.clear()
        self._more.clear()


class HitAllowance:
    """The limit on hits stored for good, by message and kind; the rest are counted."""

    def __init__(self, kept: Mapping[tuple[int, str], int]) -> None:
        self._kept, self._beyond = Counter(kept), Counter[tuple[int, str]]()

    def takes(self, hit: Hit) -> bool:
        """Return whether there is still room for this hit; if not, count it."""
        key = hit.message, hit.kind
        if self._kept[key] >= FOR_GOOD:
            self._beyond[key] += 1
            return False
        self._kept[key] += 1
        return True

    def count(self, beyond: MoreHits) -> None:
        """Add what was only counted before."""
        self._beyond[beyond.message, beyond.kind] += beyond.more

    def beyond(self, known: Container[int]) -> dict[tuple[int, str], int]:
        """Return what was counted for known messages."""
        return {key: count for key, count in self._beyond.items() if key[0] in known}
