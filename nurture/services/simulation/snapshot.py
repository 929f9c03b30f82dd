"""Snapshots of real people, as they are now, for simulation."""

from collections.abc import Collection
from datetime import datetime

from nurture.domain.errors import NurtureError
from nurture.domain.scheduling.gate import HELD_BACK_AT_MOST, LONGEST_CAP
from nurture.domain.simulation.person import Person
from nurture.store.database import Connection
from nurture.store.queries.facts import facts_of
from nurture.store.queries.snapshot import standings_of
from nurture.store.tables import messages, subscribers


class NobodyError(NurtureError):
    """No one has that address."""


def portray_address(connection: Connection, address: str, now: datetime) -> Person:
    """Return the person with an address as they are now; may raise `NobodyError`."""
    found = subscribers.find_by_address(connection, address)
    if found is None:
        raise NobodyError(
            f"There is nobody with the address {address}.", remedy="Look for a slip of the pen."
        )
    return portray(connection, [found.id], now)[found.id]


def portray(
    connection: Connection, subscriber_ids: Collection[int], now: datetime
) -> dict[int, Person]:
    """Return these people as they are now, who will do nothing themselves from here on."""
    facts = facts_of(connection, subscriber_ids)
    since = now - LONGEST_CAP - HELD_BACK_AT_MOST
    mailed = messages.mailed_since(connection, subscriber_ids, since)
    return {
        number: Person(
            name=stands.address,
            facts=facts[number],
            enrolments=stands.enrolments,
            suppressions=stands.suppressions,
            paused_until=stands.paused_until,
            paused_by=stands.paused_by,
            mailed_at=tuple(mailed.get(number, ())),
            guide_on_trial=stands.guide_on_trial,
            is_unknown=stands.is_unknown,
            is_client=stands.is_client,
            may_as_client=stands.may_as_client,
            awaits_no_confirmation=stands.awaits_no_confirmation,
        )
        for number, stands in standings_of(connection, subscriber_ids).items()
        if number in facts
    }
