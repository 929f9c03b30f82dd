"""Pausing and resuming a whole sequence."""

from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.pause import spread
from nurture.domain.sequences.sequence import Sequence
from nurture.services.catalogue import Catalogue, Published
from nurture.store.database import Database
from nurture.store.tables import enrolments, message_changes, sequences

#: The period over which overdue emails are spread, unless the caller says otherwise.
USUAL_SPAN = timedelta(days=2)


class UnknownSequenceError(NurtureError):
    """No sequence with that name has been published."""


def get_sequence(published: Published, key: str) -> Sequence:
    """Return the published sequence with that name; may raise `UnknownSequenceError`."""
    if key not in published.sequences:
        raise UnknownSequenceError(
            f"There is no sequence “{key}”.",
            remedy=f"The sequences are {', '.join(sorted(published.sequences))}.",
        )
    return published.sequences[key]


def pause(database: Database, catalogue: Catalogue, sequence: str, now: datetime) -> bool:
    """Send nothing from a sequence, except requested guides, until it is resumed.

    Messages that workers have claimed but not yet offered are taken back. Return whether it was
    running before. May raise `UnknownSequenceError`.
    """
    with database.writing() as connection:
        get_sequence(catalogue.current(connection), sequence)
        changed = sequences.set_paused(connection, sequence, now)
        why = Reason(Code.SEQUENCE_WAS_PAUSED)
        taken = message_changes.cancel_claimed(connection, sequence, why)
        enrolments.look_at_once(connection, enrolments.of_enrolments(taken), now)
    return changed


def resume(
    database: Database,
    catalogue: Catalogue,
    sequence: str,
    now: datetime,
    over: timedelta = USUAL_SPAN,
) -> int:
    """Resume a paused sequence; return how many people were waiting for it.

    They are spread evenly over the working hours of `over`, longest wait first. Each gets the one
    step they are waiting for, which the pause has not made late, and the wait for the next one
    starts from there. May raise `UnknownSequenceError`.
    """
    with database.writing() as connection:
        published = catalogue.current(connection)
        get_sequence(published, sequence)
        sequences.set_paused(connection, sequence, None)
        held = sequences.hold_paused(connection, sequence)
        waiting = sequences.waiting_for(connection, sequence, held)
        zone = published.practice.time_zone
        moments = spread(len(waiting), now, over, published.calendar, zone)
        sequences.look_at_each(connection, dict(zip(waiting, moments, strict=True)))
        # Only the others: those looked at have their excuse, and each is changed only once.
        sequences.end_excuses(connection, sequence, set(held) - set(waiting), now)
    return len(waiting)


def count_waiting(database: Database, sequence: str) -> int:
    """Return how many people with a due step are waiting for a paused sequence to resume."""
    with database.reading() as connection:
        return sequences.count_waiting(connection, sequence)
