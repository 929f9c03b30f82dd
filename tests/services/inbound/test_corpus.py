"""The corpus: each mail does to the right person what it says, and a forgery does nothing."""

import pytest

from nurture.domain.tracking.events import EventKind
from nurture.store.tables.events import events
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.services.inbound.inbound_mails import (
    BOB,
    arrives,
    expected,
    mail_about,
    message_ids,
)
from tests.vocabulary import ANN

#: How each kind of mail is stored, if it is about somebody.
_STORED = {
    "hard": ("bounced", "hard"),
    "soft": ("bounced", "soft"),
    "full": ("bounced", "full"),
    "delayed": ("deferred", None),
    "complaint": ("complained", None),
    "reply": ("replied", None),
}


#: Many bounces at once are held until the owner has looked at them.
_UNHELD = {"held": "hard"}


def outcomes(name: str) -> set[tuple[str, str | None] | None]:
    """Return how a mail may be stored; `None` is not at all."""
    said = expected()[name]
    kinds = [said["kind"], *said.get("also", ())]
    return {_STORED.get(kind) if said["about"] else None for kind in kinds}


@pytest.fixture
def home(sqlite_home: Installation) -> Installation:
    """Two people for each mail, who have been sent their guides."""
    for number in range(len(expected())):
        sqlite_home.subscribe(f"{number}.{ANN}")
        sqlite_home.subscribe(f"{number}.{BOB}")
    sqlite_home.deliver()
    return sqlite_home


def hear(home: Installation, names: list[str]) -> dict[str, EventKind | None]:
    """Let each mail arrive that is about a message to someone of its own."""
    whose = message_ids(home)
    return {
        name: arrives(home, mail_about(home, name, f"{place}.{ANN}", f"{place}.{BOB}", whose))
        for place, name in enumerate(names)
    }


def test_every_mail_does_to_the_right_person_what_it_says(home: Installation) -> None:
    names = [name for name in sorted(expected()) if outcomes(name) != {None}]
    heard, missed = hear(home, names), []
    people = {row["id"]: row["address"] for row in home.rows(subscribers)}
    rows = home.rows(events)
    for place, name in enumerate(names):
        told = [row for row in rows if people[row["subscriber_id"]] == f"{place}.{ANN}"]
        found = {(row["kind"], _UNHELD.get(row["bounce"], row["bounce"])) for row in told}
        right = found <= outcomes(name) if told else None in outcomes(name)
        if not right or bool(told) != bool(heard[name]):
            missed.append((name, found, outcomes(name)))
    assert missed == []
    assert len(home.rows(events)) == sum(kind is not None for kind in heard.values())


def test_no_forgery_and_no_automatic_mail_changes_anything(home: Installation) -> None:
    names = [name for name in sorted(expected()) if outcomes(name) == {None}]
    before = home.everything()
    assert {name: kind for name, kind in hear(home, names).items() if kind} == {}
    assert home.everything() == before
