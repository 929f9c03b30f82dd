"""A simulation printed as a calendar, in plain lines."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from nurture.domain.reasons import in_words
from nurture.domain.simulation.world import SimulatedEvent, What
from nurture.services.simulation.world import Simulated

_COLOURS = {What.SENT: "green", What.SKIPPED: "yellow", What.ENDED: "magenta"}


def calendar(simulated: Simulated, sequence: str) -> Iterator[str]:
    """Yield the lines of one person's calendar, week by week, in their own time zone."""
    zone = ZoneInfo(simulated.person.facts.time_zone)
    yield click.style(f"{simulated.person.name}, times in {zone.key}", bold=True)
    week, offset = None, None
    for entry in simulated.entries:
        local = entry.at.astimezone(zone)
        monday = local.date() - timedelta(days=local.weekday())
        if monday != week:
            week = monday
            yield f"\nweek of {monday:%d %B %Y}"
        if offset is not None and local.utcoffset() != offset:
            yield f"  -- the clocks change: times are {local.tzname()} from here on --"
        offset = local.utcoffset()
        yield _line(entry, local, sequence)
    if not simulated.entries:
        yield "  nothing will happen"


def _line(entry: SimulatedEvent, local: datetime, sequence: str) -> str:
    label = entry.kind if entry.what in (What.SENT, What.DID) else entry.what
    step = entry.step if entry.sequence in ("", sequence) else f"{entry.sequence}/{entry.step}"
    said = "  ".join(filter(None, (step.strip("/"), _remark(entry, local))))
    text = f"  {local:%a %d %b %Y %H:%M}  {label:<11} {said}".rstrip()
    return click.style(text, fg=_COLOURS.get(entry.what), dim=entry.what is What.DID)


def why_of(entry: SimulatedEvent) -> str:
    """Put into words why something happens, or name the form or the purpose."""
    return in_words(entry.why) if entry.why else entry.about


def _remark(entry: SimulatedEvent, local: datetime) -> str:
    zone, why = local.tzinfo, why_of(entry)
    if entry.what is What.POSTPONED and entry.until:
        return f"until {entry.until.astimezone(zone):%a %d %b %H:%M}: {why}"
    if entry.what is What.WAITING and entry.until:
        return f"no later than {entry.until.astimezone(zone):%a %d %b %Y %H:%M}: {why}"
    if entry.what is What.ENDED:
        return f"({entry.kind}: {why})" if why else f"({entry.kind})"
    if entry.what is What.DID:
        return why
    return f"({why})" if why else "  ".join(f"<- {note}" for note in notes(entry))


def notes(entry: SimulatedEvent) -> list[str]:
    """Explain what moved a step that came when it was due: bank holidays and clock changes."""
    timing = entry.timing
    if timing is None or entry.at > timing.due_at:
        return []
    said = []
    if timing.holidays:
        days = ", ".join(f"{day:%a %d %b}" for day in timing.holidays)
        plural = "s" if len(timing.holidays) > 1 else ""
        said.append(f"not on {days}: bank holiday{plural}")
    if timing.clocks_change_on:
        how = "forward" if timing.clocks_by > timedelta(0) else "back"
        said.append(f"clocks go {how} on {timing.clocks_change_on:%a %d %b}")
    return said
