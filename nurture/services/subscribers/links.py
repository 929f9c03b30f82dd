"""Links: whose a link is, and what is left of someone who was erased."""

from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import Connection, Database
from nurture.store.tables import enrolments, messages, subscribers
from nurture.store.tables.suppressions import stands


class LinkSubject(StrEnum):
    """What is left of the person a link was made for.

    For `let go` (erased unconfirmed) and `erased` there is a keyed hash of the address, for `gone`
    nothing. An `unknown` number comes from a database that was restored or moved.
    """

    LET_GO = "let go"
    ERASED = "erased"
    GONE = "gone"
    UNKNOWN = "unknown"


class NobodyLeftError(NurtureError):
    """The link is ours, but its person is no longer known."""

    def __init__(self, trace: LinkSubject) -> None:
        super().__init__("This person is not known any more.")
        self.trace = trace


def get_present(database: Database, subscriber_id: int) -> int:
    """Return the current number of the person a link was made for; may raise `NobodyLeftError`.

    If they were erased unconfirmed and have signed up again, it is that of the new subscriber with
    the same address.
    """
    with database.reading() as connection:
        number = subscribers.present_number(connection, subscriber_id)
        if number is None:
            raise NobodyLeftError(_trace(connection, subscriber_id))
        return number


def nobody_behind_enrolment(database: Database, enrolment_id: int) -> NobodyLeftError:
    """Return the error that says why there is nothing to show for an enrolment."""
    with database.reading() as connection:
        found = enrolments.find_enrolment(connection, enrolment_id)
        return NobodyLeftError(_trace(connection, found.subscriber_id if found else None))


def nobody_behind_message(database: Database, message_id: int) -> NobodyLeftError:
    """Return the error that says why a message's link has nothing to confirm."""
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
