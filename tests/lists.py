"""Lists as people bring them, and bringing them into an installation."""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from nurture.domain.imports.said import ListSaid
from nurture.domain.imports.statement import Statement
from nurture.services.imports.bring import ImportDesk, ImportResult, bring_in, rehearse
from nurture.services.imports.source import ListSource
from nurture.services.imports.undo import Undone, undo
from tests.installation import Installation

#: Columns whose names say what they are.
COLUMNS = (
    *("email", "first name", "last name", "phone", "status", "optin time", "optin ip"),
    *("wording", "joined", "unsubscribed at", "bought", "bought at", "way out offered"),
)

#: A day long ago, and the network that a person opted in from.
LONG_AGO, NETWORK = "2019-05-03 10:12:44", "81.2.69.142"

ARTICLES = frozenset({"articles"})


def agreed(address: str, **more: str) -> dict[str, str]:
    """Return a row that shows itself when and how a person opted in."""
    return {"email": address, "optin time": LONG_AGO, "optin ip": NETWORK} | more


def client(address: str, **more: str) -> dict[str, str]:
    """Return a row of a client who could refuse emails."""
    sale = {"bought": "a course", "bought at": "2019-05-03", "way out offered": "yes"}
    return {"email": address} | sale | more


def left(address: str, status: str = "unsubscribed", at: str = "") -> dict[str, str]:
    """Return a row of a person who refused."""
    return {"email": address, "status": status, "unsubscribed at": at}


def stated(**more: Any) -> ListSaid:
    """Return a whole statement of how people agreed."""
    days = {"since": date(2018, 1, 1), "until": date(2020, 12, 31)}
    words: dict[str, Any] = {"wording": "Send me articles.", "where": "https://example.org/join"}
    return ListSaid(Statement(**(words | days | more)))


def said(covers: Iterable[str] = ARTICLES, **more: Any) -> ListSaid:
    """Return that a list is for some kinds of email."""
    return ListSaid(Statement(covers=frozenset(covers)), **more)


def write_list(
    home: Installation, rows: Iterable[Mapping[str, str]], name: str = "people.csv"
) -> Path:
    """Write a list into the installation's directory."""
    text = StringIO(newline="")
    to = csv.DictWriter(text, COLUMNS, restval="")
    to.writeheader()
    to.writerows(rows)
    path = home.directory / name
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def desk_of(home: Installation) -> ImportDesk:
    """Return what bringing a list in needs."""
    return ImportDesk(*home.context.stored, home.context.tokens)


def bring(
    home: Installation, rows: Iterable[Mapping[str, str]], words: ListSaid | None = None
) -> ImportResult:
    """Bring some rows in."""
    path = write_list(home, rows)
    source = ListSource(path, path.name)
    return bring_in(desk_of(home), source, words or said(), "a test", home.clock.now)


def rehearsed(
    home: Installation, rows: Iterable[Mapping[str, str]], words: ListSaid | None = None
) -> ImportResult:
    """Return what bringing some rows in would do."""
    path = write_list(home, rows)
    return rehearse(desk_of(home), ListSource(path, path.name), words or said(), home.clock.now)


def take_back(home: Installation, number: int = 1) -> Undone:
    """Take an import back."""
    context = home.context
    return undo(*context.stored, context.files, number, home.clock.now)
