"""Spellings: what people did under other addresses that arrive in the same mailbox."""

from datetime import datetime

import sqlalchemy as sa

from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import lifted_suppressions, suppressions


def guide_wanted_at(
    connection: sa.Connection, subscriber_id: int | None, mailbox_hash: str, sequence: str
) -> datetime | None:
    """Return when another spelling of a mailbox last asked for a guide, if it ever did.

    `mailbox_hash` is the hash of the mailbox's own key.
    """
    person = subscribers.c
    spelt = (person.address_hash == mailbox_hash) | (person.mailbox_hash == mailbox_hash)
    others = sa.select(person.id).where(spelt, person.id != (subscriber_id or 0), ~person.erased)
    theirs = enrolments.c.subscriber_id.in_(others) & (enrolments.c.sequence == sequence)
    latest = sa.select(sa.func.max(enrolments.c.guide_wanted_at)).where(theirs)
    found: datetime | None = connection.scalar(latest)
    return found


def refused_by_one_spelling(connection: sa.Connection) -> list[int]:
    """Return the numbers of people whose refusal their mailbox does not know, and has not lifted.

    A program of the time before mailboxes were known stores a refusal for one spelling only.
    """
    own, person = suppressions.c, subscribers.c
    reason = sa.case(
        (own.reason == SuppressionReason.ERASED, SuppressionReason.UNSUBSCRIBED), else_=own.reason
    )
    of_mailbox, lifted = suppressions.alias(), lifted_suppressions.c
    known = sa.exists().where(
        of_mailbox.c.address_hash == person.mailbox_hash, of_mailbox.c.reason == reason
    )
    taken_back = sa.exists().where(
        lifted.address_hash == person.mailbox_hash,
        lifted.reason == reason,
        lifted.lifted_at > own.since,
    )
    theirs = (own.address_hash == person.address_hash) & person.mailbox_hash.is_not(None)
    found = sa.select(person.id).join(suppressions, theirs)
    found = found.where(own.reason != SuppressionReason.BOUNCED, ~known, ~taken_back)
    return list(connection.scalars(found.distinct()))
