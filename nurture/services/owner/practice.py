"""The practice's details and sending times, as the owner edits them in the studio."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from nurture.domain.errors import NurtureError
from nurture.domain.messages.link_utm import USUAL_SOURCE
from nurture.domain.scheduling.gate import LONGEST_CAP_DAYS
from nurture.domain.scheduling.hours import MOST_CLOSED_DAYS, ClosedDays, Nation, parse_closed_days
from nurture.domain.sequences.sequence import SequenceError, parse_time_of_day
from nurture.library import practice
from nurture.library.practice import parse_practice
from nurture.library.writing import with_settings
from nurture.services.catalogue import NothingPublishedError
from nurture.services.publishing.studio import publish_plan
from nurture.store.database import Database
from nurture.store.tables.revisions import RevisionKind, find_newest

_T = TypeVar("_T")

#: A practice's details, in the order of their form.
FACTS = (
    *("name", "owner", "address", "phone", "email", "website_url", "blog_url", "booking_url"),
    *("sender_name", "sender_address", "reply_to", "time_zone", "disclosure"),
    *("privacy_url", "privacy_version", "link_utm", "link_utm_source"),
)


class SlipsError(NurtureError):
    """Invalid input; `slips` say what is wrong with each field. Nothing has changed."""

    def __init__(self, slips: Mapping[str, str]) -> None:
        super().__init__(" ".join(slips.values()))
        self.slips = slips


def read_facts(database: Database) -> dict[str, str]:
    """Return the practice's details as editable text; the address keeps its line breaks."""
    facts = practice.read_facts(_published(database))
    return {name: facts[name] for name in FACTS}


def save_facts(database: Database, said: Mapping[str, str], now: datetime) -> bool:
    """Publish the details as typed; return whether any changed, or raise `SlipsError`.

    Comments in the file are preserved. Every email uses the new details from now on.
    """
    facts = {name: said.get(name, "").strip() for name in FACTS}
    lines = [line.strip() for line in facts["address"].splitlines() if line.strip()]
    facts["address"] = "\n".join(lines)
    facts["link_utm_source"] = facts["link_utm_source"] or USUAL_SOURCE
    if slips := practice.practice_slips(facts):
        raise SlipsError(slips)
    present = read_facts(database)
    changed = {name: text for name, text in facts.items() if text != present[name]}
    values: dict[str, object] = dict(changed)
    if "address" in changed:
        values["address"] = lines
    if "link_utm" in changed:
        values["link_utm"] = bool(changed["link_utm"])
    return _publish(database, with_settings(_published(database), values), now)


def read_rhythm(database: Database) -> dict[str, str]:
    """Return the practice's sending times as editable text, with a line for each closed period."""
    rhythm = parse_practice(_published(database)).rhythm
    return {
        "opens": f"{rhythm.opens:%H:%M}",
        "closes": f"{rhythm.closes:%H:%M}",
        "usual_days": str(rhythm.caps.usual.days),
        "fewer_days": str(rhythm.caps.fewer.days),
        "bank": str(rhythm.nation),
        "closed": "\n".join(map(str, rhythm.closed)),
    }


def save_rhythm(database: Database, said: Mapping[str, str], now: datetime) -> bool:
    """Publish the sending times; return whether they changed, or raise `SlipsError`.

    Enrolments that may now get something sooner are looked at immediately.
    """
    slips: dict[str, str] = {}
    hours = {name: _read(slips, name, said, _time) for name in ("opens", "closes")}
    caps = {name: _read(slips, name, said, _days) for name in ("usual_days", "fewer_days")}
    bank = _read(slips, "bank", said, _nation)
    closed = _read(slips, "closed", said, _closed)
    slips |= _contradictions(hours, caps) if not slips else {}
    if slips:
        raise SlipsError(slips)
    toml = with_settings(_published(database), hours, "hours")
    toml = with_settings(toml, caps, "cap")
    holidays = {"bank": str(bank), "closed": [str(days) for days in closed or ()]}
    return _publish(database, with_settings(toml, holidays, "holidays"), now)


def _published(database: Database) -> str:
    with database.reading() as connection:
        found = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if found is None:
        raise NothingPublishedError(
            "Nothing has been published yet.", remedy="Run “nurture publish”."
        )
    return str(found.source["toml"])


def _publish(database: Database, toml: str, now: datetime) -> bool:
    return bool(publish_plan(database, RevisionKind.PRACTICE, "practice", toml, now).changed)


def _read(
    slips: dict[str, str], name: str, said: Mapping[str, str], reader: Callable[[str], _T]
) -> _T | None:
    try:
        return reader(said.get(name, "").strip())
    except SequenceError as error:
        slips[name] = str(error)
    except ValueError as error:
        slips[name] = f"{str(error).rstrip('.')}."
    return None


def _time(text: str) -> str:
    return f"{parse_time_of_day(text):%H:%M}"


def _nation(text: str) -> Nation:
    if text not in list(Nation):
        raise ValueError(f"Choose one of {', '.join(Nation)}.")
    return Nation(text)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= LONGEST_CAP_DAYS):
        raise ValueError(f"Write a whole number from 1 to {LONGEST_CAP_DAYS}.")
    return int(text)


def _closed(text: str) -> list[ClosedDays]:
    days = [parse_closed_days(line.strip()) for line in text.splitlines() if line.strip()]
    if sum(map(len, days)) > MOST_CLOSED_DAYS:
        raise ValueError(f"More than {MOST_CLOSED_DAYS} days; take out those that are over.")
    return sorted(set(days))


def _contradictions(hours: Mapping[str, object], caps: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with two answers taken together."""
    opens, closes = (parse_time_of_day(str(hours[name])) for name in ("opens", "closes"))
    found = {}
    if (closes.hour - opens.hour) * 60 + closes.minute - opens.minute < 60:
        found["closes"] = "This must be at least an hour after the first time."
    if int(str(caps["fewer_days"])) < int(str(caps["usual_days"])):
        found["fewer_days"] = "Fewer emails cannot be more often than usual."
    return found
