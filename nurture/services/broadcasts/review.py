"""The review of a broadcast before it goes: who gets it, why others do not, and when it leaves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.account.limits import Window
from nurture.domain.account.presets import AccountChoices
from nurture.domain.account.warm_up import warm_up_at
from nurture.domain.broadcasts.broadcast import Broadcast, When
from nurture.domain.broadcasts.departures import AccountRoom, Departures, ZoneReaders, departures
from nurture.domain.broadcasts.review import UNRECORDED, Review, not_reached, verdict_of, why_not
from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.basis import Basis, Strength, strength_at
from nurture.domain.rights.table import Permission, Permitted
from nurture.domain.scheduling.window import next_open, window_of
from nurture.services.account.limits import take_stock
from nurture.services.broadcasts.freezing import audience_of, due_in
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.queries import audience, audience_figures
from nurture.store.queries.audience import BearingCount, Chosen
from nurture.store.queries.audience_figures import CappedCount, ProvedCount
from nurture.store.queries.bearings import Bearing
from nurture.store.queries.due import count_due
from nurture.store.queries.segments import Member
from nurture.store.tables import account_limits, offers, subscribers

#: The name of the list of all who get it.
REACHED = "reached"

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def review(
    connection: Connection,
    published: Published,
    broadcast: Broadcast,
    fixed: AccountChoices,
    now: datetime,
) -> Review:
    """Return who would get a broadcast that was sent now, and why others would not.

    Of a broadcast for another time, people are as they will be then as far as that is known, such
    as the end of a pause. May raise `BroadcastError` if one of its segments is gone.
    """
    seen = _look(connection, published, broadcast, now)
    proved = seen.proved(connection)
    refused = seen.refused()
    others = seen.bearings_of(Code.NOT_COVERED)
    some = audience.members(connection, seen.chosen, others, 0, _ASKED_FOR_WORDS, seen.at)
    wordings = audience_figures.wordings_of(connection, [one.id for one in some])
    capped = seen.capped(connection, published)
    postponed = _postponed(published, broadcast, capped, now)
    return Review(
        broadcast,
        total=sum(one.number for one in seen.counted),
        reached=seen.number_of(seen.reached),
        by_basis=_by_basis(seen, proved),
        not_reached=tuple(not_reached(refused, wordings)),
        later=_by_day(postponed),
        departures=_departures(connection, published, seen, postponed, fixed, now),
    )


def people_of(
    connection: Connection,
    published: Published,
    broadcast: Broadcast,
    reason: str,
    after: int,
    limit: int,
    now: datetime,
) -> list[Member]:
    """Return the people behind a number of the review, in the order of their numbers.

    `reason` is `reached`, a basis, or the code of a reason. They begin after the person with that
    number; there are at most `limit`.
    """
    seen = _look(connection, published, broadcast, now)
    if reason == Code.NOT_IN_AUDIENCE:
        return audience.people_outside(connection, seen.chosen, after, limit)
    bearings, said = seen.bearings_of(reason), None
    if reason == REACHED:
        bearings = seen.reached
    elif reason == Basis.CLIENT:
        bearings = seen.reached_by(Basis.CLIENT)
    elif reason in (UNRECORDED, *Strength):
        bearings = seen.reached_by(Basis.CONSENT)
        sources = _sources_of(reason, seen.proved(connection))
        said = audience_figures.agreed_at(broadcast.stream, sources)
    return audience.members(connection, seen.chosen, bearings, after, limit, seen.at, said=said)


def three_people(
    connection: Connection, published: Published, broadcast: Broadcast, now: datetime
) -> list[Member]:
    """Return up to three people who get it and are unlike each other, always the same ones.

    They are the first with a name, the first without one and the first client, or else others.
    """
    seen = _look(connection, published, broadcast, now)
    by_basis = [
        audience.members(connection, seen.chosen, seen.reached_by(basis), 0, _LOOKED_AT, seen.at)
        for basis in Basis
    ]
    everyone = [one for some in by_basis for one in some]
    named = [one for one in everyone if one.first_name]
    nameless = [one for one in everyone if not one.first_name]
    wanted = (named[:1], nameless[:1], by_basis[1][:1], named, nameless)
    return list({one.id: one for some in wanted for one in some}.values())[:3]


#: The words are named that most of so many people agreed to.
_ASKED_FOR_WORDS = 2_000

#: So many people are looked at for three that are unlike each other.
_LOOKED_AT = 200


def as_json(found: Review) -> dict[str, Any]:
    """Return a review as plain values; `reached` and the numbers not reached add up to `total`."""
    leaving, one = found.departures, found.broadcast
    return {
        "broadcast": one.key,
        "total": found.total,
        "reached": found.reached,
        "by_basis": dict(found.by_basis),
        "not_reached": [
            {
                "reason": each.why.code.value,
                "number": each.number,
                "why": each.words,
                "wordings": list(each.wordings),
            }
            for each in found.not_reached
        ],
        "later": [{"on": day.isoformat(), "number": number} for day, number in found.later.items()],
        "first_leaves_at": leaving.first_at.isoformat() if leaving.first_at else None,
        "last_leaves_at": leaving.last_at.isoformat() if leaving.last_at else None,
        "days": leaving.days,
        "per_day": [{"on": day.isoformat(), "number": n} for day, n in leaving.per_day],
        "suggests_liveliest_first": found.suggests_liveliest_first,
        "audience": {"to": list(one.audience.to), "not": list(one.audience.besides)},
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """An audience as it was counted, with the answer of the table for each bearing in it."""

    broadcast: Broadcast
    chosen: Chosen | None
    counted: Sequence[BearingCount]
    answers: Mapping[Bearing, Permitted]
    at: datetime

    @property
    def reached(self) -> list[Bearing]:
        """The bearings of those who get it."""
        return [one for one, found in self.answers.items() if found.answer is Permission.YES]

    def reached_by(self, basis: Basis) -> list[Bearing]:
        """Return the bearings of those who get it on that basis."""
        return [one for one in self.reached if self.answers[one].basis is basis]

    def bearings_of(self, code: str) -> list[Bearing]:
        """Return the bearings of those who do not get it for that reason."""
        return [one for one in self.answers if (why := self.why(one)) and why.code == code]

    def why(self, bearing: Bearing) -> Reason | None:
        """Return why people of that bearing do not get it."""
        return why_not(self.answers[bearing], bearing.standing)

    def number_of(self, bearings: Collection[Bearing]) -> int:
        """Return how many people of the audience have one of the bearings."""
        these = set(bearings)
        return sum(one.number for one in self.counted if one.in_audience and one.bearing in these)

    def zones(self) -> dict[str, int]:
        """Return how many people get it in each time zone."""
        these, found = set(self.reached), dict[str, int]()
        for one in self.counted:
            if one.in_audience and one.bearing in these:
                found[one.time_zone] = found.get(one.time_zone, 0) + one.number
        return found

    def refused(self) -> dict[Reason, int]:
        """Return how many people do not get it for each reason."""
        outside = sum(one.number for one in self.counted if not one.in_audience)
        found = {Reason(Code.NOT_IN_AUDIENCE): outside} if outside else {}
        for one in self.counted:
            why = self.why(one.bearing) if one.in_audience else None
            if why is not None:
                found[why] = found.get(why, 0) + one.number
        return found

    def proved(self, connection: Connection) -> list[ProvedCount]:
        """Count the sources of the consents of those who get it on that basis."""
        bearings, stream = self.reached_by(Basis.CONSENT), self.broadcast.stream
        return audience_figures.count_sources(connection, self.chosen, bearings, stream, self.at)

    def capped(self, connection: Connection, published: Published) -> list[CappedCount]:
        """Count those who get it and are at their cap."""
        caps = published.calendar.caps
        return audience_figures.count_capped(connection, self.chosen, self.reached, caps, self.at)


def _look(
    connection: Connection, published: Published, broadcast: Broadcast, now: datetime
) -> _Seen:
    chosen, at = (
        audience_of(published, broadcast, now),
        _decided_at(connection, published, broadcast, now),
    )
    counted = audience.count_bearings(connection, chosen, at)
    inside = {one.bearing for one in counted if one.in_audience}
    answers = {one: verdict_of(broadcast, one.standing, at) for one in inside}
    return _Seen(broadcast, chosen, counted, answers, at)


def _decided_at(
    connection: Connection, published: Published, broadcast: Broadcast, now: datetime
) -> datetime:
    """Return when the audience is decided if “Send” is pressed now."""
    if broadcast.timing.when is When.NOW:
        return now
    by_clock = broadcast.timing.when is When.READERS
    zones = subscribers.time_zones(connection) if by_clock else []
    return min(
        due_in(published, broadcast, zone, now) for zone in zones or [published.practice.time_zone]
    )


def _by_basis(seen: _Seen, proved: Sequence[ProvedCount]) -> dict[str, int]:
    found = dict.fromkeys((*map(str, Strength), UNRECORDED, str(Basis.CLIENT)), 0)
    for one in proved:
        found[strength_at(one.source, is_confirmed=one.is_confirmed)] += one.number
    consenting = seen.number_of(seen.reached_by(Basis.CONSENT))
    found[UNRECORDED] = consenting - sum(one.number for one in proved)
    found[Basis.CLIENT] = seen.number_of(seen.reached_by(Basis.CLIENT))
    return found


def _sources_of(basis: str, proved: Sequence[ProvedCount]) -> list[str | None]:
    if basis == UNRECORDED:
        return [None]
    return [
        one.source
        for one in proved
        if strength_at(one.source, is_confirmed=one.is_confirmed) == basis
    ]


def _postponed(
    published: Published, broadcast: Broadcast, capped: Sequence[CappedCount], now: datetime
) -> dict[tuple[str, datetime], int]:
    """Return how many get it later because of their cap, by their time zone and from when."""
    caps, found = published.calendar.caps, dict[tuple[str, datetime], int]()
    for one in capped:
        free_at = one.counts_from + caps.of(one.frequency).within
        if free_at > _opens(published, broadcast, one.time_zone, now):
            key = one.time_zone, _opens(published, broadcast, one.time_zone, now, free_at)
            found[key] = found.get(key, 0) + one.number
    return found


def _opens(
    published: Published,
    broadcast: Broadcast,
    time_zone: str,
    now: datetime,
    earliest: datetime | None = None,
) -> datetime:
    calendar = published.calendar
    window = window_of(broadcast.step, calendar.window)
    at = earliest or due_in(published, broadcast, time_zone, now)
    return next_open(at, window, time_zone, calendar.holidays)


def _by_day(postponed: Mapping[tuple[str, datetime], int]) -> dict[date, int]:
    found: dict[date, int] = {}
    for (zone, at), number in postponed.items():
        day = at.astimezone(ZoneInfo(zone)).date()
        found[day] = found.get(day, 0) + number
    return dict(sorted(found.items()))


def _departures(
    connection: Connection,
    published: Published,
    seen: _Seen,
    postponed: Mapping[tuple[str, datetime], int],
    fixed: AccountChoices,
    now: datetime,
) -> Departures:
    broadcast, calendar = seen.broadcast, published.calendar
    zones = seen.zones()
    later = dict[tuple[str, datetime], int]()
    for (zone, at), number in postponed.items():
        zones[zone] -= number
        key = zone, _next_hour(at)
        later[key] = later.get(key, 0) + number
    readers = [
        ZoneReaders(zone, due_in(published, broadcast, zone, now), number)
        for zone, number in zones.items()
    ]
    readers += [ZoneReaders(zone, at, number) for (zone, at), number in later.items()]
    return departures(
        readers,
        _room(connection, fixed, now),
        window_of(broadcast.step, calendar.window),
        calendar.holidays,
        ZoneInfo(published.practice.time_zone),
        now,
    )


def _next_hour(at: datetime) -> datetime:
    """Return the full hour at or after a moment, so that few moments are to be looked at."""
    begun = at.replace(minute=0, second=0, microsecond=0)
    return begun if begun == at else begun + _HOUR


def _room(connection: Connection, fixed: AccountChoices, now: datetime) -> AccountRoom:
    limits = take_stock(connection, fixed, now).limits
    longest = max((window.length for window in limits.by_window), default=Window.DAY.length)
    since = account_limits.find_account(connection).warming_since
    warming, warmed = warm_up_at(since, now, limits.day), 0
    if warming is not None and since is not None:
        begun = since + (warming.day - 1) * _DAY
        warmed = offers.count_of_broadcasts(connection, begun)
    return AccountRoom(
        limits,
        tuple(offers.offers_within(connection, longest, now)),
        ahead=0 if limits.is_unlimited else count_due(connection, now),
        warming_since=since if warming is not None else None,
        warmed=warmed,
    )
