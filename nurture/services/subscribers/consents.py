"""Proving: what somebody agreed to, when, where and in which words."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.subscribers.consent import ConsentRecord, Purpose
from nurture.domain.subscribers.suppression import Suppression
from nurture.store.database import Database
from nurture.store.tables.consents import consent_records
from nurture.store.tables.subscribers import find_subscriber
from nurture.store.tables.suppressions import suppressions_of


@dataclass(frozen=True, slots=True)
class Proof:
    """One person's consent record, oldest first, and what it comes to at present."""

    address: str
    time_zone: str
    confirmed_at: datetime | None
    present: frozenset[Purpose]
    records: tuple[ConsentRecord, ...]
    suppressions: tuple[Suppression, ...]

    def latest(self, purpose: Purpose) -> ConsentRecord | None:
        """The newest word on a purpose, or `None` where nothing was ever said."""
        return next((r for r in reversed(self.records) if r.purpose is purpose), None)


def prove(database: Database, subscriber_id: int) -> Proof | None:
    """The evidence of one person's every yes and no; `None` where they are not known any more."""
    with database.reading() as connection:
        person = find_subscriber(connection, subscriber_id)
        if person is None:
            return None
        return Proof(
            address=person.address,
            time_zone=person.time_zone,
            confirmed_at=person.confirmed_at,
            present=person.consents.purposes,
            records=tuple(consent_records(connection, person.id)),
            suppressions=tuple(suppressions_of(connection, person.address_hash)),
        )
