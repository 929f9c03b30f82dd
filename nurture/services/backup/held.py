"""Held steps: what was due between a backup and its restore is sent or dropped by the owner."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.missed_steps import take_as_sent
from nurture.services.catalogue import Catalogue, Published
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import broadcasts, enrolments, holds, offers
from nurture.store.tables.enrolments import Enrolment, columns_of
from nurture.store.tables.message_changes import cancel_steps
from nurture.store.tables.restores import Gap, last_gap


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for one person in one sequence: the emails that were due by now.

    Someone `brought_back` signed up on the lost machine, so their links from it no longer work.
    `delivered` is how many of that machine's emails the mail provider says reached them since the
    backup, and `delivered_at` is when the last one did.
    """

    enrolment: int
    address: str
    name: str
    sequence: str
    steps: tuple[str, ...]
    brought_back: bool = False
    delivered: int = 0
    delivered_at: datetime | None = None


def hold_missed(database: Database, catalogue: Catalogue, now: datetime) -> None:
    """Hold whatever may have been sent by now, guides included, and what was claimed at the backup.

    What was claimed counts towards the account's limits, because it may have been sent just now.
    Broadcasts are stopped, and nobody is added to their audiences.
    Many enrolments are due with nothing to send; these cannot have been sent anything.
    """
    with database.writing() as connection:
        broadcasts.stop_all(connection, now)
        in_hand, due = holds.take_out_of_hand(connection), holds.due_by(connection, now)
        offers.add_offers(connection, len(in_hand), now)
        if in_hand or due:
            published = catalogue.current(connection)
            found = (enrolments.find_enrolment(connection, number) for number in due)
            owed = {one.id for one in found if one and missed(published, one, now)}
            holds.hold(connection, sorted(owed | in_hand), now)


def list_held(
    database: Database, catalogue: Catalogue, now: datetime, person: int | None = None
) -> list[Held]:
    """Return everything that is held, or what is held for one person, longest due first."""
    with database.reading() as connection:
        numbers = holds.held_numbers(connection, person)
        if not numbers:
            return []
        published = catalogue.current(connection)
        whose = holds.whose(connection, numbers)
        found = (enrolments.find_enrolment(connection, number) for number in numbers)
        gap = last_gap(connection)
        told = holds.delivered_to(connection, numbers, gap.begun_at) if gap else {}
        return [
            _held(published, one, whose[one.id], gap, told.get(one.subscriber_id, ()), now)
            for one in found
            if one
        ]


def count_held(database: Database) -> int:
    """Return how many enrolments are held."""
    with database.reading() as connection:
        return holds.count_held(connection)


def let_go_on(database: Database, enrolment_ids: Collection[int], now: datetime) -> None:
    """Send what is held after all: it was never received, or a second copy does no harm."""
    with database.writing() as connection:
        locks.hold(connection, enrolments.of_enrolments(enrolment_ids))
        holds.release(connection, enrolment_ids, now)


def drop(
    database: Database, catalogue: Catalogue, enrolment_ids: Collection[int], now: datetime
) -> None:
    """Treat what is held as sent: the sequence carries on after it, at its own pace."""
    for number in enrolment_ids:
        with database.writing() as connection:
            found = enrolments.find_enrolment(connection, number)
            if found:
                locks.hold_subscriber(connection, found.subscriber_id)
            _drop(connection, catalogue.current(connection), number, now)


def _drop(connection: Connection, published: Published, number: int, now: datetime) -> None:
    if number not in holds.held_numbers(connection):
        return
    found = enrolments.find_enrolment(connection, number)
    sequence = published.find_sequence(found.sequence) if found else None
    if found and sequence:
        progress, steps = take_as_sent(sequence, found.progress, now, published.calendar)
        cancel_steps(
            connection, [(number, step) for step in steps], Reason(Code.DROPPED_AFTER_RESTORE)
        )
        columns = {"passed": progress.passed, **columns_of(progress)}
        enrolments.change_enrolment(connection, number, now, **columns)
    holds.release(connection, [number], now)


def missed(published: Published, found: Enrolment, now: datetime) -> tuple[str, ...]:
    """Return the emails of an enrolment that were due by now."""
    sequence = published.find_sequence(found.sequence)
    if sequence is None:
        return ()
    return take_as_sent(sequence, found.progress, now, published.calendar)[1]


def _held(
    published: Published,
    found: Enrolment,
    whose: tuple[str, str],
    gap: Gap | None,
    delivered: Sequence[datetime],
    now: datetime,
) -> Held:
    return Held(
        found.id,
        *whose,
        found.sequence,
        missed(published, found, now),
        brought_back=gap is not None and found.progress.enrolled_at >= gap.restored_at,
        delivered=len(delivered),
        delivered_at=max(delivered, default=None),
    )
