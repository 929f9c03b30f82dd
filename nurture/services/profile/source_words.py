"""Where someone came from, in the studio's words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.door.sources import first_touch, last_touch, others_in, page_of
from nurture.services.catalogue import Published

#: How well-known sources write their names; others are shown as they were sent.
_NAMES = {
    one.lower(): one
    for one in ("Bing", "DuckDuckGo", "Facebook", "Google", "Instagram", "LinkedIn")
    + ("Mailchimp", "Pinterest", "Reddit", "TikTok", "WhatsApp", "X", "YouTube")
}

#: How many signups are told of, and how many characters of a page or a value are shown.
_MOST, _LONGEST = 5, 80


def say_sources(
    signups: Sequence[Mapping[str, Any]], published: Published, now: datetime
) -> tuple[str, ...]:
    """Say in whole sentences where someone's signups came from, the latest first.

    The signups are those of an export. Of one about which nothing is known, nothing is said.
    """
    zone = ZoneInfo(published.practice.time_zone)
    said = (_said(row, published, zone, now) for row in reversed(signups))
    known = [sentence for one in said if one for sentence in one]
    return tuple(dict.fromkeys(known))[:_MOST]


def say_source(touch: Mapping[str, str]) -> str:
    """Say what brought someone, to follow “from”: `Google (cpc, spring-pain)`."""
    named = [_cut(touch[name]) for name in ("medium", "campaign") if name in touch]
    more = ", ".join(named)
    if "source" not in touch:
        return f"a link ({more})" if more else ""
    source = _cut(touch["source"])
    name = _NAMES.get(source.lower(), f"“{source}”")
    return f"{name} ({more})" if more else name


def say_page(page_url: str) -> str:
    """Return a page as people read it: without its scheme, `www.` and parameters."""
    return _cut(page_of(page_url))


def say_notes(row: Mapping[str, Any]) -> Iterator[str]:
    """Say where one signup came from, as the notes of its chapter."""
    if came := say_source(last_touch(row["utm"])):
        yield f"Came from {came}"
    if first := say_source(first_touch(row["utm"])):
        yield f"First came from {first}"
    if others := [f"{_cut(name)}: {_cut(row['utm'][name])}" for name in others_in(row["utm"])]:
        yield f"Also with {', '.join(others)}"
    if page := say_page(row["page_url"]):
        yield f"On the page {page}"


def _said(
    row: Mapping[str, Any], published: Published, zone: ZoneInfo, now: datetime
) -> tuple[str, ...]:
    came, page = say_source(last_touch(row["utm"])), say_page(row["page_url"])
    first = say_source(first_touch(row["utm"]))
    if not (came or page or first):
        return ()
    day = datetime.fromisoformat(row["signed_up_at"]).astimezone(zone).date()
    said = [f"Signed up on {_day(day, now.astimezone(zone).date())}"]
    said[0] += f" through “{_title_of(published, row['form'])}”"
    said += [f"on {page}"] if page else []
    said += [f"from {came}"] if came else []
    return f"{', '.join(said)}.", *([f"Their first visit came from {first}."] if first else [])


def _day(day: date, today: date) -> str:
    """Say a day, with its year if that is not this one."""
    return f"{day.day} {day:%B}" + (f" {day.year}" if day.year != today.year else "")


def _title_of(published: Published, form: str) -> str:
    """Return the guide that a form promises or, without one, the title of its sequence."""
    named = (s.guide_title for s in published.sequences.values() if s.form and s.form.key == form)
    return next(named, "") or published.title_of_form(form)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
