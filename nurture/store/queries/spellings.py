"""Spellings: what people did under other addresses that arrive in the same mailbox."""

from datetime import datetime

import sqlalchemy as sa

from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import subscribers


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
