"""Presence: a check of every one of something is a check only if there is one."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

One = TypeVar("One")


def at_least_one(found: Iterable[One]) -> Iterator[One]:
    """Yield each of these as it comes, or fail at the end if there was none."""
    is_empty = True
    for one in found:
        is_empty = False
        yield one
    assert not is_empty, "there is nothing to check"
