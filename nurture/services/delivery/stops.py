"""Stops: noticing, while a batch is being sent, that a broadcast in it has been stopped."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nurture.store.database import Database
from nurture.store.tables import broadcasts

#: How often a batch looks. Within this time, and of one window, emails may still leave.
_LOOKS_EVERY = 0.02


@dataclass
class StopWatch:
    """The broadcasts of a batch by the versions seen, and those stopped since the watch began.

    Whatever has been stopped meanwhile stays so for this batch: if it was resumed since, its text
    may have been corrected.
    """

    database: Database
    versions: Mapping[int, int]
    _stopped: set[int] = field(default_factory=set)
    _looked_at: float = 0.0

    @classmethod
    def over(cls, database: Database, numbers: Iterable[int | None]) -> "StopWatch":
        """Return the watch for a batch; `None` stands for what is of no broadcast.

        Begin it before any email of the batch is marked as being sent.
        """
        watched = {number for number in numbers if number is not None}
        if not watched:
            return cls(database, {})
        with database.reading() as connection:
            versions = broadcasts.versions_sending(connection, watched)
        return cls(database, versions, watched - versions.keys(), time.monotonic())

    def has_stopped(self, broadcast: int | None) -> bool:
        """Return whether nothing more of that broadcast may leave."""
        if broadcast is None:
            return False
        if time.monotonic() - self._looked_at > _LOOKS_EVERY:
            with self.database.reading() as connection:
                going = broadcasts.versions_sending(connection, self.versions.keys())
            self._stopped |= {n for n, version in self.versions.items() if going.get(n) != version}
            self._looked_at = time.monotonic()
        return broadcast in self._stopped
