"""Bounces: what came back from whom, and the jumps of them that the owner is asked about."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    distinct,
    exists,
    func,
    or_,
    select,
    update,
)

from nurture.domain.known_words import known
from nurture.domain.messages.bounces import JUMP_WITHIN, Bounce, Returned
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.store.database import insert_new
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from nurture.store.types import UtcDateTime, metadata

#: What stands in the unique column of the one jump that nobody has looked at yet.
_OPEN = "open"

bounce_jumps = Table(
    "bounce_jumps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("found_at", UtcDateTime, nullable=False),
    Column("bounced", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    # The same word while it is open and null afterwards, so that there is one open at most.
    Column("open", Text, unique=True),
    Column("looked_at", UtcDateTime),
    Column("judged", Text),
)

#: Bounces that the mail server told at once are not a provider's.
_OWN = "smtp"
_FOR_GOOD = (Bounce.HARD, Bounce.HELD)


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump of the bounce rate that the owner has not looked at yet."""

    found_at: datetime
    bounced: int
    accepted: int

    @property
    def since(self) -> datetime:
        """From when on what came back belongs to it."""
        return self.found_at - JUMP_WITHIN


@dataclass(frozen=True, slots=True)
class Trial:
    """A guide that went to an address which had bounced: when claimed, and when accepted."""

    subscriber: int
    address_hash: str
    claimed_at: datetime
    accepted_at: datetime


def returned_from(connection: Connection, subscriber_id: int) -> list[Returned]:
    """What was told of mail to one person: each bounce and each arrival, in no order."""
    theirs = events.c.subscriber_id == subscriber_id
    told = or_(events.c.bounce.is_not(None), events.c.kind == EventKind.DELIVERED)
    rows = connection.execute(select(events.c.happened_at, events.c.bounce).where(theirs, told))
    return [Returned(at, known(Bounce, kind, Bounce.SOFT) if kind else None) for at, kind in rows]


def last_hard(connection: Connection, subscriber_id: int) -> datetime | None:
    """When an address last bounced for good by what is kept of its bounces."""
    hard = (events.c.subscriber_id == subscriber_id) & (events.c.bounce == Bounce.HARD)
    found: datetime | None = connection.scalar(select(func.max(events.c.happened_at)).where(hard))
    return found


def last_offer_that_arrived(connection: Connection, subscriber_id: int) -> datetime | None:
    """When the newest mail was offered that is known to have arrived at one person's."""
    arrived = (events.c.subscriber_id == subscriber_id) & (events.c.kind == EventKind.DELIVERED)
    offered = select(func.max(messages.c.claimed_at)).join(
        events, events.c.message_id == messages.c.id
    )
    found: datetime | None = connection.scalar(offered.where(arrived))
    return found


def last_told_by(connection: Connection, subscriber_id: int) -> str | None:
    """Who told of one person's last bounce: a provider's name, or `smtp` for the mail server."""
    theirs = (events.c.subscriber_id == subscriber_id) & events.c.bounce.is_not(None)
    last = select(events.c.source).where(theirs).order_by(events.c.happened_at.desc()).limit(1)
    found: str | None = connection.scalar(last)
    return found


def full_mailboxes(connection: Connection, since: datetime, before: datetime) -> list[int]:
    """Who may have had a full mailbox for long: full before and again since those moments."""
    full = (events.c.bounce == Bounce.FULL) & events.c.subscriber_id.is_not(None)
    lately = select(events.c.subscriber_id).where(full, events.c.happened_at >= since)
    early = select(events.c.subscriber_id).where(full, events.c.happened_at <= before)
    wanted = (
        subscribers.c.id.in_(lately)
        & subscribers.c.id.in_(early)
        & ~subscribers.c.erased
        & ~exists().where(suppressions.c.address_hash == subscribers.c.address_hash)
    )
    return list(connection.scalars(select(subscribers.c.id).where(wanted)))


# --- Guides on trial -------------------------------------------------------------------------


def silent_trials(connection: Connection, before: datetime) -> list[Trial]:
    """Guides on trial that were accepted before then and of which nothing was told since.

    Where mails that left later are known to have arrived, arrivals are told, and this one's
    was not.
    """
    guide = (
        (messages.c.enrolment_id == suppressions.c.guide_of)
        & (messages.c.status == MessageStatus.ACCEPTED)
        & (messages.c.claimed_at >= suppressions.c.asked_again_at)
        & (messages.c.claimed_at > suppressions.c.since)
        & (messages.c.accepted_at <= before)
    )
    later = messages.alias()
    arrivals_are_told = exists().where(
        later.c.status == MessageStatus.DELIVERED, later.c.claimed_at >= messages.c.claimed_at
    )
    found = (
        select(
            messages.c.subscriber_id,
            suppressions.c.address_hash,
            messages.c.claimed_at,
            messages.c.accepted_at,
        )
        .join_from(suppressions, messages, guide)
        .where(suppressions.c.reason == SuppressionReason.BOUNCED, ~arrivals_are_told)
    )
    return [Trial(*row) for row in connection.execute(found)]


def trial_was_accepted(connection: Connection, enrolment_id: int, since: datetime) -> bool:
    """Whether a mail of that enrolment, offered since then, was taken and has not come back."""
    taken = (MessageStatus.ACCEPTED, MessageStatus.DELIVERED)
    found = select(messages.c.id).where(
        messages.c.enrolment_id == enrolment_id,
        messages.c.claimed_at >= since,
        messages.c.status.in_(taken),
    )
    return connection.scalar(found.limit(1)) is not None


# --- Jumps -----------------------------------------------------------------------------------


def find_jump(connection: Connection) -> Jump | None:
    """The jump that nobody has looked at yet, if there is one."""
    columns = (bounce_jumps.c.found_at, bounce_jumps.c.bounced, bounce_jumps.c.accepted)
    row = connection.execute(select(*columns).where(bounce_jumps.c.open == _OPEN)).first()
    return Jump(*row) if row else None


def keep_jump_open(connection: Connection) -> bool:
    """Whether a jump is open, which it stays until this transaction ends."""
    found = select(bounce_jumps.c.id).where(bounce_jumps.c.open == _OPEN)
    return connection.scalar(found.with_for_update(read=True)) is not None


def last_looked_at(connection: Connection) -> datetime | None:
    """When the owner last looked at a jump."""
    found: datetime | None = connection.scalar(select(func.max(bounce_jumps.c.looked_at)))
    return found


def open_jump(connection: Connection, bounced: int, accepted: int, now: datetime) -> bool:
    """Ask the owner about a jump; return whether they are not asked already."""
    row = {"found_at": now, "bounced": bounced, "accepted": accepted, "open": _OPEN}
    return bool(insert_new(connection, bounce_jumps, [row], "id"))


def close_jump(connection: Connection, judged: str, now: datetime) -> bool:
    """Keep what the owner made of the open jump; return whether nothing is held any more.

    Where something was held in the meantime, the jump stays open.
    """
    mine = bounce_jumps.c.open == _OPEN
    connection.execute(select(bounce_jumps.c.id).where(mine).with_for_update())
    if returned_people(connection, Bounce.HELD):
        return False
    values = {"open": None, "looked_at": now, "judged": judged}
    connection.execute(update(bounce_jumps).where(mine).values(values))
    return True


def count_returned_for_good(connection: Connection, since: datetime, besides: int) -> int:
    """How many people's mail a provider says has come back for good since then, one aside."""
    lately = (events.c.happened_at > since) & (events.c.subscriber_id != besides)
    told = _told_by_providers(_FOR_GOOD) & lately
    return connection.scalar(select(func.count(distinct(events.c.subscriber_id))).where(told)) or 0


def count_accepted(connection: Connection, since: datetime) -> int:
    """How many mails were accepted since then."""
    counted = select(func.count()).select_from(messages).where(messages.c.accepted_at > since)
    return connection.scalar(counted) or 0


def returned_people(
    connection: Connection, bounce: Bounce, since: datetime | None = None
) -> dict[int, datetime]:
    """Whose mail a provider says has come back in that way, and when it last did."""
    told = _told_by_providers([bounce])
    if since is not None:
        told &= events.c.happened_at > since
    last = select(events.c.subscriber_id, func.max(events.c.happened_at)).where(told)
    return {row[0]: row[1] for row in connection.execute(last.group_by(events.c.subscriber_id))}


def reword(
    connection: Connection,
    subscriber_id: int,
    of: Bounce,
    to: Bounce,
    since: datetime | None = None,
) -> None:
    """Say of one person's bounces of one kind, or the later ones, that they are of another."""
    theirs = events.c.subscriber_id == subscriber_id
    if since is not None:
        theirs &= events.c.happened_at > since
    connection.execute(update(events).where(events.c.bounce == of, theirs).values(bounce=to))


def _told_by_providers(bounces: Collection[Bounce]) -> ColumnElement[bool]:
    """Bounces of people we know, those aside that the mail server told us itself."""
    known = events.c.subscriber_id.is_not(None)
    return events.c.bounce.in_(bounces) & (events.c.source != _OWN) & known
