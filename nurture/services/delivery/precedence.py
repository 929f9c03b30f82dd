"""Precedence: which broadcasts of a batch wait for an email of the person's series."""

from collections.abc import Collection
from dataclasses import replace

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.scheduling.precedence import MOVED_OFTEN
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.queries.due import DueEnrolment, series_awaited


def with_series_first(
    connection: Connection,
    published: Published,
    due: list[DueEnrolment],
    paused: Collection[str],
) -> list[DueEnrolment]:
    """Return what is due, its broadcasts with when an email that goes before them is awaited.

    Only sequences that go on can keep a broadcast waiting: `paused` names those that do not. The
    database is asked once, and only if a broadcast is due.
    """
    people = {one.subscriber_id for one in due if _is_unsent_broadcast(one)}
    if not people:
        return due
    going_on = published.sequences.keys() - set(paused)
    first_at = series_awaited(connection, people, going_on, MOVED_OFTEN)
    return [
        replace(one, standing=replace(one.standing, series_first_at=first_at[one.subscriber_id]))
        if one.subscriber_id in first_at and _is_unsent_broadcast(one)
        else one
        for one in due
    ]


def _is_unsent_broadcast(one: DueEnrolment) -> bool:
    return key_of(one.sequence) is not None and not one.progress.passed
