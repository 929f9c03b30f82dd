"""Figures of broadcasts: what became of each, as of the steps of a sequence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus
from nurture.services.broadcasts.drafts import existing
from nurture.services.broadcasts.sending import BroadcastState, state_of
from nurture.services.reports.funnel import BOOKED_WITHIN, Funnel
from nurture.store.database import Connection, Database
from nurture.store.queries.funnel import Booking, Figures, bookings_since, count_steps
from nurture.store.tables import broadcasts

#: What was sent in this second counts as well.
_NOW_INCLUDED = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BroadcastFigures:
    """How far a broadcast has got, and what became of its emails."""

    state: BroadcastState
    funnel: Funnel


def follow_broadcast(database: Database, key: str, now: datetime) -> BroadcastFigures:
    """Return the figures of one broadcast; may raise `UnknownBroadcastError`."""
    with database.reading() as connection:
        found = existing(connection, key)
        return _figures(connection, found, _bookings(connection, [found]), now)


def list_figures(database: Database, now: datetime, most: int = 50) -> list[BroadcastFigures]:
    """Return the newest broadcasts with their figures, drafts included, the newest first."""
    with database.reading() as connection:
        newest = broadcasts.list_broadcasts(connection)[:most]
        bookings = _bookings(connection, newest)
        return [_figures(connection, one, bookings, now) for one in newest]


def _bookings(connection: Connection, chosen: Iterable[Broadcast]) -> list[Booking]:
    """Return the bookings that may have followed one of these broadcasts."""
    begun = [one.created_at for one in chosen if one.status is not BroadcastStatus.DRAFT]
    since = min(filter(None, begun), default=None)
    found = bookings_since(connection, since) if since else []
    return [one for one in found if one.booked_at - one.sent_at <= BOOKED_WITHIN]


def _figures(
    connection: Connection, broadcast: Broadcast, bookings: Iterable[Booking], now: datetime
) -> BroadcastFigures:
    state, since = state_of(connection, broadcast), broadcast.created_at
    if broadcast.status is BroadcastStatus.DRAFT or since is None:
        return BroadcastFigures(state, Funnel(Figures()))
    key = broadcast.sequence_key
    counted = count_steps(connection, [since, now + _NOW_INCLUDED], key)
    booked = {one.message for one in bookings if one.sequence == key}
    total = sum((one.figures for one in counted), Figures())
    return BroadcastFigures(state, Funnel(total, len(booked)))
