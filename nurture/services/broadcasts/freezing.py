"""Freezing: deciding who is in the audience of a broadcast, in chunks, from the moment it is sent.

People are read first and enrolled in a short transaction of their own, which ends by noting how far
the freezing has come. So it goes on wherever it was killed, two processes never do the same chunk,
and an undo that comes between two chunks stops it.
"""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from nurture.domain.account.warm_up import BroadcastRecipient, broadcast_order
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus, first_due, stopped
from nurture.domain.broadcasts.review import verdict_of
from nurture.domain.reasons import Code
from nurture.domain.rights.table import Permission
from nurture.services.broadcasts.drafts import BroadcastError
from nurture.services.catalogue import Catalogue, Published
from nurture.store.database import Connection, Database
from nurture.store.queries.audience import (
    Candidate,
    Chosen,
    chosen,
    count_bearings,
    people_after,
)
from nurture.store.queries.bearings import Bearing
from nurture.store.tables import account_limits, broadcast_enrolments, broadcasts
from nurture.store.tables.broadcast_enrolments import NewReader

#: How many people are enrolled in one transaction, so that a signup waits for a moment only.
CHUNK = 2_000

#: How many seconds one call spends on audiences, as guides are waiting for the same worker.
_AT_A_TIME = 5.0

#: The places in an order are this far apart, so that a million of them are within a second.
_PLACE = timedelta(microseconds=1)

_log = logging.getLogger(__name__)


class _OvertakenError(Exception):
    """Another process has gone on with this freezing, or it has been undone or stopped."""


def audience_of(published: Published, broadcast: Broadcast, now: datetime) -> Chosen | None:
    """Return who a broadcast is for; raise `BroadcastError` if one of its segments is gone."""
    known, audience = published.segments.segments, broadcast.audience
    if gone := sorted(audience.segments - known.keys()):
        remedy = "Choose who gets the broadcast again."
        if broadcast.status is not BroadcastStatus.DRAFT:
            remedy = "Make it again, or duplicate the broadcast and choose who gets that one."
        raise BroadcastError(f"There is no segment “{gone[0]}”.", remedy=remedy)
    health = published.segments.health
    to, besides = (
        [known[name].condition for name in names] for names in (audience.to, audience.besides)
    )
    return chosen(to, besides, now, health)


def attend(database: Database, catalogue: Catalogue, now: datetime) -> int:
    """Go on with every broadcast: decide its audience when that is due, and finish what is done.

    Return how many people were enrolled. It is safe to repeat, cheap if nothing is to be done, and
    safe to be killed at any point. A large audience takes several calls.
    """
    with database.reading() as connection:
        unsettled = broadcasts.unsettled(connection)
    enrolled, until = 0, time.monotonic() + _AT_A_TIME
    for one in unsettled:
        if one.status is BroadcastStatus.DRAFT:
            take_back(database, one)
        elif one.is_freezing:
            enrolled += begin_freezing(database, catalogue, one, now, until)
        elif not one.can_be_undone(now):
            _finish_if_done(database, one, now)
    return enrolled


def begin_freezing(
    database: Database,
    catalogue: Catalogue,
    broadcast: Broadcast,
    now: datetime,
    until: float | None = None,
) -> int:
    """Decide the audience if its moment has come, for some seconds; return how many were added."""
    if broadcast.freezes_at is None or broadcast.freezes_at > now:
        return 0
    until = time.monotonic() + _AT_A_TIME if until is None else until
    return freeze(database, catalogue, broadcast.key, now, until=until)


def freeze(
    database: Database,
    catalogue: Catalogue,
    key: str,
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
    until: float = math.inf,
) -> int:
    """Decide who is in the audience of a broadcast that is being sent; return how many were added.

    `progress` is told how many after each chunk, and no chunk is begun after `until` on the clock
    of `time.monotonic`. If a segment of it has been deleted, the broadcast is stopped.
    """
    added, is_done = 0, False
    with suppress(_OvertakenError):
        while not is_done and time.monotonic() < until:
            more, is_done = _freeze_some(database, catalogue, key, now)
            added += more
            progress(added)
    return added


def take_back(database: Database, broadcast: Broadcast) -> None:
    """Delete the audience of a broadcast that was undone, in chunks, unless it is sent again."""
    removed = CHUNK
    while removed == CHUNK:
        with database.writing() as connection:
            held = broadcasts.hold_broadcast(connection, broadcast.key)
            if held is None or held.status is not BroadcastStatus.DRAFT:
                return
            removed = broadcast_enrolments.remove_readers(connection, held, CHUNK)
            if removed < CHUNK:
                broadcasts.note_taken_back(connection, held.id)


def _freeze_some(
    database: Database, catalogue: Catalogue, key: str, now: datetime
) -> tuple[int, bool]:
    with database.reading() as connection:
        published = catalogue.current(connection)
        broadcast = broadcasts.find_broadcast(connection, key)
        if broadcast is None or not broadcast.is_freezing:
            raise _OvertakenError
        try:
            audience = audience_of(published, broadcast, now)
        except BroadcastError as error:
            return _give_up(database, broadcast, error, now)
        begun, upto = broadcasts.frozen_range(connection, broadcast.id)
        people = people_after(connection, audience, begun, upto, CHUNK, now)
        is_last = len(people) < CHUNK
        left_out = _left_out(connection, broadcast, audience, now) if is_last else {}
    end = upto if is_last else people[-1].id
    readers = _readers(published, broadcast, people, now)
    with database.writing() as connection:
        enrolled_at = broadcast.pressed_at or now
        added = broadcast_enrolments.add_readers(connection, broadcast, readers, enrolled_at)
        if not broadcasts.note_frozen(connection, broadcast, begun, end, added):
            raise _OvertakenError
        if is_last:
            broadcasts.end_freezing(connection, broadcast, left_out, now)
    if is_last:
        _put_in_order(database, published, broadcast, audience, now)
    return added, is_last


def _readers(
    published: Published, broadcast: Broadcast, people: Sequence[Candidate], now: datetime
) -> list[NewReader]:
    """Return those of the people who may be sent the broadcast, each with their own moment."""
    allowed: dict[Bearing, bool] = {}
    moments: dict[str, datetime] = {}
    readers = []
    for person in people:
        if person.bearing not in allowed:
            verdict = verdict_of(broadcast, person.bearing.standing, now)
            allowed[person.bearing] = verdict.answer is Permission.YES
        if not allowed[person.bearing]:
            continue
        if person.time_zone not in moments:
            moments[person.time_zone] = due_in(published, broadcast, person.time_zone, now)
        readers.append(NewReader(person.id, moments[person.time_zone]))
    return readers


def _left_out(
    connection: Connection, broadcast: Broadcast, audience: Chosen | None, now: datetime
) -> dict[str, int]:
    """Count those who are not in the audience, by the code of the reason."""
    counted: Counter[str] = Counter()
    for one in count_bearings(connection, audience, now):
        verdict = verdict_of(broadcast, one.bearing.standing, now)
        if not one.in_audience:
            counted[Code.NOT_IN_AUDIENCE] += one.number
        elif verdict.answer is not Permission.YES and verdict.why is not None:
            counted[verdict.why.code] += one.number
    return dict(counted)


def due_in(published: Published, broadcast: Broadcast, time_zone: str, now: datetime) -> datetime:
    """Return the moment from which readers in that zone are due a broadcast."""
    calendar, pressed_at = published.calendar, broadcast.pressed_at or now
    return first_due(broadcast, pressed_at, time_zone, calendar.window, calendar.holidays)


def _give_up(
    database: Database, broadcast: Broadcast, error: BroadcastError, now: datetime
) -> tuple[int, bool]:
    _log.error("broadcast %d is stopped: its audience cannot be decided", broadcast.id)
    with database.writing() as connection:
        held = broadcasts.hold_broadcast(connection, broadcast.key)
        if held is not None and held.is_freezing:
            counts = {**held.counts, "trouble": str(error)}
            broadcasts.save_broadcast(connection, replace(stopped(held, now), counts=counts))
    return 0, True


def _put_in_order(
    database: Database,
    published: Published,
    broadcast: Broadcast,
    audience: Chosen | None,
    now: datetime,
) -> None:
    """Let the liveliest get it first, if the owner said so or a new domain is warmed up."""
    with database.reading() as connection:
        warming = account_limits.find_account(connection).warming_since
        _, upto = broadcasts.frozen_range(connection, broadcast.id)
    if not (broadcast.liveliest_first or warming):
        return
    people: list[BroadcastRecipient] = []
    moments: dict[int, datetime] = {}
    for some in _lively_people(database, audience, upto, now):
        readers = _readers(published, broadcast, some, now)
        moments |= {one.subscriber: one.due_at for one in readers}
        people += [_recipient(one) for one in some if one.id in moments]
    ordered = broadcast_order(people)
    for start in range(0, len(ordered), CHUNK):
        places = enumerate(ordered[start : start + CHUNK], start)
        looks = {one.id: moments[one.id] + place * _PLACE for place, one in places}
        with database.writing() as connection:
            broadcast_enrolments.put_in_order(connection, broadcast, looks)


def _lively_people(
    database: Database, audience: Chosen | None, upto: int, now: datetime
) -> Iterator[list[Candidate]]:
    after, found = 0, True
    while found:
        with database.reading() as connection:
            people = people_after(connection, audience, after, upto, CHUNK, now, lively=True)
        yield people
        after, found = people[-1].id if people else upto, bool(people)


def _recipient(person: Candidate) -> BroadcastRecipient:
    level = person.level or EngagementLevel.ASLEEP
    return BroadcastRecipient(person.id, level, person.is_tracked, person.created_at)


def _finish_if_done(database: Database, broadcast: Broadcast, now: datetime) -> None:
    """Let a broadcast leave the catalogue once nobody awaits it any more."""
    with database.reading() as connection:
        if broadcast_enrolments.has_readers(connection, broadcast, active=True):
            return
    with database.writing() as connection:
        broadcasts.finish(connection, broadcast, now)
