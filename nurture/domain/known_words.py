"""Stored words, read by a program that may be older than the one that wrote them.

During a rolling upgrade, processes of the old release read what the new one writes. A release may
add kinds, so an unknown word is not an error: it is skipped, or read as the known word that ensures
that nothing is sent twice, nobody who refused is emailed, and nothing is lost.
"""

from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)
Otherwise = TypeVar("Otherwise")


def known(kind: type[Word], stored: str, otherwise: Otherwise) -> Word | Otherwise:
    """Return a stored word as a value, or `otherwise` if only a newer program knows it."""
    try:
        return kind(stored)
    except ValueError:
        return otherwise


def known_or_none(kind: type[Word], stored: str | None) -> Word | None:
    """Return a stored word as a value, or `None` if it is missing or unknown."""
    return known(kind, stored, None) if stored else None
