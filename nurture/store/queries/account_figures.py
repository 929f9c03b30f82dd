"""What the mail account did lately: a month's bounces and complaints, and the last refusals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, distinct, func, select

from nurture.domain.account.alarms import MonthFigures
from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.status import MessageStatus
from nurture.domain.tracking.events import EventKind
from nurture.store.tables.events import COMPLAINT, events
from nurture.store.tables.messages import REFUSED, messages
from nurture.store.tables.offers import count_since

#: The mail server itself reported it, at once.
_OWN = "smtp"

#: What bounced for good, whether or not the owner has looked at it.
_FOR_GOOD = (Bounce.HARD, Bounce.HELD)

#: A message that was refused and is not tried at present, or is not to be sent any more.
_OTHER = tuple(set(MessageStatus) - {MessageStatus.DEFERRED, MessageStatus.FAILED})

#: Clocks of several machines differ, so that something may be stored as happening a little later.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """An email that the mail server refused and has not accepted since, in its own words."""

    message: int
    sequence: str
    step: str
    reason: str
    fails: bool
    at: datetime


def month_figures(connection: Connection, since: datetime, now: datetime) -> MonthFigures:
    """Count what became of the emails of the time since then."""
    accepted = count_since(connection, since, now + _AHEAD)
    returned, turned_away = connection.execute(bounced_since(since)).one()
    complained = connection.scalar(complained_since(since))
    return MonthFigures(accepted, returned, turned_away, complained or 0)


def bounced_since(since: datetime) -> Select[int, int]:
    """Return the statement that counts people whose address does not work, by who reported it."""
    who, by_server = events.c.subscriber_id, events.c.source == _OWN
    returned = func.count(distinct(case((~by_server, who))))
    turned_away = func.count(distinct(case((by_server, who))))
    lately = (events.c.happened_at > since) & (events.c.kind == EventKind.BOUNCED)
    return select(returned, turned_away).where(events.c.bounce.in_(_FOR_GOOD), lately)


def complained_since(since: datetime) -> Select[Any]:
    """Return the statement that counts people who have reported an email as junk."""
    who = func.count(distinct(events.c.subscriber_id))
    return select(who).where(COMPLAINT, events.c.happened_at > since)


def last_refused(limit: int) -> Select[Any]:
    """Return the statement that finds what was refused last, newest first."""
    columns = (messages.c[name] for name in ("id", "sequence", "step", "reason", "status"))
    chosen = select(*columns, messages.c.claimed_at).where(
        REFUSED, messages.c.status.not_in(_OTHER)
    )
    return chosen.order_by(messages.c.claimed_at.desc()).limit(limit)


def last_refusals(connection: Connection, limit: int) -> list[RefusedMessage]:
    """Return the emails that the mail server refused last, newest first."""
    return [
        RefusedMessage(number, sequence, step, reason, status == MessageStatus.FAILED, at)
        for number, sequence, step, reason, status, at in connection.execute(last_refused(limit))
    ]
