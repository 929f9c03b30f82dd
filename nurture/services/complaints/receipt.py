"""Receiving a complaint: it is stored with its time, and nothing is emailed."""

import secrets
from datetime import datetime, timedelta

from nurture.domain.complaints import PER_HOUR, PER_NETWORK_HOUR, Wording
from nurture.domain.errors import NurtureError
from nurture.domain.tracking.networks import neighbourhood
from nurture.store.database import Connection, Database
from nurture.store.tables import complaints
from nurture.store.tables.complaints import Complaint
from nurture.store.tables.subscribers import find_by_address, find_subscriber

_HOUR = timedelta(hours=1)

#: Letters and digits that nobody mistakes for one another, on paper or on the phone.
_LEGIBLE = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class TooManyComplaintsError(NurtureError):
    """More complaints within an hour than people write; the sender should write by email."""


def address_of(database: Database, subscriber: int) -> str:
    """Return the address of the person whose link led to the form; empty if they are gone."""
    with database.reading() as connection:
        person = find_subscriber(connection, subscriber)
        return person.address if person else ""


def receive(
    database: Database,
    wording: Wording,
    address: str,
    client: str,
    now: datetime,
    subscriber: int | None = None,
) -> Complaint:
    """Store a complaint and return it; the same words sent again within an hour are stored once.

    Give the `subscriber` if the link of an email led here; their address then counts instead of
    the one that was typed. Raise `TooManyComplaintsError` if the network or everyone together has
    sent too many.
    """
    with database.writing() as connection:
        person = find_subscriber(connection, subscriber) if subscriber else None
        by_link = person is not None
        person = person or find_by_address(connection, address)
        sender = person.address if person and by_link else address
        if same := complaints.find_same(connection, sender, wording.text, now - _HOUR):
            return same
        network = neighbourhood(client)
        _refuse_floods(connection, network, now)
        return complaints.add_complaint(
            connection,
            subscriber_id=person.id if person else None,
            address=sender,
            reference=_new_reference(),
            name=wording.name,
            text=wording.text,
            answer_by=wording.answer_by,
            answer_to=wording.answer_to,
            by_link=by_link,
            network=network,
            received_at=now,
        )


def _refuse_floods(connection: Connection, network: str, now: datetime) -> None:
    from_network, of_all = complaints.count_lately(connection, network, now - _HOUR, PER_HOUR)
    # Behind a proxy that is not trusted, nobody can be distinguished.
    if (network and from_network >= PER_NETWORK_HOUR) or of_all >= PER_HOUR:
        raise TooManyComplaintsError("Too many complaints came from this network.")


def _new_reference() -> str:
    """Return a reference such as `K7QF-3MXT`, which tells nobody how many complaints there are."""
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(2))
