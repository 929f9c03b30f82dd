"""The audience of a broadcast without the people who are in it already."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.store.queries.audience import Chosen
from nurture.store.queries.segments import Span
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import subscribers


@dataclass(frozen=True, slots=True)
class NotEnrolled(Chosen):
    """The chosen people who are not in the sequence `left_out`."""

    left_out: str

    def ids(self, connection: sa.Connection, span: Span | None = None) -> sa.Select[Any]:
        """Return a statement that selects each of their numbers once, among those of the span."""
        c = enrolments.c
        theirs = (c.subscriber_id == subscribers.c.id) & (c.sequence == self.left_out)
        # A class with slots is made a second time, so `super()` alone would not find it.
        chosen = Chosen.ids(self, connection, span)
        return chosen.where(~sa.exists().where(theirs).correlate(subscribers))


def not_enrolled(broadcast: Broadcast, audience: Chosen | None, now: datetime) -> NotEnrolled:
    """Return the audience of a broadcast (`None`: everyone) without those who are in it."""
    wanted = audience or Chosen((), (), now, frozenset())
    return NotEnrolled(wanted.to, wanted.besides, wanted.now, wanted.health, broadcast.sequence_key)
