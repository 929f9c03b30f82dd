"""Where a signup came from, in the few words that figures are counted by."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

#: How many characters of a value are kept for counting.
_LONGEST = 80

#: What begins the names of the parameters of this visit, and of a visitor's first one.
_THIS, _FIRST = "utm_", "utm_first_"


class SignupSource(NamedTuple):
    """The words by which signups are counted; an empty one is not known."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    page: str = ""


def source_of(utm: Mapping[str, str], page_url: str) -> SignupSource:
    """Return where a signup came from, so that different spellings count as one.

    If this visit tells nothing, the visitor's first visit counts.
    """
    touch = touch_of(utm, _THIS) or touch_of(utm, _FIRST)
    words = {name: counted_word(value) for name, value in touch.items()}
    return SignupSource(**words, page=counted_word(page_of(page_url)))


def first_touch(utm: Mapping[str, str]) -> dict[str, str]:
    """Return what brought a visitor the first time, if it differs from what brought them now."""
    first = touch_of(utm, _FIRST)
    return first if first != last_touch(utm) else {}


def last_touch(utm: Mapping[str, str]) -> dict[str, str]:
    """Return what brought a visitor this time: `source`, `medium` and `campaign`, if known."""
    return touch_of(utm, _THIS)


def touch_of(utm: Mapping[str, str], start: str) -> dict[str, str]:
    """Return the parameters whose names begin with `start`, by the rest of their names."""
    said = {name: " ".join(utm.get(start + name, "").split()) for name in SignupSource._fields[:3]}
    return {name: value for name, value in said.items() if value}


def others_in(utm: Mapping[str, str]) -> list[str]:
    """Return the names of the parameters that say anything else."""
    told = {start + name for start in (_THIS, _FIRST) for name in SignupSource._fields[:3]}
    return [name for name in utm if name not in told]


def page_of(page_url: str) -> str:
    """Return the host and the path of a page, without `www.`, the query and a last slash."""
    parts = _split(page_url)
    return f"{host_of(page_url)}{parts.path.rstrip('/')}" if parts else ""


def host_of(address: str) -> str:
    """Return the host of an address in small letters and without `www.`, or ""."""
    parts = _split(address)
    return (parts.hostname or "").rstrip(".").removeprefix("www.") if parts else ""


def counted_word(text: str) -> str:
    """Return a value as it is counted: in small letters, without odd blanks, and not too long.

    What contains an @-sign may be someone's address, and is not counted as a word.
    """
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable())
    word = plain.lower()[:_LONGEST].strip()
    return "" if "@" in word else word


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None
