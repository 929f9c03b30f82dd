"""Reading the dates of a list, whichever country's way they are written in."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = (
    r"(?:[T ,]+(?:at )?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})"
    r"(?:[.,](?P<part>\d+))?)?(?:\s*(?P<half>[ap])\.?m\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|BST|C?EST|CET|EDT|[CMP][SD]T"
    r"|(?:UTC|GMT)?\s*[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}}){_TIME}", re.I
)
_YEAR_LAST = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<then>\d{{1,2}})(?P=sign)"
    rf"(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    re.I,
)
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_DAY_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er)?[\s-]*(?:of |de )?"
    rf"(?P<name>[^\W\d_]{{3,10}})\.?,?[\s-]*(?:de )?(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    re.I,
)
_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]{{3,10}})\.?[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+"
    rf"(?P<year>\d{{4}}){_TIME}",
    re.I,
)
_NUMBER = re.compile(r"\d{5}(?:[.,]\d+)?")
_SECONDS = re.compile(r"1\d{9}(?:\d{3})?")

#: Months by their first letters in English, German, French, Spanish and Dutch.
_MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        ("jan ene", "feb fév fev", "mar mär mrz maa", "apr avr abr", "may mai mei mayo", "jun juin")
        + ("jul juil", "aug aoû aou ago", "sep", "oct okt", "nov", "dec dez déc dic"),
        1,
    )
    for name in re.findall(r"\S+", names)
}
_OFFSETS = {"BST": 1, "CET": 1, "CEST": 2, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5} | {
    zone: -hours for zone, hours in {"MST": 7, "MDT": 6, "PST": 8, "PDT": 7}.items()
}

#: Excel counts days from here (its 1900 was a leap year); from 1920 to 2119, as people live.
_DAY_NOUGHT, _SERIALS = datetime.fromisoformat("1899-12-30"), (7_306, 80_000)


@lru_cache(maxsize=4096)
def moment_in(cell: str, *, day_first: bool, zone: str) -> datetime | None:
    """Return the moment that a cell names, in UTC, or `None` if it names none.

    Times without a zone are read in `zone`, days alone as their midnight there. With `day_first`,
    04/03/2019 is 4 March. A number is a day as Excel counts them, or seconds since 1970.
    """
    try:
        local = _local(cell, day_first)
        if local is None or local.tzinfo:
            return local and local.astimezone(UTC)
        return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_comes_first(cells: Iterable[str]) -> tuple[bool | None, bool]:
    """Return which way the dates of a column are written, and whether some contradict that.

    `True` is 31/12/2019 and `False` 12/31/2019; `None` means that no date decides.
    """
    ways = {way for cell in cells if (way := order_in(cell)[0]) is not None}
    return (True, True) if len(ways) > 1 else (next(iter(ways), None), False)


@lru_cache(maxsize=4096)
def order_in(cell: str) -> tuple[bool | None, bool]:
    """Return which way one date must be written, if it tells, and whether it could be either."""
    found = _YEAR_LAST.fullmatch(cell)
    if found is None or found["sign"] == ".":
        return None, False
    first, then = int(found["first"]), int(found["then"])
    if first > 12 or then > 12:
        return (first > 12 if (first > 12) is not (then > 12) else None), False
    return None, first != then


def _local(cell: str, day_first: bool) -> datetime | None:
    if found := _YEAR_FIRST.fullmatch(cell):
        return _composed(found, int(found["month"]), int(found["day"]))
    if found := _YEAR_LAST.fullmatch(cell):
        first, then = int(found["first"]), int(found["then"])
        by_day = day_first or found["sign"] == "."
        return _composed(found, then if by_day else first, first if by_day else then)
    if found := _DAY_MONTH.fullmatch(cell) or _MONTH_DAY.fullmatch(cell):
        month = _month(found["name"])
        return _composed(found, month, int(found["day"])) if month else None
    return _counted(cell)


def _month(name: str) -> int:
    small = name.casefold()
    return _MONTHS.get(small[:4]) or _MONTHS.get(small[:3]) or 0


def _composed(found: re.Match[str], month: int, day: int) -> datetime:
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 1900 if year >= 69 else 2000
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("No clock shows this.")
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    fraction = int(float(f"0.{found['part'] or 0}") * 1_000_000)
    zone = _zone(found["zone"]) if found["zone"] else None
    named = datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)
    return named.replace(tzinfo=zone)


def _zone(text: str) -> timezone:
    name = text.upper()
    digits = re.sub(r"[^\d]", "", name)
    if not digits:
        return timezone(timedelta(hours=_OFFSETS.get(name, 0)))
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-ahead if "-" in name else ahead)


def _counted(cell: str) -> datetime | None:
    if _NUMBER.fullmatch(cell):
        days = float(cell.replace(",", "."))
        if not _SERIALS[0] <= days <= _SERIALS[1]:
            return None
        return _DAY_NOUGHT + timedelta(seconds=round(days * 86_400))
    if _SECONDS.fullmatch(cell):
        return datetime.fromtimestamp(int(cell[:10]), UTC)
    return None
