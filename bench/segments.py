"""How long it takes to count a segment among many people with many events each."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, case, cast, insert, literal, select, update

from bench.people import MORNING, at_moment, enrol, numbered, settle
from bench.stores import Store
from nurture.library.segments import parse_segments
from nurture.store.database import Database
from nurture.store.queries.segments import count_segment
from nurture.store.tables.events import events
from nurture.store.tables.subscribers import subscribers

EVENTS_EACH = 10
_ROUNDS = 3

#: The events are spread over a year, at so many moments.
_MOMENTS = 100

#: What a practice would ask, from the cheap to the dear.
_ASKED = parse_segments("""
[topics]
back-pain = { health = true }
golf = {}

[[segments]]
name = "twice-lately"
title = "clicked twice in a month, not booked"
all = [{ clicked = { within = "30 days", times = 2 } }, { not = { booked = true } }]

[[segments]]
name = "golf"
title = "clicked golf twice, ever"
all = [{ clicked = { topic = "golf", times = 2 } }]

[[segments]]
name = "sore"
title = "a topic about health, by consent"
all = [{ clicked = { topic = "back-pain", within = "90 days" } }]

[[segments]]
name = "drifting"
title = "opened anything or clicked one email, and cooling or asleep"
all = [
  { any = [{ opened = true }, { clicked = { email = "pain-guide/email-3" } }] },
  { level = ["cooling", "asleep"] },
]
""")


def measure(store: Store, people: int) -> Iterator[dict[str, Any]]:
    """Yield, for each segment, the seconds that a count takes and how many people it found."""
    with store.fresh() as database:
        fill(database, people)
        for segment in _ASKED.segments.values():
            taken, found = [], 0
            for _ in range(_ROUNDS):
                began = time.perf_counter()
                with database.reading() as connection:
                    found = count_segment(connection, segment.condition, MORNING, _ASKED.health)
                taken.append(time.perf_counter() - began)
            yield {
                "what": segment.title,
                "seconds": median(taken),
                "found": found,
                "people": people,
                "events": people * EVENTS_EACH,
            }


def fill(database: Database, people: int) -> None:
    """Add people, half of them with consent for health topics, and ten events for each."""
    enrol(database, 1, people, MORNING + timedelta(days=300))
    with database.writing() as connection:
        words = {"guide", "marketing", "tracking", "health_topics"}
        agreed = subscribers.c.id % 2 == 0
        long_ago = MORNING - timedelta(days=400)
        connection.execute(update(subscribers).values(created_at=long_ago))
        connection.execute(update(subscribers).where(agreed).values(purposes=words))
    each = people * EVENTS_EACH // _MOMENTS
    for part in range(_MOMENTS):
        at = MORNING - timedelta(days=365) * part / _MOMENTS
        with database.writing() as connection:
            _add_events(connection, part * each + 1, each, people, at)
    settle(database)


def _add_events(connection: Connection, first: int, count: int, people: int, at: datetime) -> None:
    """Add events whose person, kind, verdict and topic follow from their numbers."""
    numbers = numbered(first, count)
    mixed = cast(numbers.c.n, BigInteger) * 2_654_435_761 % 1_000_003
    percent, email, verdict = mixed % 100, mixed // 100 % 8, mixed // 1000 % 10
    values = {
        "kind": case((percent < 60, "opened"), (percent < 95, "clicked"), else_="downloaded"),
        "subscriber_id": (mixed * 31 + numbers.c.n) % people + 1,
        "happened_at": at_moment(at),
        "email": literal("pain-guide/email-") + cast(email, Text),
        "topics": case((email < 4, "back-pain strength"), (email == 4, "golf"), else_="strength"),
        "source": literal("hit"),
        "source_key": literal("b:") + cast(numbers.c.n, Text),
        "verdict": case((verdict < 3, "human"), (verdict < 8, "machine"), else_="unsure"),
    }
    chosen = select(*values.values()).select_from(numbers)
    connection.execute(insert(events).from_select(list(values), chosen, include_defaults=False))
