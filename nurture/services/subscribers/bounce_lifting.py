"""Lifting bounces: the owner allows emails to a bounced address again, and says why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.suppression import SuppressionReason, strongest
from nurture.mail.providers import registry
from nurture.services.catalogue import Catalogue
from nurture.services.subscribers.suppression import lift_bounce, note_lifted
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import bounces, subscribers, suppressions
from nurture.tokens import Tokens

#: Who lifted a bounce, as recorded in its event.
COMMAND = "command line"

#: Who could lift a suppression that is not a bounce.
WHO_LIFTS: Mapping[SuppressionReason, str] = MappingProxyType(
    {
        SuppressionReason.UNSUBSCRIBED: "They unsubscribed. Only they can take that back, on the "
        "page that every email of theirs links to.",
        SuppressionReason.COMPLAINED: "They reported an email as junk. Nobody lifts that: only "
        "they could, by writing to you from another address.",
        SuppressionReason.ERASED: "They were erased. Nobody lifts that: nothing is kept but a "
        "fingerprint of the address, so that it is never written to.",
    }
)

_LONGEST_REASON = 500


class NotLiftableError(NurtureError):
    """The address is not suppressed for a bounce; the message says who could lift it."""


@dataclass(frozen=True, slots=True)
class Lifted:
    """The result of lifting a bounce.

    `left` is why they are still not emailed, if so, and `hint` what to do at the mail provider;
    both are whole sentences.
    """

    left: str
    hint: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A suppression as the owner sees it; the address is empty if only its hash is known."""

    address: str
    address_hash: str
    reason: SuppressionReason
    since: datetime
    detail: str


def list_suppressions(database: Database) -> list[Listed]:
    """Return every suppression, newest first."""
    with database.reading() as connection:
        return [
            Listed(
                row["address"] or "",
                row["address_hash"],
                known(SuppressionReason, row["reason"], SuppressionReason.COMPLAINED),
                row["since"],
                row["detail"],
            )
            for row in suppressions.every_suppression(connection)
        ]


def lift(
    database: Database, catalogue: Catalogue, tokens: Tokens, address: str, why: str, now: datetime
) -> Lifted:
    """Lift the bounce of an address, subscriber or not. May raise `NotLiftableError`."""
    address_hash = tokens.address_hash(address_key(address))
    with database.writing() as connection:
        locks.hold_address(connection, address_hash)
        number = subscribers.find_by_hash(connection, address_hash)
        note = {"source": COMMAND, "reason": _said(why), "address_hash": address_hash}
        return _lift(connection, catalogue, number, address_hash, note, now)


def lift_of(
    database: Database, catalogue: Catalogue, subscriber_id: int, why: str, by: str, now: datetime
) -> Lifted:
    """Lift the bounce of a known subscriber; `by` is who does it. May raise `NotLiftableError`."""
    with database.writing() as connection:
        address_hash = subscribers.find_hash(connection, subscriber_id) or ""
        note = {"source": by, "reason": _said(why)}
        return _lift(connection, catalogue, subscriber_id, address_hash, note, now)


def provider_hint(connection: Connection, subscriber_id: int) -> str:
    """Return what to do if the provider that reported a bounce has its own suppression list."""
    told_by = registry().get(bounces.last_told_by(connection, subscriber_id) or "")
    return told_by.suppressions_hint if told_by and told_by.keeps_own_suppressions else ""


def _lift(
    connection: Connection,
    catalogue: Catalogue,
    number: int | None,
    address_hash: str,
    note: Mapping[str, Any],
    now: datetime,
) -> Lifted:
    person = locks.hold_subscriber(connection, number) if number is not None else None
    reasons = {one.reason for one in suppressions.suppressions_of(connection, address_hash)}
    if SuppressionReason.BOUNCED not in reasons:
        raise _not_liftable(reasons)
    if person:
        lift_bounce(connection, catalogue.current(connection), person, now, now, note)
    else:
        suppressions.lift_suppression(connection, address_hash, SuppressionReason.BOUNCED, now)
        note_lifted(connection, None, now, note)
    left = strongest(reasons - {SuppressionReason.BOUNCED})
    hint = provider_hint(connection, person.id) if person else ""
    return Lifted(WHO_LIFTS[left] if left else "", hint)


def _not_liftable(reasons: Collection[SuppressionReason]) -> NotLiftableError:
    reason = strongest(reasons)
    if reason is None:
        return NotLiftableError(
            "That address is not suppressed.", remedy="Nothing has to be lifted."
        )
    return NotLiftableError(WHO_LIFTS[reason], remedy="Only a bounce can be lifted here.")


def _said(why: str) -> str:
    said = " ".join(why.split())[:_LONGEST_REASON]
    if not said:
        raise NotLiftableError(
            "No reason was given.", remedy="Say in a few words why the address is good again."
        )
    return said
