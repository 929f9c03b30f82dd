"""Tracing: whose link it is, and what is left of somebody who was let go or erased."""

from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import Connection, Database
from nurture.store.tables import enrolments, messages, subscribers
from nurture.store.tables.suppressions import stands


class LinkSubject(StrEnum):
    """What is left of somebody whom a link was made for.

    Of the `let go` and the `erased` there is a keyed hash of the address, of the `gone`
    nothing. An `unknown` number comes of a database that was put back or moved.
    """

    LET_GO = "let go"
    ERASED = "erased"
    GONE = "gone"
    UNKNOWN = "unknown"


class NobodyLeftError(NurtureError):
    """The link is ours, and the person behind it is not known any more."""

    def __init__(self, trace: LinkSubject) -> None:
        super().__init__("This person is not known any more.")
        self.trace = trace


def get_present(database: Database, subscriber_id: int) -> int:
    """The number by which whoever a link was made for is known now; raises `NobodyLeftError`.

    Whoever was let go and has signed up again since is somebody with the same address.
    """
    with database.reading() as connection:
        number = subscribers.present_number(connection, subscriber_id)
        if number is None:
            raise NobodyLeftError(_trace(connection, subscriber_id))
        return number


def nobody_behind_enrolment(database: Database, enrolment_id: int) -> NobodyLeftError:
    """Why there is nothing to show about an enrolment."""
    with database.reading() as connection:
        found = enrolments.find_enrolment(connection, enrolment_id)
        return NobodyLeftError(_trace(connection, found.subscriber_id if found else None))


def nobody_behind_message(database: Database, message_id: int) -> NobodyLeftError:
    """Why there is nothing to be confirmed by a message's link."""
    with database.reading() as connection:
        found = messages.find_message(connection, message_id)
        return NobodyLeftError(_trace(connection, found.subscriber_id if found else None))


def _trace(connection: Connection, subscriber_id: int | None) -> LinkSubject:
    address_hash = None
    if subscriber_id is not None:
        address_hash = subscribers.find_hash(connection, subscriber_id)
    if not address_hash:
        return LinkSubject.UNKNOWN if address_hash is None else LinkSubject.GONE
    erased = stands(connection, address_hash, SuppressionReason.ERASED)
    return LinkSubject.ERASED if erased else LinkSubject.LET_GO
