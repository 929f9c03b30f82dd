"""Pausing: stopping a whole sequence, and going on with it."""

from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.scheduling.pause import spread
from nurture.domain.sequences.sequence import Sequence
from nurture.services.catalogue import Catalogue, Published
from nurture.store.database import Connection, Database
from nurture.store.tables import enrolments, sequences

#: How long what is overdue is spread over, unless somebody says otherwise.
USUAL_SPAN = timedelta(days=2)


class UnknownSequenceError(NurtureError):
    """Nothing of that name has been published."""


def get_sequence(published: Published, key: str) -> Sequence:
    """The published sequence of that name; raises `UnknownSequenceError`."""
    if key not in published.sequences:
        raise UnknownSequenceError(
            f"There is no sequence “{key}”.",
            remedy=f"The sequences are {', '.join(sorted(published.sequences))}.",
        )
    return published.sequences[key]


def pause(database: Database, catalogue: Catalogue, sequence: str, now: datetime) -> bool:
    """Send nothing of a sequence until it is resumed, guides that are asked for aside.

    What workers have claimed is taken back as far as it has not been offered yet. Return
    whether it was under way. Raises `UnknownSequenceError`.
    """
    with database.writing() as connection:
        get_sequence(catalogue.current(connection), sequence)
        changed = sequences.set_paused(connection, sequence, now)
        _take_back(connection, sequence, now)
    return changed


def resume(
    database: Database,
    catalogue: Catalogue,
    sequence: str,
    now: datetime,
    over: timedelta = USUAL_SPAN,
) -> int:
    """Go on with a paused sequence; return how many people were waiting for that.

    They are spread evenly over the working hours of `over`, the longest waiting first. Each
    gets the one step they wait for, if it is not too late for it, and the wait for the
    next one counts from there. Raises `UnknownSequenceError`.
    """
    with database.writing() as connection:
        published = catalogue.current(connection)
        get_sequence(published, sequence)
        sequences.set_paused(connection, sequence, None)
        waiting = sequences.waiting_for(connection, sequence)
        zone = published.practice.time_zone
        moments = spread(len(waiting), now, over, published.calendar, zone)
        sequences.look_at_each(connection, dict(zip(waiting, moments, strict=True)))
    return len(waiting)


def _take_back(connection: Connection, sequence: str, now: datetime) -> None:
    taken = sequences.take_back_claimed(connection, sequence, "the sequence was paused")
    enrolments.look_at_once(connection, enrolments.of_enrolments(taken), now)


def count_waiting(database: Database, sequence: str) -> int:
    """How many people whose step is due wait for a paused sequence to go on."""
    with database.reading() as connection:
        return sequences.count_waiting(connection, sequence)
