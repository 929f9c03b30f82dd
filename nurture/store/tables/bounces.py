"""Bounces: what came back from which address, and the sudden jumps the owner is asked about."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.messages.bounce_jumps import JUMP_WITHIN
from nurture.domain.messages.bounces import Bounce, Returned
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.store.database import insert_new
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import IS_SUPPRESSED, suppressions
from nurture.store.types import UtcDateTime, metadata

#: The value, in a unique column, of the one jump that nobody has looked at yet.
_OPEN = "open"

bounce_jumps = sa.Table(
    "bounce_jumps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("found_at", UtcDateTime, nullable=False),
    sa.Column("bounced", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    # This word while it is open and null afterwards, so that at most one is open.
    sa.Column("open", sa.Text, unique=True),
    sa.Column("looked_at", UtcDateTime),
    sa.Column("judged", sa.Text),
)

#: Bounces that the mail server reported immediately, rather than a provider.
_OWN = "smtp"
_FOR_GOOD = (Bounce.HARD, Bounce.HELD)


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump in the bounce rate that the owner has not reviewed yet."""

    found_at: datetime
    bounced: int
    accepted: int

    @property
    def since(self) -> datetime:
        """The moment from which bounces belong to it."""
        return self.found_at - JUMP_WITHIN


@dataclass(frozen=True, slots=True)
class Trial:
    """A guide sent to an address that had bounced: when it was claimed, and when accepted."""

    subscriber: int
    address_hash: str
    claimed_at: datetime
    accepted_at: datetime


def returned_from(connection: sa.Connection, subscriber_id: int) -> list[Returned]:
    """Return what was reported about mail to one person: bounces and deliveries, in no order."""
    theirs = events.c.subscriber_id == subscriber_id
    told = sa.or_(events.c.bounce.is_not(None), events.c.kind == EventKind.DELIVERED)
    rows = connection.execute(sa.select(events.c.happened_at, events.c.bounce).where(theirs, told))
    return [Returned(at, known(Bounce, kind, Bounce.SOFT) if kind else None) for at, kind in rows]


def last_hard(connection: sa.Connection, subscriber_id: int) -> datetime | None:
    """Return when an address last bounced permanently, according to its stored bounces."""
    hard = (events.c.subscriber_id == subscriber_id) & (events.c.bounce == Bounce.HARD)
    found: datetime | None = connection.scalar(
        sa.select(sa.func.max(events.c.happened_at)).where(hard)
    )
    return found


def last_offer_that_arrived(connection: sa.Connection, subscriber_id: int) -> datetime | None:
    """Return when the newest message that is known to have reached one person was offered."""
    arrived = (events.c.subscriber_id == subscriber_id) & (events.c.kind == EventKind.DELIVERED)
    offered = sa.select(sa.func.max(messages.c.claimed_at)).join(
        events, events.c.message_id == messages.c.id
    )
    found: datetime | None = connection.scalar(offered.where(arrived))
    return found


def last_told_by(connection: sa.Connection, subscriber_id: int) -> str | None:
    """Return who reported one person's last bounce: a provider, or `smtp` for the mail server."""
    theirs = (events.c.subscriber_id == subscriber_id) & events.c.bounce.is_not(None)
    last = sa.select(events.c.source).where(theirs).order_by(events.c.happened_at.desc()).limit(1)
    found: str | None = connection.scalar(last)
    return found


def full_mailboxes(connection: sa.Connection, since: datetime, before: datetime) -> list[int]:
    """Return people whose mailbox was full both at or before `before` and at or after `since`."""
    full = (events.c.bounce == Bounce.FULL) & events.c.subscriber_id.is_not(None)
    lately = sa.select(events.c.subscriber_id).where(full, events.c.happened_at >= since)
    early = sa.select(events.c.subscriber_id).where(full, events.c.happened_at <= before)
    wanted = (
        subscribers.c.id.in_(lately)
        & subscribers.c.id.in_(early)
        & ~subscribers.c.erased
        & ~IS_SUPPRESSED
    )
    return list(connection.scalars(sa.select(subscribers.c.id).where(wanted)))


# --- Guides on trial -------------------------------------------------------------------------


def silent_trials(connection: sa.Connection, before: datetime) -> list[Trial]:
    """Return guides on trial that were accepted before then and have not been reported on since.

    If messages sent later are known to have arrived, deliveries are reported, and this one's was
    not; such a guide is left out.
    """
    guide = (
        (messages.c.enrolment_id == suppressions.c.guide_of)
        & (messages.c.status == MessageStatus.ACCEPTED)
        & (messages.c.claimed_at >= suppressions.c.asked_again_at)
        & (messages.c.claimed_at > suppressions.c.since)
        & (messages.c.accepted_at <= before)
    )
    later = messages.alias()
    arrivals_are_told = sa.exists().where(
        later.c.status == MessageStatus.DELIVERED, later.c.claimed_at >= messages.c.claimed_at
    )
    found = (
        sa.select(
            messages.c.subscriber_id,
            suppressions.c.address_hash,
            messages.c.claimed_at,
            messages.c.accepted_at,
        )
        .join_from(suppressions, messages, guide)
        .where(suppressions.c.reason == SuppressionReason.BOUNCED, ~arrivals_are_told)
    )
    return [Trial(*row) for row in connection.execute(found)]


def trial_was_accepted(connection: sa.Connection, enrolment_id: int, since: datetime) -> bool:
    """Return whether a message of an enrolment, offered since then, was accepted for good.

    One that has come back does not count.
    """
    taken = (MessageStatus.ACCEPTED, MessageStatus.DELIVERED)
    found = sa.select(messages.c.id).where(
        messages.c.enrolment_id == enrolment_id,
        messages.c.claimed_at >= since,
        messages.c.status.in_(taken),
    )
    return connection.scalar(found.limit(1)) is not None


# --- Jumps -----------------------------------------------------------------------------------


def find_jump(connection: sa.Connection) -> Jump | None:
    """Return the jump that the owner has not reviewed yet, if there is one."""
    columns = (bounce_jumps.c.found_at, bounce_jumps.c.bounced, bounce_jumps.c.accepted)
    row = connection.execute(sa.select(*columns).where(bounce_jumps.c.open == _OPEN)).first()
    return Jump(*row) if row else None


def keep_jump_open(connection: sa.Connection) -> bool:
    """Return whether a jump is open; if so, it stays open until this transaction ends."""
    found = sa.select(bounce_jumps.c.id).where(bounce_jumps.c.open == _OPEN)
    return connection.scalar(found.with_for_update(read=True)) is not None


def last_looked_at(connection: sa.Connection) -> datetime | None:
    """Return when the owner last reviewed a jump."""
    found: datetime | None = connection.scalar(sa.select(sa.func.max(bounce_jumps.c.looked_at)))
    return found


def open_jump(connection: sa.Connection, bounced: int, accepted: int, now: datetime) -> bool:
    """Ask the owner about a jump; return whether this is a new question."""
    row = {"found_at": now, "bounced": bounced, "accepted": accepted, "open": _OPEN}
    return bool(insert_new(connection, bounce_jumps, [row], "id"))


def close_jump(connection: sa.Connection, judged: str, now: datetime) -> bool:
    """Store the owner's judgement of the open jump; return whether nothing is held any more.

    If something was held in the meantime, the jump stays open.
    """
    mine = bounce_jumps.c.open == _OPEN
    connection.execute(sa.select(bounce_jumps.c.id).where(mine).with_for_update())
    if returned_people(connection, Bounce.HELD):
        return False
    values = {"open": None, "looked_at": now, "judged": judged}
    connection.execute(sa.update(bounce_jumps).where(mine).values(values))
    return True


def count_returned_for_good(connection: sa.Connection, since: datetime, besides: int) -> int:
    """Count the people, except one, whose mail a provider has since said was returned for good."""
    lately = (events.c.happened_at > since) & (events.c.subscriber_id != besides)
    told = _told_by_providers(_FOR_GOOD) & lately
    return (
        connection.scalar(sa.select(sa.func.count(sa.distinct(events.c.subscriber_id))).where(told))
        or 0
    )


def count_accepted(connection: sa.Connection, since: datetime) -> int:
    """Count the messages accepted since then."""
    counted = sa.select(sa.func.count()).select_from(messages).where(messages.c.accepted_at > since)
    return connection.scalar(counted) or 0


def returned_people(
    connection: sa.Connection, bounce: Bounce, since: datetime | None = None
) -> dict[int, datetime]:
    """Return people with bounces of that kind reported by a provider, and when the last one was."""
    told = _told_by_providers([bounce])
    if since is not None:
        told &= events.c.happened_at > since
    last = sa.select(events.c.subscriber_id, sa.func.max(events.c.happened_at)).where(told)
    return {row[0]: row[1] for row in connection.execute(last.group_by(events.c.subscriber_id))}


def reword(
    connection: sa.Connection,
    subscriber_id: int,
    of: Bounce,
    to: Bounce,
    since: datetime | None = None,
) -> None:
    """Change the kind of one person's bounces, or only of the later ones."""
    theirs = events.c.subscriber_id == subscriber_id
    if since is not None:
        theirs &= events.c.happened_at > since
    connection.execute(sa.update(events).where(events.c.bounce == of, theirs).values(bounce=to))


def _told_by_providers(bounces: Collection[Bounce]) -> sa.ColumnElement[bool]:
    """Return the condition for known people's bounces that a provider reported.

    Those that the mail server reported itself are left out.
    """
    known = events.c.subscriber_id.is_not(None)
    return events.c.bounce.in_(bounces) & (events.c.source != _OWN) & known
