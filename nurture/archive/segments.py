"""The journal of withdrawals in a bucket, where objects cannot be appended to: in segments.

A segment is an object that is never changed. Its name contains the number up to which it goes and
the number after which it begins, so that a listing shows how far the journal has come. Two machines
working at the same time write two segments that overlap, or the same one twice: a line that occurs
twice is read once. So no lock is needed, nor anything else that some providers lack. When there are
many small segments, they are written once more as one, and only then removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nurture.archive.journal import More, WithdrawalLine, as_bytes, read_line
from nurture.archive.place import PlaceError

if TYPE_CHECKING:
    from nurture.archive.bucket import Bucket

#: This many segments of fewer than this many bytes are merged into one.
_MANY, _SMALL = 500, 50_000


@dataclass(frozen=True, slots=True, order=True)
class JournalSegment:
    """The lines after one number, up to another; `beginning` counts restarts of the numbers."""

    beginning: int
    upto: int
    after: int

    @property
    def name(self) -> str:
        """The name of the object; in a listing, the newest comes last."""
        return f"{self.beginning:04}-{self.upto:012}-{self.after:012}.jsonl"

    @classmethod
    def named(cls, name: str) -> JournalSegment | None:
        """Return the segment with that name, or `None` if it is not that of a segment."""
        parts = name.removesuffix(".jsonl").split("-")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            return None
        return cls(*map(int, parts))


@dataclass
class BucketJournal:
    """The journal as objects in a folder of a bucket."""

    bucket: Bucket
    folder: str
    _newest: JournalSegment = field(default=JournalSegment(0, 0, 0), compare=False)

    def __str__(self) -> str:
        return self.bucket.location(self.folder)

    def exists(self) -> bool:
        """Return whether there is any segment."""
        return any(self._sizes())

    def last_number(self, wanted: int) -> int:
        """Return how far it has come, without a request if it was last seen at `wanted`."""
        if self._newest.upto != wanted:
            self._look()
        return self._newest.upto

    def append(self, more: More) -> int:
        """Write a segment with what `more` returns; return how many lines it has."""
        self._look()
        lines = more(self._newest.upto)
        if lines:
            self._write(lines)
        return len(lines)

    def lines(self) -> Iterator[WithdrawalLine]:
        """Yield all lines, each once, from the earliest segment to the newest."""
        seen: set[tuple[int, int]] = set()
        for segment in sorted(self._sizes()):
            for line in self._read(segment):
                if (segment.beginning, line.number) not in seen:
                    seen.add((segment.beginning, line.number))
                    yield line

    def _look(self) -> None:
        found = self._sizes()
        self._newest = max(found, default=JournalSegment(0, 0, 0))
        small = sorted(segment for segment, size in found.items() if size < _SMALL)
        if len(small) >= _MANY:
            self._join([one for one in small if one.beginning == small[0].beginning])

    def _write(self, lines: Sequence[WithdrawalLine]) -> None:
        """Write a segment; start a new series if a restored database has lower numbers."""
        newest, first, last = self._newest, lines[0].number, lines[-1].number
        goes_on = first > newest.upto
        segment = (
            JournalSegment(newest.beginning, last, newest.upto)
            if goes_on
            else JournalSegment(newest.beginning + 1, last, 0)
        )
        self._put(segment, lines)
        self._newest = segment

    def _join(self, small: list[JournalSegment]) -> None:
        """Merge many segments into one and remove them; if one is missing, another machine did."""
        try:
            lines = {line.number: line for one in small for line in self._read(one)}
            joined = JournalSegment(
                small[0].beginning, small[-1].upto, min(one.after for one in small)
            )
            self._put(joined, [lines[number] for number in sorted(lines)])
            for one in small:
                if one != joined:
                    self.bucket.remove(f"{self.folder}/{one.name}")
        except PlaceError:
            return  # The segments still exist, so the next opt-out retries.

    def _put(self, segment: JournalSegment, lines: Sequence[WithdrawalLine]) -> None:
        content = b"".join(map(as_bytes, lines))
        self.bucket.write_small(f"{self.folder}/{segment.name}", content)

    def _read(self, segment: JournalSegment) -> Iterator[WithdrawalLine]:
        content = self.bucket.read_small(f"{self.folder}/{segment.name}")
        if content is None:
            raise PlaceError(
                f"{self}/{segment.name} is not there any more.", remedy="Try it again."
            )
        for number, line in enumerate(content.splitlines(), start=1):
            yield read_line(line, f"{self}/{segment.name}, line {number}")

    def _sizes(self) -> dict[JournalSegment, int]:
        found = {}
        for name, size in self.bucket.sizes(self.folder):
            if segment := JournalSegment.named(name.rpartition("/")[2]):
                found[segment] = size
        return found
