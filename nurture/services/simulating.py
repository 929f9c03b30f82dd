"""Simulating: what a sequence would do, without doing it."""

from datetime import datetime

from nurture.domain import simulation
from nurture.domain.errors import NurtureError
from nurture.domain.simulation import Entry
from nurture.library import Library
from nurture.services.catalogue import practice_calendar


def simulate(library: Library, key: str, start: datetime) -> list[Entry]:
    """The calendar of a sequence as it is written, from a signup at `start`."""
    known = {source.sequence.key: source.sequence for source in library.sequences}
    if key not in known:
        raise NurtureError(
            f"There is no sequence “{key}”.", remedy=f"There are {', '.join(sorted(known))}."
        )
    calendar = practice_calendar()
    zone = library.practice.time_zone
    return list(simulation.simulate(known[key], start, calendar, time_zone=zone))
