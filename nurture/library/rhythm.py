"""Reading when and how often a practice sends emails: `[hours]`, `[cap]` and `[holidays]`."""

from collections.abc import Mapping
from typing import Any

from nurture.domain.scheduling.gate import LONGEST_CAP_DAYS, Caps, one_in
from nurture.domain.scheduling.hours import (
    MOST_CLOSED_DAYS,
    ClosedDays,
    Nation,
    Rhythm,
    parse_closed_days,
)
from nurture.domain.sequences.sequence import parse_time_of_day
from nurture.library.reading import LibraryError, expect, expect_texts, read_as, refuse_unknown

TABLES = {
    "hours": {"opens", "closes"},
    "cap": {"usual_days", "fewer_days"},
    "holidays": {"bank", "closed"},
}


def take_rhythm(values: dict[str, Any], place: str) -> Rhythm:
    """Remove these tables from the practice's values and read them; raise `LibraryError`.

    Settings that are not written have their usual values.
    """
    for name, known in TABLES.items():
        expect(values, name, dict, place)
        refuse_unknown(values[name], known, f"{place}, [{name}]")
    hours, cap, holidays = (values.pop(name) for name in TABLES)
    return Rhythm(
        **_hours(hours, f"{place}, [hours]"),
        caps=_caps(cap, f"{place}, [cap]"),
        nation=_nation(holidays, f"{place}, [holidays]"),
        closed=_closed(holidays, f"{place}, [holidays]"),
    )


def _hours(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    expect_texts(values, {"opens", "closes"}, place)
    usual = Rhythm()
    opens = read_as(parse_time_of_day, values.get("opens", f"{usual.opens:%H:%M}"), place)
    closes = read_as(parse_time_of_day, values.get("closes", f"{usual.closes:%H:%M}"), place)
    if closes.hour * 60 + closes.minute < opens.hour * 60 + opens.minute + 60:
        raise LibraryError(
            f"{place}: closes must be an hour after opens at least.",
            remedy="Write for example opens = “08:00” and closes = “19:00”.",
        )
    return {"opens": opens, "closes": closes}


def _caps(values: Mapping[str, Any], place: str) -> Caps:
    usual = _days(values, "usual_days", 1, place)
    fewer = _days(values, "fewer_days", max(7, usual), place)
    if fewer < usual:
        raise LibraryError(f"{place}: fewer_days must not be less than usual_days.")
    return Caps(one_in(usual), one_in(fewer))


def _days(values: Mapping[str, Any], name: str, usual: int, place: str) -> int:
    said = values.get(name, usual)
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= LONGEST_CAP_DAYS:
        raise LibraryError(f"{place}: {name} must be a whole number, 1 to {LONGEST_CAP_DAYS}.")
    return said


def _nation(values: Mapping[str, Any], place: str) -> Nation:
    said = values.get("bank", Nation.ENGLAND)
    if said not in list(Nation):
        known = ", ".join(f"“{nation}”" for nation in Nation)
        raise LibraryError(f"{place}: bank is not known.", remedy=f"Write one of {known}.")
    return Nation(said)


def _closed(values: Mapping[str, Any], place: str) -> tuple[ClosedDays, ...]:
    said = values.get("closed", [])
    if not isinstance(said, list):
        raise LibraryError(f"{place}: closed must be a list.")
    days = [read_as(parse_closed_days, str(one), f"{place}, closed") for one in said]
    if sum(map(len, days)) > MOST_CLOSED_DAYS:
        raise LibraryError(
            f"{place}: closed has more than {MOST_CLOSED_DAYS} days.",
            remedy="Take out those that are over; for a long absence, pause the sequences.",
        )
    return tuple(sorted(set(days)))
