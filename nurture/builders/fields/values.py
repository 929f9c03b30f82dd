"""Plain values from whatever a form sends; anything unreadable counts as not given.

Only an email address is ever refused; no one loses their guide over anything else.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from math import isfinite
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from nurture.addresses import plain_network_address

#: How deeply values may be nested, and how many are read.
_DEEPEST, _MOST = 3, 20

#: Far longer than any real value, so that a page of text costs nothing.
_LONGEST = 4000

#: What form builders call each part of a name, without spaces and underscores.
_FIRST = ("first", "firstname", "given", "givenname", "forename", "1.3")
_LAST = ("last", "lastname", "family", "familyname", "surname", "1.6")
_WHOLE = ("name", "fullname", "value", "text")

#: Files among the time zones that are not time zones.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})


def without_controls(value: Any) -> Any:
    """Remove control characters: they are never intended, and databases and emails reject some."""
    if not isinstance(value, str):
        return value
    return "".join(c for c in value if c.isprintable()).strip()


def plain_text(value: object) -> str:
    """Return one line of text: a text, a number or the first of several; otherwise ""."""
    return next(_texts(value, _DEEPEST), "")


def first_name(value: object) -> str:
    """Return a first name, or the first part of a name sent in parts."""
    return _part(value, (*_FIRST, *_WHOLE)) if isinstance(value, Mapping) else plain_text(value)


def full_name(value: object) -> str:
    """Return a full name, joining its parts if it was sent in parts."""
    if isinstance(value, Mapping):
        parts = (_part(value, _FIRST), _part(value, _LAST))
        return " ".join(filter(None, parts)) or _part(value, _WHOLE)
    return " ".join(islice(_texts(value, _DEEPEST), _MOST))


def web_address(value: object) -> str:
    """Return a page's address, or ""."""
    text = plain_text(value)
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def time_zone(value: object) -> str:
    """Return a known time zone, or ""; browsers send odd values, and the practice has a default."""
    return _time_zones().get(plain_text(value).casefold(), "")


def client_address(value: object) -> str:
    """Return an IP address, or ""."""
    return plain_network_address(plain_text(value))


def _texts(value: object, deepest: int) -> Iterator[str]:
    """Yield every text that is not blank, in order."""
    if isinstance(value, str):
        text = without_controls(" ".join(value[:_LONGEST].split()))
        if text:
            yield text
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(value)
    elif isinstance(value, Iterable) and not isinstance(value, Mapping) and deepest:
        for one in islice(value, _MOST):
            yield from _texts(one, deepest - 1)


def _number(value: int | float) -> Iterator[str]:
    if abs(value) < 10**18 and isfinite(value):
        yield str(value)


def _part(value: Mapping[Any, Any], names: Iterable[str]) -> str:
    """Return the value of the first of these names that has a text."""
    named = {
        "".join(str(key).casefold().split()).replace("_", "").replace("-", ""): found
        for key, found in islice(value.items(), _MOST)
    }
    return next(filter(None, (plain_text(named.get(name)) for name in names)), "")


@cache
def _time_zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - _NO_ZONES}
