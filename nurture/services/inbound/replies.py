"""Following a reply: the series that someone replied to goes on, waits or ends, as it says.

What they ask for still comes, as during any other pause.
"""

from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import UNTIL_RESUMED, PausedBy
from nurture.domain.sequences.enrolment import REPLIED, EnrolmentStatus
from nurture.domain.sequences.sequence import WhenReplied
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import enrolments, message_changes, subscribers
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber


def follow_reply(
    connection: Connection,
    published: Published,
    person: Subscriber,
    message: Message,
    now: datetime,
) -> None:
    """Act on a reply already stored as an event; the person must be locked.

    A reply to an email of something that has ended changes nothing.
    """
    sequence = published.sequences.get(message.sequence)
    found = enrolments.find_enrolment_in(connection, person.id, message.sequence)
    if sequence is None or found is None or found.status is not EnrolmentStatus.ACTIVE:
        return
    match sequence.replied:
        case WhenReplied.PAUSE:
            _pause(connection, person, now)
        case WhenReplied.STOP:
            _stop(connection, found.id, now)
        case WhenReplied.GO_ON:
            pass


def _pause(connection: Connection, person: Subscriber, now: datetime) -> None:
    """Pause all series of a person, who is in the middle of a talk, until the owner resumes."""
    subscribers.change_subscriber(
        connection, person.id, paused_until=UNTIL_RESUMED, paused_by=PausedBy.REPLY
    )
    message_changes.cancel_open(connection, person.id, Reason(Code.THEY_ARE_PAUSED))
    enrolments.look_at_once(connection, enrolments.of_subscriber(person.id), now)


def _stop(connection: Connection, enrolment: int, now: datetime) -> None:
    enrolments.end_enrolments(connection, [enrolment], REPLIED.status, now, REPLIED.because)
    message_changes.cancel_open_of(connection, [enrolment], Reason(Code.THEY_REPLIED))
