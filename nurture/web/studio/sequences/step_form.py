"""The form for a step's timing and conditions: filling it in and interpreting it."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from nurture.domain.sequences.sequence import EVERY_DAY, WEEKDAYS, WORKING_DAYS, Late, Step, Wait
from nurture.domain.subscribers.consent import Purpose

UNITS = (("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("weeks", "weeks"))
#: What people may have to have agreed to, besides the series that the form promises.
STREAMS = (
    ("", "The emails of this series"),
    (str(Purpose.ARTICLES), "New articles"),
    (str(Purpose.NEWS), "News and offers"),
)
#: The settings with which a new email starts.
_USUAL = Step("", wait=Wait(days=4), at=time(8, 30), on=WORKING_DAYS)


def filled_in(step: Step = _USUAL) -> dict[str, Any]:
    """Return the fields of the form for a step."""
    number, unit = _as_wait(step.wait)
    chosen = "any" if step.on == EVERY_DAY else "working" if step.on == WORKING_DAYS else "chosen"
    return {
        "wait_number": number,
        "wait_unit": unit,
        "at": f"{step.at:%H:%M}" if step.at else "",
        "days": chosen,
        "weekdays": sorted(step.on.weekdays) if chosen == "chosen" else [],
        "late": str(step.late),
        "late_days": max(1, round(step.max_late / timedelta(days=1))),
        "only_if": step.only_if,
        "skip_if": step.skip_if,
        "stream": "" if step.stream in (None, Purpose.SERIES) else str(step.stream),
    }


def as_sent(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the fields of the form as sent, so that they can be shown again."""
    one = {name: form.get(name, "") for name in filled_in() if name != "weekdays"}
    return one | {"weekdays": [int(day) for day in form.getlist("weekdays") if day in _NUMBERS]}


def as_settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings the form describes, as written in a file; None removes one."""
    late = fields["late"] == Late.SKIP
    return {
        "wait": _wait(fields),
        "at": fields["at"] or None,
        "on": _days(fields),
        "late": str(Late.SKIP) if late else None,
        "max_late": f"{fields['late_days'] or 3} days" if late else None,
        "only_if": fields["only_if"] or None,
        "skip_if": fields["skip_if"] or None,
        "stream": fields["stream"] or None,
    }


_NUMBERS = frozenset(map(str, range(7)))


def _as_wait(wait: Wait) -> tuple[int, str]:
    minutes = round(wait.elapsed / timedelta(minutes=1))
    if minutes:
        return (minutes // 60, "hours") if minutes % 60 == 0 else (minutes, "minutes")
    return (wait.days // 7, "weeks") if wait.days and wait.days % 7 == 0 else (wait.days, "days")


def _wait(fields: Mapping[str, Any]) -> str | None:
    number = str(fields["wait_number"]).strip() or "0"
    return None if number.strip("0") == "" else f"{number} {fields['wait_unit']}"


def _days(fields: Mapping[str, Any]) -> str | list[str] | None:
    if fields["days"] == "chosen":
        return [WEEKDAYS[day] for day in fields["weekdays"]]
    return "working days" if fields["days"] == "working" else None
