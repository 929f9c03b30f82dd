"""Words that are stored, read by a program that may be older than the one that wrote them.

While an upgrade rolls out, processes of the last release read what the next one writes. Kinds are
added with a release, so a word that is not known is no fault: it is passed over, or read as that
known word by which nothing is sent twice, nobody is written to who said no, and nothing is lost.
"""

from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)
Otherwise = TypeVar("Otherwise")


def known(kind: type[Word], stored: str, otherwise: Otherwise) -> Word | Otherwise:
    """A stored word as a value, or `otherwise` where only a newer program knows it."""
    try:
        return kind(stored)
    except ValueError:
        return otherwise


def known_or_none(kind: type[Word], stored: str | None) -> Word | None:
    """The same of a word that need not be there."""
    return known(kind, stored, None) if stored else None
