"""Dealing with complaints: acknowledged in time, closed, noted, and forgotten a year later.

The owner answers; nothing is emailed from here. An open complaint keeps its words and its address
even if the person is erased meanwhile, because it has to be answered. A closed one keeps them for a
year, unless the person is or will be erased.
"""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.complaints import KEPT_FOR, NETWORK_KEPT_FOR, Deadline, deadline, tidied
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.catalogue import Catalogue
from nurture.store.database import Connection, Database
from nurture.store.tables import complaints
from nurture.store.tables.complaints import Complaint
from nurture.store.tables.erasures import list_erasures
from nurture.store.tables.subscribers import find_subscriber
from nurture.store.tables.suppressions import stands
from nurture.tokens import Tokens

#: The most characters of a note.
LONGEST_NOTE = 5000


class NoComplaintError(NurtureError):
    """There is no complaint with that number or reference."""


@dataclass(frozen=True, slots=True)
class ComplaintState:
    """A complaint with the time left to acknowledge it, if that is still to be done.

    `person` is the number of the subscriber it came from, unless they are unknown or erased.
    """

    complaint: Complaint
    deadline: Deadline | None
    person: int | None

    @property
    def stage(self) -> str:
        """How far it is: `waiting`, `acknowledged` or `closed`."""
        if self.complaint.closed_at:
            return "closed"
        return "acknowledged" if self.complaint.acknowledged_at else "waiting"


def list_states(database: Database, catalogue: Catalogue, now: datetime) -> list[ComplaintState]:
    """Return every complaint: those to be acknowledged first, oldest first, then newest first."""
    with database.reading() as connection:
        time_zone = catalogue.current(connection).practice.time_zone
        waiting = complaints.unacknowledged(connection)
        numbers = {one.id for one in waiting}
        others = [one for one in complaints.list_complaints(connection) if one.id not in numbers]
        return [_state(connection, one, time_zone, now) for one in (*waiting, *others)]


def list_waiting(connection: Connection, time_zone: str, now: datetime) -> list[ComplaintState]:
    """Return the complaints to be acknowledged, oldest first."""
    waiting = complaints.unacknowledged(connection)
    return [_state(connection, one, time_zone, now) for one in waiting]


def find_state(
    database: Database, catalogue: Catalogue, number: int, now: datetime
) -> ComplaintState | None:
    """Return one complaint, or `None` if there is none with that number."""
    with database.reading() as connection:
        found = complaints.find_complaint(connection, number)
        if found is None:
            return None
        time_zone = catalogue.current(connection).practice.time_zone
        return _state(connection, found, time_zone, now)


def list_of_person(database: Database, person: int, address: str) -> list[tuple[int, datetime]]:
    """Return the numbers and times of the complaints of one person, oldest first."""
    with database.reading() as connection:
        rows = complaints.complaints_of(connection, [person], address)
    return [(row["id"], row["received_at"]) for row in rows]


def identify(database: Database, named: str) -> int:
    """Return the number of the complaint with that number or reference.

    Raise `NoComplaintError` if there is none.
    """
    with database.reading() as connection:
        number = complaints.find_number(connection, named.strip())
        if number is None and named.isascii() and named.isdigit() and len(named) < 10:
            found = complaints.find_complaint(connection, int(named))
            number = found.id if found else None
    if number is None:
        raise NoComplaintError(
            f"There is no complaint “{named}”.", remedy="“nurture complaints” lists them."
        )
    return number


def acknowledge(database: Database, number: int, now: datetime) -> Complaint:
    """Record that its receipt has been acknowledged; the first time counts."""
    with database.writing() as connection:
        found = _hold(connection, number)
        if found.acknowledged_at is None:
            complaints.change_complaint(connection, number, acknowledged_at=now)
        return complaints.get_complaint(connection, number)


def close(database: Database, tokens: Tokens, number: int, now: datetime) -> Complaint:
    """Record that it has been answered; the first time counts.

    An answer acknowledges it as well. If the person has been erased meanwhile, nothing says whose
    it was from then on.
    """
    with database.writing() as connection:
        found = _hold(connection, number)
        if found.closed_at is None:
            acknowledged_at = found.acknowledged_at or now
            values = {"closed_at": now, "acknowledged_at": acknowledged_at}
            complaints.change_complaint(connection, number, **values)
            if _is_erased(connection, tokens, found):
                complaints.empty_complaints(connection, [number])
                list_erasures(connection, [None], now)
        return complaints.get_complaint(connection, number)


def note(database: Database, number: int, words: str) -> None:
    """Replace the note of a complaint; one that has been emptied takes no new words."""
    with database.writing() as connection:
        if _hold(connection, number).address is not None:
            complaints.change_complaint(connection, number, note=tidied(words)[:LONGEST_NOTE])


def forget_old(connection: Connection, now: datetime) -> int:
    """Empty the complaints closed more than a year ago, and older networks; return how many."""
    forgotten = complaints.empty_closed_before(connection, now - KEPT_FOR)
    return forgotten + complaints.forget_networks(connection, now - NETWORK_KEPT_FOR)


def _hold(connection: Connection, number: int) -> Complaint:
    found = complaints.find_complaint(connection, number, lock=True)
    if found is None:
        raise NoComplaintError("There is no such complaint.")
    return found


def _is_erased(connection: Connection, tokens: Tokens, complaint: Complaint) -> bool:
    if complaint.subscriber_id is not None:
        return find_subscriber(connection, complaint.subscriber_id) is None
    hashes = tokens.address_hashes(complaint.address or "")
    return any(stands(connection, one, SuppressionReason.ERASED) for one in hashes)


def _state(
    connection: Connection, complaint: Complaint, time_zone: str, now: datetime
) -> ComplaintState:
    waits = complaint.acknowledged_at is None and complaint.closed_at is None
    left = deadline(complaint.received_at, now, time_zone) if waits else None
    number = complaint.subscriber_id
    known = number is not None and find_subscriber(connection, number) is not None
    return ComplaintState(complaint, left, number if known else None)
