"""Concurrent operations on the same few people: no deadlock ever occurs."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from nurture.bootstrap import Context
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.domain.tracking.hits import Hit
from nurture.library.folder import Library, SequenceSource
from nurture.services.delivery import batch, doubts, sunset
from nurture.services.delivery import pause as sequence_pause
from nurture.services.delivery.sweep import batches_due
from nurture.services.inbound import events
from nurture.services.publishing import files
from nurture.services.publishing.revisions import plan_draft
from nurture.services.subscribers import erasure, guide, preferences
from nurture.services.subscribers.signup import Signup, subscribe
from nurture.services.tracking import fold, verdicts
from nurture.store.database import DatabaseUnavailableError
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import RevisionKind
from nurture.store.tables.subscribers import find_subscriber, subscribers
from nurture.store.tables.suppressions import lift_suppression
from tests.faults.deadlocks import count_deadlocks, told_of_deadlocks
from tests.faults.oracle import Fault, Oracle
from tests.faults.workers import expire_leases
from tests.installation import Installation, shipped_library
from tests.servers.clock import ClockFile

#: The fewer people, the more often two transactions are about the same ones.
PEOPLE = [f"p{n}@example.org" for n in range(12)]
FORMS = ("pain-guide", "over-50-guide")
SEVERAL = 2

#: Nobody lives through half a year here: silence is noticed sooner.
HASTY = {
    'after    = "180 days"': 'after    = "2 days"',
    'patience = "14 days"': 'patience = "1 day"',
}
EVIDENCE = Evidence("https://emails.example.org/", "192.0.2.7", "A browser")


@dataclass
class Crowd:
    """One concurrent participant; each has its own app over the one database."""

    home: Installation
    context: Context
    chance: random.Random
    numbers: Iterator[int]

    def deliver(self) -> None:
        """Process a worker's batch."""
        batch.deliver_batch(self.context.dispatch)

    def sweep(self) -> None:
        """Declare other workers dead, and take over."""
        expire_leases(self.home)
        batches_due(self.context.dispatch)

    def sign_up(self) -> None:
        """Ask for a guide, perhaps again, after the period in which repeats are ignored."""
        context, now = self.context, self._now + timedelta(hours=self.chance.choice([0, 48]))
        signup = Signup(self.chance.choice(FORMS), self._who())
        subscribe(context.database, context.catalogue, context.tokens, context.limits, signup, now)

    def collect(self) -> None:
        """Press the button on the guide's page."""
        answers = {purpose: self.chance.random() < 0.5 for purpose in (Purpose.TRACKING,)}
        context, number = self.context, self._one_of(enrolments)
        guide.collect_guide(
            context.database,
            context.catalogue,
            context.guide_files,
            number,
            answers,
            EVIDENCE,
            self._now,
        )

    def leave(self) -> None:
        """Unsubscribe, and then undo that."""
        context, person = self.context, self._one_of(subscribers)
        args = (context.database, context.catalogue, person)
        preferences.unsubscribe(*args, None, EVIDENCE, self._now)
        preferences.resubscribe(*args, EVIDENCE, self._now)

    def prefer(self) -> None:
        """Change the preferences."""
        wish = self.chance.choice([Wish.USUAL, Wish.FEWER, Wish.PAUSED, Wish.STOPPED])
        change = PreferenceChange(wish, self.chance.random() < 0.5, health_topics=False)
        person = self._one_of(subscribers)
        context = self.context
        preferences.change_preferences(
            context.database, context.catalogue, person, change, EVIDENCE, self._now
        )

    def book(self) -> None:
        """Book two sessions."""
        told = [
            BookingEvent(
                provider="calendly",
                event_id=str(next(self.numbers)),
                occurred_at=self._now,
                email=self._who(),
                booked=True,
                cancelled=False,
                rescheduled=False,
                starts_at=None,
                raw={},
            )
            for _ in range(SEVERAL)
        ]
        context = self.context
        events.record_bookings(context.database, context.catalogue, context.tokens, told, self._now)

    def report(self) -> None:
        """Report, as the mail provider, the outcome of several emails."""
        context = self.context
        kinds = (EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED)
        told = [self._told(self.chance.choice(kinds)) for _ in range(SEVERAL + 1)]
        events.record_mail_events(
            context.database, context.catalogue, context.tokens, told, self._now
        )

    def _told(self, kind: EventKind) -> MailEvent:
        number = self._one_of(messages)
        return MailEvent(
            kind=kind,
            provider="generic",
            event_id=str(next(self.numbers)),
            occurred_at=self._now,
            recipient=self._who(),
            message_id=f"{self.context.tokens.message_id(number)}@example.org",
            permanent=self.chance.random() < 0.3,
            reason="",
            raw={},
        )

    def settle(self) -> None:
        """Settle everything in doubt, as the owner."""
        context, sent = self.context, self.chance.random() < 0.5
        doubts.settle_all(context.database, context.catalogue, sent, self._now)

    def pause(self) -> None:
        """Pause a sequence and resume it, as the owner."""
        context, sequence = self.context, self.chance.choice(FORMS)
        sequence_pause.pause(context.database, context.catalogue, sequence, self._now)
        sequence_pause.resume(context.database, context.catalogue, sequence, self._now)

    def publish(self) -> None:
        """Change every sequence, as the owner."""
        library, number = hasty_library(), next(self.numbers)
        changed = tuple(replace(s, toml=f"{s.toml}\n# {number}\n") for s in library.sequences)
        drafts = [plan_draft(RevisionKind.SEQUENCE, s.sequence.key, s.toml) for s in changed]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "check", lambda _: drafts)  # It takes a second.
            files.publish(self.context.database, library, self._now)

    def follow(self) -> None:
        """Follow links, and store and judge the hits."""
        for _ in range(SEVERAL):
            hit = Hit(EventKind.CLICKED, self._now, "GET", "Mozilla/5.0 Firefox/128.0", "192.0.2.9")
            self.context.journal.note(hit._replace(message=self._one_of(messages)))
        fold.fold_journals(self.context.database, self.context.journals)
        verdicts.judge_held(self.context.database, self._now + timedelta(days=1))

    def judge_again(self) -> None:
        """Judge all hits again by newer rules."""
        verdicts.rejudge(self.context.database)

    def keep_up(self) -> None:
        """Do the housekeeping: drop old hits and signups that were never confirmed."""
        context, later = self.context, self._now + timedelta(days=self.chance.choice([0, 0, 0, 40]))
        erasure.drop_raw(context.database, self._now, timedelta(days=1))
        erasure.tidy(context.database, context.files, later)
        sunset.ask_the_quiet(context.database, context.catalogue, self._now)

    def forget(self) -> None:
        """Erase a person, who may come back as a different one."""
        context, number = self.context, self._one_of(subscribers)
        with context.database.reading() as connection:
            person = find_subscriber(connection, number)
        if person and erasure.forget(context.database, context.files, number, self._now):
            with context.database.writing() as connection:
                lift_suppression(connection, person.address_hash, SuppressionReason.ERASED)
        time.sleep(0.1)  # The others need people to be about.

    @property
    def _now(self) -> datetime:
        return self.home.clock.now

    def _who(self) -> str:
        return self.chance.choice(PEOPLE)

    def _one_of(self, table: Table) -> int:
        with self.context.database.reading() as connection:
            return int(self.chance.choice(connection.scalars(select(table.c.id)).all()))


#: Who does it, and how many of them at once.
CROWD: list[tuple[Callable[[Crowd], None], int]] = [
    (Crowd.deliver, 3),
    (Crowd.sweep, 1),
    (Crowd.sign_up, 1),
    (Crowd.collect, 2),
    (Crowd.leave, 2),
    (Crowd.prefer, 1),
    (Crowd.book, 1),
    (Crowd.report, 2),
    (Crowd.settle, 1),
    (Crowd.pause, 1),
    (Crowd.publish, 1),
    (Crowd.follow, 1),
    (Crowd.judge_again, 1),
    (Crowd.keep_up, 2),
    (Crowd.forget, 1),
]


def hasty_library() -> Library:
    """The program's sequences with shorter waits."""
    library = shipped_library()
    return replace(library, sequences=tuple(_hasty(s) for s in library.sequences))


def _hasty(source: SequenceSource) -> SequenceSource:
    toml = source.toml
    for before, after in HASTY.items():
        toml = toml.replace(before, after)
    return replace(source, toml=toml) if source.sequence.quiet else source


def everybody_at_once(home: Installation, seconds: float) -> tuple[Counter[str], list[Exception]]:
    """Let all of them act for that long, with the clock running fast.

    Return what was done, and what went wrong.
    """
    over, numbers = threading.Event(), count(1)
    done: Counter[str] = Counter()
    wrong: list[Exception] = []

    def act(deed: Callable[[Crowd], None], seed: int) -> None:
        context = home.another(NURTURE_BATCH="7", NURTURE_SMTP_CONNECTIONS="2")
        one = Crowd(home, context, random.Random(seed), numbers)
        while not over.is_set():
            try:
                deed(one)
                done[deed.__name__] += 1
            except DatabaseUnavailableError as error:
                wrong.append(error)
            except NurtureError:
                pass  # What is asked for is not possible just now, and that was said.
            except Exception as error:  # Nobody else would hear of it.
                wrong.append(error)
        context.dispatch.mailer.close()
        context.database.close()

    deeds = [deed for deed, many in CROWD for _ in range(many)]
    threads = [threading.Thread(target=act, args=(d, n)) for n, d in enumerate(deeds)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        home.clock.advance(timedelta(hours=5))
    over.set()
    for thread in threads:
        thread.join(60)
    return done, wrong


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_simultaneous_changes_to_the_same_people_never_deadlock(
    postgresql_url: str,
    tmp_path: Path,
    shared_directory: Path,
    clock_file: ClockFile,
    oracle: Oracle,
    seconds: int,
) -> None:
    home = Installation(postgresql_url, tmp_path, clock_file, oracle.url).publish_shipped()
    for address in PEOPLE:
        for form in FORMS:
            home.subscribe(address, form)
    home.deliver()
    oracle.show(Fault("RCPT", text="550 5.1.1 Nobody of that name", only=PEOPLE[0]))
    done, wrong = everybody_at_once(home, seconds)
    asked = [e["status"] for e in home.rows(enrolments) if e["sequence"] == "still-there"]
    print(done, Counter(asked))
    assert wrong == [], told_of_deadlocks(home.context.database, shared_directory)
    assert count_deadlocks(home.context.database) == 0
    assert set(done) == {deed.__name__ for deed, _ in CROWD}
    home.close()
