"""Bounce jumps: if many emails suddenly bounce for good, ask the owner before suppressing anyone.

A blocked sender, a misconfigured relay or a mailbox provider's bad hour looks like many dead
addresses. From the jump on, bounces are held and suppress no one until the owner has said what
they were.
"""

from datetime import datetime

from nurture.domain.errors import NurtureError
from nurture.domain.messages.bounce_jumps import JUMP_WITHIN
from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.refusal import Cause
from nurture.domain.scheduling.pause import spread
from nurture.services.account import hold
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.pause import USUAL_SPAN
from nurture.services.subscribers.suppression import go_on, lift_bounce, suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import bounces, suppressions
from nurture.store.tables.account import drop_hold, find_hold
from nurture.store.tables.bounces import Jump
from nurture.store.tables.subscribers import Subscriber

_REAL, _MISTAKE = "real", "mistake"

#: Up to this many people are emailed again together; more are spread over the coming working hours.
_AT_ONCE = 20

_HELD = "{} of {} emails of a day came back for good."
_WHY = "told in a jump of bounces, and confirmed"


class NoJumpError(NurtureError):
    """The bounce rate has not jumped, or the jump has already been dealt with."""


def found(connection: Connection, now: datetime) -> None:
    """Hold the account and ask the owner about a jump, unless it has already been asked."""
    since = now - JUMP_WITHIN
    returned = bounces.count_returned_for_good(connection, since, besides=0)
    accepted = bounces.count_accepted(connection, since)
    if bounces.open_jump(connection, returned, accepted, now):
        hold.hold(connection, Cause.BOUNCES, _HELD.format(returned, accepted), now)


def find_jump(database: Database) -> Jump | None:
    """Return the jump that the owner has not dealt with yet, if any."""
    with database.reading() as connection:
        return bounces.find_jump(connection)


def confirm(database: Database, now: datetime) -> int:
    """Suppress everyone with a held bounce; return how many they are. May raise `NoJumpError`."""
    _require_jump(database)
    people = 0
    while held := _returned(database, Bounce.HELD):
        for number, at in held.items():
            _confirm_one(database, number, at, now)
        people += len(held)
    return people if _close(database, _REAL, now) else people + confirm(database, now)


def dismiss(database: Database, catalogue: Catalogue, by: str, now: datetime) -> int:
    """Treat a jump as a mail server's mistake; return how many people it affected.

    People it suppressed before it was noticed are emailed again, and guides that bounced are
    offered once more, spread over working hours if there are many. `by` is who decided so. May
    raise `NoJumpError`.
    """
    jump = _require_jump(database)
    before = _returned(database, Bounce.HARD, jump.since)
    people = sorted({*_returned(database, Bounce.HELD), *before})
    with database.reading() as connection:
        published = catalogue.current(connection)
    note = {"source": by, "reason": "the mail server had made a mistake"}
    for number, look_at in zip(people, _moments(published, len(people), now), strict=True):
        with database.writing() as connection:
            person = locks.hold_subscriber(connection, number)
            if person:
                _dismiss_one(connection, published, person, jump, note, now, look_at)
    closed = _close(database, _MISTAKE, now)
    return len(people) if closed else len(people) + dismiss(database, catalogue, by, now)


def _require_jump(database: Database) -> Jump:
    jump = find_jump(database)
    if jump is None:
        raise NoJumpError("No jump of bounces waits for you.", remedy="There is nothing to do.")
    return jump


def _confirm_one(database: Database, number: int, at: datetime, now: datetime) -> None:
    with database.writing() as connection:
        person = locks.hold_subscriber(connection, number)
        bounces.reword(connection, number, Bounce.HELD, Bounce.HARD)
        if person:
            suppress_address(connection, number, person.address_hash, _WHY, now, at=at)


def _dismiss_one(
    connection: Connection,
    published: Published,
    person: Subscriber,
    jump: Jump,
    note: dict[str, str],
    now: datetime,
    look_at: datetime,
) -> None:
    bounces.reword(connection, person.id, Bounce.HELD, Bounce.DISMISSED)
    bounces.reword(connection, person.id, Bounce.HARD, Bounce.DISMISSED, jump.since)
    lifted = lift_bounce(connection, published, person, now, now, note, look_at)
    if not lifted and not suppressions.find_suppression(connection, person.address_hash):
        go_on(connection, published, person.id, now, look_at)


def _returned(
    database: Database, bounce: Bounce, since: datetime | None = None
) -> dict[int, datetime]:
    with database.reading() as connection:
        return bounces.returned_people(connection, bounce, since)


def _moments(published: Published, count: int, now: datetime) -> list[datetime]:
    if count <= _AT_ONCE:
        return [now] * count
    zone = published.practice.time_zone
    return spread(count, now, USUAL_SPAN, published.calendar, zone)


def _close(database: Database, judged: str, now: datetime) -> bool:
    """Let emails resume, unless another bounce was held in the meantime; return whether they do."""
    with database.writing() as connection:
        closed = bounces.close_jump(connection, judged, now)
        held = find_hold(connection, lock=True)
        if closed and held and held.cause is Cause.BOUNCES:
            drop_hold(connection)
    return closed
