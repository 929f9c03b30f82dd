"""Proof of consent: what someone agreed to, when, where and in which words."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.subscribers.awaited import AwaitedConsent, open_among
from nurture.domain.subscribers.consent import ConsentRecord, Consents, Purpose
from nurture.domain.subscribers.suppression import Suppression
from nurture.store.database import Database
from nurture.store.tables.awaited_consents import awaited_of
from nurture.store.tables.consents import consent_records
from nurture.store.tables.subscribers import find_subscriber
from nurture.store.tables.suppressions import suppressions_of


@dataclass(frozen=True, slots=True)
class Proof:
    """A person's consent records, oldest first, and the consents they add up to now.

    What is `awaited` was ticked in a form, and has no effect before they confirm it.
    """

    address: str
    time_zone: str
    confirmed_at: datetime | None
    consents: Consents
    records: tuple[ConsentRecord, ...]
    suppressions: tuple[Suppression, ...]
    awaited: tuple[AwaitedConsent, ...] = ()

    @property
    def present(self) -> frozenset[Purpose]:
        """The purposes they agree to now."""
        return self.consents.purposes

    def find_awaited(self, purpose: Purpose) -> AwaitedConsent | None:
        """Return the tick for a purpose that they have not confirmed yet, if there is one."""
        return next((one for one in self.awaited if one.purpose is purpose), None)

    def latest(self, purpose: Purpose) -> ConsentRecord | None:
        """Return the latest record for a purpose, or `None` if there is none."""
        return next((r for r in reversed(self.records) if r.purpose is purpose), None)


def prove(database: Database, subscriber_id: int) -> Proof | None:
    """Return the evidence of all a person's consents and refusals; `None` if they are unknown."""
    with database.reading() as connection:
        person = find_subscriber(connection, subscriber_id)
        if person is None:
            return None
        return Proof(
            address=person.address,
            time_zone=person.time_zone,
            confirmed_at=person.confirmed_at,
            consents=person.consents,
            records=tuple(consent_records(connection, person.id)),
            suppressions=tuple(suppressions_of(connection, person.address_hash)),
            awaited=tuple(open_among(awaited_of(connection, person.id), person.consents)),
        )
