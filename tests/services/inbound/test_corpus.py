"""The corpus: each mail does to the right person what it says, and a forgery does nothing."""

from typing import Any

import pytest

from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.services.inbound.inbound_mails import BOB, arrives, expected, mail_of
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


def everything(home: Installation) -> list[list[dict[str, Any]]]:
    """Return every row that a mail could change."""
    tables = (events, messages, enrolments, suppressions, subscribers, consents)
    return [home.rows(table) for table in tables]


def outcomes(name: str) -> set[tuple[str, str | None] | None]:
    """Return how a mail may be stored; `None` is not at all."""
    said = expected()[name]
    kinds = [said["kind"], *said.get("also", ())]
    return {_STORED.get(kind) if said["about"] else None for kind in kinds}


@pytest.fixture(scope="module")
def files() -> list[str]:
    return sorted(expected())


def test_every_mail_does_what_it_says_and_no_forgery_does_anything(
    sqlite_home: Installation, files: list[str]
) -> None:
    home, missed = sqlite_home, []
    for number, name in enumerate(files):
        for end in (b"\n", b"\r\n"):
            ann, bob = f"{number}.{len(end)}.{ANN}", f"{number}.{len(end)}.{BOB}"
            home.subscribe(ann)
            home.subscribe(bob)
            home.deliver()
            before = everything(home)
            data = mail_of(home, name, ann, bob, home.clock.now).replace(b"\n", end)
            arrives(home, data)
            told = home.rows(events)[len(before[0]) :]
            found = {(row["kind"], row["bounce"]) for row in told} or {None}
            whose = {row["subscriber_id"] for row in told} <= {home.person(ann)["id"]}
            silent = found != {None} or everything(home) == before
            if not (found <= outcomes(name) and whose and silent):
                missed.append((name, end, found, outcomes(name)))
            home.clock.set(home.clock.now + home.a_minute)
    assert missed == []
