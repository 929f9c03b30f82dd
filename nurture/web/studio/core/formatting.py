"""How the studio's pages say times and numbers, and what stands in their navigation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, g, request, url_for

if TYPE_CHECKING:
    from nurture.bootstrap import House
    from nurture.domain.practice import Practice

#: The first page of each area, in the order they are shown in; one that is not there is left out.
NAVIGATION = (
    ("Today", "show_today"),
    ("Sequences", "show_sequences"),
    ("Emails", "show_emails"),
    ("People", "show_people"),
    ("Segments", "show_segments"),
    ("Settings", "show_settings"),
)


def put_into(studio: Blueprint, house: House) -> None:
    """Give every page of the studio the practice, the navigation and the filters."""
    studio.context_processor(
        lambda: {"practice": _practice(house), "navigation": _navigation, "now": house.clock()}
    )
    studio.add_app_template_filter(lambda moment: say_moment(local(house, moment)), "moment")
    studio.add_app_template_filter(lambda moment: say_day(local(house, moment).date()), "local_day")
    studio.add_app_template_filter(lambda moment: f"{local(house, moment):%H:%M}", "clock_time")
    studio.add_app_template_filter(lambda moment: say_long_day(local(house, moment)), "long_day")
    studio.add_app_template_filter(say_day, "day")
    studio.add_app_template_filter(count, "counted")
    studio.add_app_template_filter(lambda moment: say_ago(house.clock() - moment), "ago")


def local(house: House, moment: datetime) -> datetime:
    """A moment on the practice's clock."""
    return moment.astimezone(ZoneInfo(_practice(house).time_zone))


def say_day(day: date) -> str:
    """A day as people write it: `Tue 24 Nov`."""
    return f"{day:%a} {day.day} {day:%b}"


def say_long_day(day: date) -> str:
    """A day in full: `Tuesday 24 November`."""
    return f"{day:%A} {day.day} {day:%B}"


def say_moment(moment: datetime) -> str:
    """A moment as people write it: `Tue 24 Nov, 08:30`."""
    return f"{say_day(moment.date())}, {moment:%H:%M}"


def say_ago(length: timedelta) -> str:
    """How long ago something was, in the one unit that fits."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{count(minutes, 'minute')} ago"
    if minutes < 48 * 60:
        return f"{count(minutes // 60, 'hour')} ago"
    return f"{count(minutes // (24 * 60), 'day')} ago"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 person`, `1,200 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _practice(house: House) -> Practice:
    """The practice, read once a request however many times a page asks."""
    found: Practice | None = g.get("practice")
    if found is None:
        found = g.practice = house.practice
    return found


def _navigation() -> list[dict[str, Any]]:
    shown = []
    for label, name in NAVIGATION:
        if f"studio.{name}" in current_app.view_functions:
            address = url_for(f"studio.{name}")
            start = url_for("studio.show_today")
            here = request.path == address or (
                address != start and request.path.startswith(address.rstrip("/") + "/")
            )
            shown.append({"label": label, "address": address, "current": here})
    return shown


def whole_number(said: str) -> int | None:
    """A number that a row may have, or None: not a sign, no other script's digits, no novel."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None
