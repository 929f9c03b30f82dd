"""The form of a broadcast's settings: from the broadcast to its fields and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from nurture.domain.broadcasts.broadcast import (
    BROADCAST_STREAMS,
    NOW,
    Audience,
    Broadcast,
    SendTime,
    When,
)
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts.drafts import BroadcastError

#: More days than this cannot be given.
_MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class BroadcastFields:
    """What the fields contain, as typed."""

    title: str
    stream: str
    people: str
    to: tuple[str, ...]
    besides: tuple[str, ...]
    when: str
    at_day: str
    at_time: str
    on: str
    hour: str
    late: str
    late_days: str
    liveliest_first: bool
    invites: bool


def fields_of(one: Broadcast, now: datetime, zone: ZoneInfo) -> BroadcastFields:
    """Return the fields of a broadcast; times that are not chosen yet are set to tomorrow's."""
    timing = one.timing
    tomorrow = (now.astimezone(zone) + timedelta(days=1)).date()
    at = timing.at.astimezone(zone) if timing.at else datetime.combine(tomorrow, time(9))
    return BroadcastFields(
        title=one.title,
        stream=one.stream.value,
        people="segments" if one.audience.to else "everyone",
        to=one.audience.to,
        besides=one.audience.besides,
        when=timing.when.value,
        at_day=at.date().isoformat(),
        at_time=f"{at:%H:%M}",
        on=(timing.on or tomorrow).isoformat(),
        hour=f"{timing.hour or time(9):%H:%M}",
        late="send" if one.late_after is None else "drop",
        late_days=str(one.late_after.days) if one.late_after else "7",
        liveliest_first=one.liveliest_first,
        invites=one.invites,
    )


def read_fields(form: MultiDict[str, str]) -> BroadcastFields:
    """Return what was sent, as typed."""
    said = {
        name: form.get(name, "").strip()
        for name in ("title", "stream", "people", "when", "at_day", "at_time", "on", "hour", "late")
    }
    return BroadcastFields(
        **said,
        to=tuple(form.getlist("chosen")),
        besides=tuple(form.getlist("besides")),
        late_days=form.get("late_days", "").strip(),
        liveliest_first="liveliest_first" in form,
        invites="invites" in form,
    )


def settings_from(said: BroadcastFields, zone: ZoneInfo) -> Mapping[str, Any]:
    """Return the fields of `Broadcast` that are chosen; may raise `BroadcastError`."""
    return {
        "title": said.title,
        "stream": stream_from(said.stream),
        "audience": _audience(said),
        "timing": _timing(said, zone),
        "late_after": _late_after(said),
        "liveliest_first": said.liveliest_first,
        "invites": said.invites,
    }


def stream_from(said: str) -> Purpose:
    """Return the stream that was chosen; raise `BroadcastError` if none was."""
    found = next((one for one in BROADCAST_STREAMS if one.value == said), None)
    if found is None:
        raise BroadcastError("The kind of email is missing.", remedy="Choose one of the two.")
    return found


def _audience(said: BroadcastFields) -> Audience:
    if said.people == "segments" and not said.to:
        raise BroadcastError(
            "No segment is chosen.", remedy="Choose at least one, or send it to everyone."
        )
    return Audience(said.to if said.people == "segments" else (), said.besides)


def _timing(said: BroadcastFields, zone: ZoneInfo) -> SendTime:
    if said.when == When.AT:
        day, at = _day(said.at_day), _hour(said.at_time)
        return SendTime(When.AT, at=datetime.combine(day, at, tzinfo=zone))
    if said.when == When.READERS:
        return SendTime(When.READERS, on=_day(said.on), hour=_hour(said.hour))
    return NOW


def _late_after(said: BroadcastFields) -> timedelta | None:
    if said.late != "drop":
        return None
    days = said.late_days
    if not (days.isascii() and days.isdecimal() and 1 <= int(days[:9]) <= _MOST_DAYS):
        raise BroadcastError(
            "The number of days after which it is too late is missing.",
            remedy=f"Give a number from 1 to {_MOST_DAYS}.",
        )
    return timedelta(days=int(days))


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise BroadcastError(
            "The day to send it is missing or cannot be read.",
            remedy="Choose a day, such as 2026-12-07.",
        ) from None


def _hour(said: str) -> time:
    try:
        return time.fromisoformat(said).replace(tzinfo=None)
    except ValueError:
        raise BroadcastError(
            "The time to send it is missing or cannot be read.",
            remedy="Choose a time, such as 09:00.",
        ) from None
