"""Mentions: the addresses anywhere in a form that nobody understands, so that it can be erased."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

#: What ends an address in any text, and what can also be a part of one before the @-sign.
_AROUND = re.compile(r"[\s<>()\[\]{},;:\"\\|]+")
_BETWEEN = re.compile(r"[=&?/]")

#: The @-sign as East Asian keyboards type it.
_WIDE_AT = re.compile("[＠﹫]")

#: What may stand around an address without belonging to it.
_QUOTES = "'`.!?*_"


def addresses_in(fields: Mapping[str, Any]) -> set[str]:
    """Return everything that could be an address in the names and the values of a form.

    An address in the middle of a text counts, and so does one in a query or in quotes. Where it is
    not clear what belongs to it, every reading is returned.
    """
    return {found for text in _texts(fields) for found in _addresses(text)}


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text, however deeply it is nested."""
    left: list[Any] = [fields]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            left += (*map(str, one.keys()), *one.values())
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            yield from (one, unquote(one), unquote_plus(one)) if "%40" in one else (one,)


def _addresses(text: str) -> Iterator[str]:
    for word in _AROUND.split(_WIDE_AT.sub("@", text)):
        for part in (word, *_BETWEEN.split(word)):
            yield from (one for one in (part, part.strip(_QUOTES)) if "@" in one)
