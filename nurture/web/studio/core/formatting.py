"""How studio pages show times and numbers."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, g

from nurture.bootstrap import Context
from nurture.domain.practice import Practice
from nurture.web.studio.core.navigation import navigation


def put_into(studio: Blueprint, context: Context) -> None:
    """Give every studio page the practice, the navigation and the filters."""
    studio.context_processor(
        lambda: {"practice": _practice(context), "navigation": navigation, "now": context.clock()}
    )
    studio.add_app_template_filter(lambda moment: say_moment(local(context, moment)), "moment")
    studio.add_app_template_filter(
        lambda moment: say_day(local(context, moment).date()), "local_day"
    )
    studio.add_app_template_filter(lambda moment: f"{local(context, moment):%H:%M}", "clock_time")
    studio.add_app_template_filter(lambda moment: say_long_day(local(context, moment)), "long_day")
    studio.add_app_template_filter(
        lambda moment: say_when(local(context, moment), local(context, context.clock())), "when"
    )
    studio.add_app_template_filter(
        lambda moment: say_until(local(context, moment), local(context, context.clock())), "until"
    )
    studio.add_app_template_filter(say_day, "day")
    studio.add_app_template_filter(count, "counted")
    studio.add_app_template_filter(lambda moment: say_ago(context.clock() - moment), "ago")


def local(context: Context, moment: datetime) -> datetime:
    """Return a moment in the practice's time zone."""
    return moment.astimezone(ZoneInfo(_practice(context).time_zone))


def say_day(day: date) -> str:
    """Format a day as people write it: `Tue 24 Nov`."""
    return f"{day:%a} {day.day} {day:%b}"


def say_long_day(day: date) -> str:
    """Format a day in full: `Tuesday 24 November`."""
    return f"{day:%A} {day.day} {day:%B}"


def say_moment(moment: datetime) -> str:
    """Format a moment as people write it: `Tue 24 Nov, 08:30`."""
    return f"{say_day(moment.date())}, {moment:%H:%M}"


def say_when(moment: datetime, now: datetime) -> str:
    """Format a moment within a sentence: `today at 14:05`, `on Tue 24 Nov at 08:30`."""
    days = (moment.date() - now.date()).days
    day = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days, f"on {say_day(moment.date())}")
    return f"{day} at {moment:%H:%M}"


def say_until(moment: datetime, now: datetime) -> str:
    """Format a moment to follow “until” or “from”: `14:05 today`, `08:30 on Tue 24 Nov`."""
    day = say_when(moment, now).removesuffix(f" at {moment:%H:%M}")
    return f"{moment:%H:%M} {day}"


def say_ago(length: timedelta) -> str:
    """Format how long ago something was, in the one unit that fits."""
    minutes = int(length.total_seconds()) // 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{count(minutes, 'minute')} ago"
    if minutes < 48 * 60:
        return f"{count(minutes // 60, 'hour')} ago"
    return f"{count(minutes // (24 * 60), 'day')} ago"


def count(number: int, one: str, many: str = "") -> str:
    """Format a number with its noun: `1 person`, `1,200 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _practice(context: Context) -> Practice:
    """Return the practice, read once per request however many times a page needs it."""
    found: Practice | None = g.get("practice")
    if found is None:
        found = g.practice = context.practice
    return found


def whole_number(said: str) -> int | None:
    """Return a number that a row may have, or None; only a few ASCII digits are accepted."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None
