"""Notes on what was wrong with calls, refused or not, for the person who set up the form."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nurture.domain import kept_payload
from nurture.services.catalogue import Catalogue, NothingPublishedError
from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.tables import refused_calls
from nurture.store.tables.refused_calls import BOXES, RefusedCall

#: Takes the place of names that do not exist here.
UNKNOWN = "?"

_MINUTE = timedelta(minutes=1)


@dataclass
class Pace:
    """A limit on notes per minute per process: a flood of calls must not flood the database."""

    most: int = 30
    _noted: deque[datetime] = field(default_factory=deque)

    def allows(self, now: datetime) -> bool:
        """Return whether another note may be written now; count it if so."""
        while self._noted and not -_MINUTE < now - self._noted[0] < _MINUTE:
            self._noted.popleft()
        if len(self._noted) >= self.most:
            return False
        self._noted.append(now)
        return True


def note_call(
    database: Database, catalogue: Catalogue, call: RefusedCall, providers: frozenset[str]
) -> None:
    """Record what was wrong with a call, without its content; ignore an unavailable database.

    Unknown forms and providers share one entry, so that made-up names cannot fill the table.
    """
    try:
        with database.writing() as connection:
            if call.door in ("signup", BOXES):
                known = frozenset(catalogue.current(connection).forms)
            else:
                known = providers
            name = call.name if call.name in known else UNKNOWN
            refused_calls.add_refused_call(connection, replace(call, name=name))
    except (DatabaseUnavailableError, NothingPublishedError):
        return


def without_addresses(text: str) -> str:
    """Return a sentence with every email address removed."""
    return kept_payload.without_addresses(text)[:300]
