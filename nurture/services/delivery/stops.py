"""Stops: noticing, while a batch is being sent, that a broadcast in it has been stopped."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from nurture.store.database import Database
from nurture.store.tables import broadcasts

#: How often a batch looks. Within this time, and of one window, emails may still leave.
_LOOKS_EVERY = 0.02


@dataclass
class StopWatch:
    """The broadcasts of a batch, and those of them that have been stopped since it was claimed."""

    database: Database
    broadcasts: frozenset[int]
    _stopped: set[int] = field(default_factory=set)
    _looked_at: float = 0.0

    @classmethod
    def over(cls, database: Database, numbers: Iterable[int | None]) -> "StopWatch":
        """Return the watch for a batch; `None` stands for what is of no broadcast."""
        return cls(database, frozenset(number for number in numbers if number is not None))

    def has_stopped(self, broadcast: int | None) -> bool:
        """Return whether nothing more of that broadcast may leave."""
        if broadcast is None:
            return False
        if time.monotonic() - self._looked_at > _LOOKS_EVERY:
            with self.database.reading() as connection:
                self._stopped = broadcasts.stopped_among(connection, self.broadcasts)
            self._looked_at = time.monotonic()
        return broadcast in self._stopped
