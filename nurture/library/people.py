"""Reading a file of people to be simulated.

[[people]]
name      = "Anna"
signs_up  = 2026-12-21T18:30:00     # on her own clock; a day alone means noon
time_zone = "Europe/London"
ticks     = ["tracking"]            # boxes beside the form: tracking, health_topics
collects  = "2 hours"               # after the guide came; or "at once", "never"
opens     = true                    # every email,
clicks    = true                    # and every article's link,
reads_after = "1 hour"              # this long after it came
does = [
  { after = "9 days", what = "pauses" },
  { at = 2027-02-01T10:00:00, what = "books" },
]
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.scheduling.window import after_wait
from nurture.domain.sequences.sequence import Sequence, parse_length, parse_wait
from nurture.domain.simulation.person import Act, Deed, Habits, Person, newcomer
from nurture.domain.subscribers.consent import Purpose
from nurture.library.reading import (
    LibraryError,
    expect,
    expect_texts,
    read_as,
    read_toml,
    refuse_unknown,
    time_zones,
    wanted,
)

_PERSON = {
    *("name", "signs_up", "time_zone", "ticks"),
    *("collects", "opens", "clicks", "reads_after", "does"),
}
_ACT = {"after", "at", "what", "email", "purpose", "form", "sequence", "topics"}

#: No one is simulated in other years, and in some of them the calendar ends.
_FIRST, _LAST = 1970, 2199

#: What a deed is about, and the file's word for it; the sequence may be left out.
_ABOUT = {
    Deed.OPENS: "email",
    Deed.CLICKS: "email",
    Deed.REPLIES: "email",
    Deed.AGREES: "purpose",
    Deed.WITHDRAWS: "purpose",
}


def parse_people(
    toml: str, sequence: Sequence, start: datetime, time_zone: str, place: str = "people.toml"
) -> list[Person]:
    """Read people who enter a sequence; raise `LibraryError` naming the person and the field.

    People without a time sign up at `start`; those without a time zone live in `time_zone`.
    """
    values = read_toml(toml, place)
    refuse_unknown(values, {"people"}, place)
    expect(values, "people", list, place)
    wanted(values, "people", place)
    return [
        _person(said, sequence, start, time_zone, f"{place}, person {number}")
        for number, said in enumerate(values["people"], 1)
    ]


def _person(said: Any, sequence: Sequence, start: datetime, zone: str, place: str) -> Person:
    if not isinstance(said, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Begin each with [[people]].")
    refuse_unknown(said, _PERSON, place)
    expect_texts(said, {"name", "time_zone", "collects", "reads_after"}, place)
    expect(said, "ticks", list, place)
    expect(said, "does", list, place)
    zone = said.get("time_zone", zone)
    if zone not in time_zones():
        raise LibraryError(f"{place}: time_zone is not known.", remedy="Write “Europe/London”.")
    at = parse_moment(said["signs_up"], zone, f"{place}, signs_up") if "signs_up" in said else start
    acts = (_act(one, sequence, at, zone, f"{place}, does {n}") for n, one in _numbered(said))
    return newcomer(
        said.get("name", place.rpartition(", ")[2]),
        at,
        sequence,
        time_zone=zone,
        ticked=tuple(read_as(Purpose, one, f"{place}, ticks") for one in said["ticks"]),
        habits=_habits(said, place),
        acts=tuple(sorted(acts, key=lambda act: act.at)),
    )


def _numbered(said: Mapping[str, Any]) -> enumerate[Any]:
    return enumerate(said["does"], 1)


def _habits(said: Mapping[str, Any], place: str) -> Habits:
    for name in ("opens", "clicks"):
        if not isinstance(said.get(name, False), bool):
            raise LibraryError(f"{place}, {name}: it must be true or false.")
    reads_after = read_as(parse_length, said.get("reads_after", "1 hour"), f"{place}, reads_after")
    collects = said.get("collects", "at once")
    return Habits(
        collects_after=_collects(collects, f"{place}, collects"),
        opens=said.get("opens", False),
        clicks=said.get("clicks", False),
        reads_after=reads_after,
    )


def _collects(said: str, place: str) -> timedelta | None:
    if said == "never":
        return None
    length: timedelta = read_as(parse_length, said, place) if said != "at once" else timedelta(0)
    return length


def _act(said: Any, sequence: Sequence, start: datetime, zone: str, place: str) -> Act:
    if not isinstance(said, dict):
        raise LibraryError(f"{place}: it is not a table.", remedy="Write { after = …, what = … }.")
    refuse_unknown(said, _ACT, place)
    expect_texts(said, _ACT - {"at", "topics"}, place)
    expect(said, "topics", list, place)
    deed = _deed(wanted(said, "what", place), place)
    topics = frozenset(map(str, said["topics"]))
    return Act(_when(said, start, zone, place), deed, _about(deed, said, sequence, place), topics)


def _deed(said: str, place: str) -> Deed:
    if said not in {str(deed) for deed in Deed}:
        known = ", ".join(f"“{deed}”" for deed in Deed)
        raise LibraryError(f"{place}: “{said}” is not known.", remedy=f"Write one of {known}.")
    return Deed(said)


def _about(deed: Deed, said: Mapping[str, Any], sequence: Sequence, place: str) -> str:
    if deed is Deed.SIGNS_UP:
        return str(said.get("form") or (sequence.form.key if sequence.form else ""))
    if deed is Deed.COLLECTS:
        return str(said.get("sequence", sequence.key))
    if deed not in _ABOUT:
        return ""
    about = str(wanted(said, _ABOUT[deed], place))
    if _ABOUT[deed] == "purpose":
        return str(read_as(Purpose, about, f"{place}, purpose"))
    return about if "/" in about else f"{sequence.key}/{about}"


def _when(said: Mapping[str, Any], start: datetime, zone: str, place: str) -> datetime:
    if ("at" in said) is ("after" in said):
        raise LibraryError(f"{place}: it needs either at or after.", remedy="Say when, once.")
    if "at" in said:
        return parse_moment(said["at"], zone, f"{place}, at")
    return after_wait(start, read_as(parse_wait, said["after"], f"{place}, after"), zone)


def parse_moment(said: Any, zone: str, place: str) -> datetime:
    """Return a moment on that wall clock (noon for a day alone), or raise `LibraryError`."""
    if isinstance(said, date) and not isinstance(said, datetime):
        said = datetime.combine(said, time(12))
    if not isinstance(said, datetime):
        raise LibraryError(f"{place}: it is not a moment.", remedy="Write 2026-12-21T18:30:00.")
    if not _FIRST <= said.year <= _LAST:
        raise LibraryError(
            f"{place}: {said.year} is not in our time.", remedy=f"Name a year up to {_LAST}."
        )
    local = said if said.tzinfo else said.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)
