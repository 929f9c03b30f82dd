"""Reading the values of a TOML file, and saying which field of which file is at fault.

Every TOML document that someone wrote is read by `read_toml` or, if it is to be changed, by
`read_document`; anything excessive is refused first.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import tomlkit
from tomlkit.exceptions import TOMLKitError

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import SequenceError
from nurture.library.limits import excess_of

#: What readers raise besides their own errors: for impossible numbers and days, and for tables that
#: contradict each other.
_ODD = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class LibraryError(NurtureError):
    """A file of the library that cannot be read as what it should be; the message names it."""


def read_toml(content: str, place: str) -> dict[str, Any]:
    """Return the values of a TOML document; raise `LibraryError` naming the line."""
    _refuse_excess(content, place)
    try:
        return tomllib.loads(content)
    except _ODD as error:
        raise LibraryError(f"{place}: {error}.") from None


def read_document(content: str, place: str = "") -> tomlkit.TOMLDocument:
    """Return a TOML document with its comments, for editing; raise `LibraryError`."""
    _refuse_excess(content, place)
    try:
        return tomlkit.parse(content)
    except (TOMLKitError, *_ODD) as error:
        raise LibraryError(f"{place}: {error}." if place else f"{error}.") from None


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones; finding them opens hundreds of files."""
    return frozenset(available_timezones())


def _refuse_excess(content: str, place: str) -> None:
    if excess := excess_of(content):
        raise LibraryError(f"{place}: {excess}" if place else f"{excess[:1].upper()}{excess[1:]}")


def read_as(reader: Callable[[Any], Any], value: Any, place: str) -> Any:
    """Return a value as `reader` understands it, or raise `LibraryError`."""
    try:
        return reader(value)
    except SequenceError as error:
        raise LibraryError(f"{place}: {error.message}", remedy=error.remedy) from None
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise LibraryError(f"{place}: {error}.") from None


_CALLED: Mapping[type, str] = {list: "a list", dict: "a table"}


def expect(values: dict[str, Any], name: str, kind: type, place: str) -> None:
    """Refuse a value of another kind; if there is none, insert an empty one."""
    if not isinstance(values.setdefault(name, kind()), kind):
        raise LibraryError(f"{place}: {name} must be {_CALLED[kind]}.")


def expect_texts(values: Mapping[str, Any], names: set[str], place: str) -> None:
    """Refuse values that are not texts, or that contain a null, which no database stores."""
    wrong = sorted(n for n in names & set(values) if not isinstance(values[n], str))
    if wrong:
        raise LibraryError(f"{place}: {wrong[0]} must be a text.", remedy="Put it in quotes.")
    for name in sorted(names & set(values)):
        if "\0" in values[name]:
            raise LibraryError(f"{place}: {name} has a null in it.", remedy="Take out the \\u0000.")


def wanted(values: Mapping[str, Any], name: str, place: str) -> Any:
    """Return a value that must be present, or raise `LibraryError`."""
    if not values.get(name):
        raise LibraryError(f"{place}: {name} is missing.", remedy=f"Add a line “{name} = …”.")
    return values[name]


def refuse_unknown(values: Mapping[str, Any], known: set[str], place: str) -> None:
    """Refuse settings that mean nothing here, so that typing errors are noticed."""
    unknown = sorted(set(values) - known)
    if unknown:
        raise LibraryError(
            f"{place}: {unknown[0][:60]} is not a setting.",
            remedy=f"The settings here are {', '.join(sorted(known))}.",
        )


def files_of(root: Path) -> Iterator[Path]:
    """Yield all files under a folder, in order, by the names under which they are read.

    A folder that is a link is searched like any other, as in the library, unless it leads out of
    the root or back to where it is.
    """
    real = root.resolve()
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _leads_on(here / name, real))
        yield from (here / name for name in sorted(names) if (here / name).is_file())


def _leads_on(folder: Path, root: Path) -> bool:
    if not folder.is_symlink():
        return True
    try:
        real = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return real.is_relative_to(root) and not folder.parent.resolve().is_relative_to(real)
