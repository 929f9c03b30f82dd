"""Noting: what was wrong with calls, refused or not, for whoever set the form up."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nurture.domain import kept_payload
from nurture.services.catalogue import Catalogue, NothingPublishedError
from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.tables import refused_calls
from nurture.store.tables.refused_calls import BOXES, RefusedCall

#: Stands for names that nobody here has given to anything.
UNKNOWN = "?"

_MINUTE = timedelta(minutes=1)


@dataclass
class Pace:
    """At most so many notes a minute from one process: a flood of calls is none of writes."""

    most: int = 30
    _noted: deque[datetime] = field(default_factory=deque)

    def allows(self, now: datetime) -> bool:
        """Whether one more may be written now; counts it if so."""
        while self._noted and not -_MINUTE < now - self._noted[0] < _MINUTE:
            self._noted.popleft()
        if len(self._noted) >= self.most:
            return False
        self._noted.append(now)
        return True


def note_call(
    database: Database, catalogue: Catalogue, call: RefusedCall, providers: frozenset[str]
) -> None:
    """Keep what was wrong with a call, without its content; never raises for want of a database.

    Forms and providers that are not known share one place, so that made-up names fill nothing.
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
    """A sentence in which nobody's address can be read."""
    return kept_payload.without_addresses(text)[:300]
