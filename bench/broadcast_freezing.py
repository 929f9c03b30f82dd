"""How long deciding the audience of a broadcast takes, and for how long it holds a signup up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from bench.people import MORNING
from nurture.domain.messages.email import EmailFormat
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts import drafts, sending
from nurture.services.broadcasts.freezing import freeze
from nurture.services.catalogue import Catalogue
from nurture.services.door.admission import SignupLimits
from nurture.services.publishing.studio import Written
from nurture.services.subscribers.signup import Signup, subscribe
from nurture.store.database import Database
from nurture.tokens import Tokens

_LETTER = """+++
subject = "News"
preheader = "In one minute."
+++
# News

Hello, we open earlier from now on.
"""

#: A visitor signs up this often meanwhile.
_EVERY = 0.1


@dataclass
class Freezing:
    """The seconds that an audience took, its people, and the seconds of signups meanwhile."""

    seconds: float = 0.0
    readers: int = 0
    signups: list[float] = field(default_factory=list)


def measure(database: Database, catalogue: Catalogue, tokens: Tokens) -> Freezing:
    """Send a broadcast of news to everyone, and decide its audience while people sign up."""
    _number_on(database)
    written = Written(EmailFormat.MARKDOWN, _LETTER)
    with database.writing() as connection:
        drafts.new_draft(
            connection,
            key="news",
            title="News",
            stream=Purpose.NEWS,
            written=written,
            now=MORNING,
        )
    found = Freezing()
    with _visitors(database, catalogue, tokens, found):
        began = time.perf_counter()
        sending.send(database, catalogue, "news", MORNING)
        freeze(database, catalogue, "news", MORNING)
        found.seconds = time.perf_counter() - began
    state = drafts.get_broadcast(database, "news")
    assert state.frozen_at is not None
    found.readers = state.counts["reached"]
    return found


def _number_on(database: Database) -> None:
    """Let a server number new rows after those that were filled in with their numbers."""
    if database.is_sqlite:
        return
    with database.writing() as connection:
        for name in ("subscribers", "enrolments", "messages", "consents", "events", "signups"):
            highest = f"SELECT coalesce(max(id), 0) + 1 FROM {name}"
            sequence = f"pg_get_serial_sequence('{name}', 'id')"
            connection.exec_driver_sql(f"SELECT setval({sequence}, ({highest}))")


@contextmanager
def _visitors(
    database: Database, catalogue: Catalogue, tokens: Tokens, found: Freezing
) -> Iterator[None]:
    """Let people sign up in a thread of their own for as long as the block runs."""
    over = Event()
    given = (database, catalogue, tokens, found, over)
    thread = Thread(target=_sign_up, args=given)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _sign_up(
    database: Database, catalogue: Catalogue, tokens: Tokens, found: Freezing, over: Event
) -> None:
    limits = SignupLimits(per_client=10**6, per_form=10**6)
    with database.reading() as connection:
        form = catalogue.current(connection).forms[0]
    while not over.wait(_EVERY):
        number = len(found.signups)
        moment = MORNING + timedelta(seconds=number)
        signup, began = Signup(form, f"visitor{number}@bench.invalid"), time.perf_counter()
        subscribe(database, catalogue, tokens, limits, signup, moment)
        found.signups.append(time.perf_counter() - began)
