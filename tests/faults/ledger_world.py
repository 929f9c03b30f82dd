"""A small world in one process: people, a mail server, and workers that may die anywhere."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import event, select

from nurture.domain.messages.status import TAKEN, MessageStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.subscribers.consent import Evidence
from nurture.mail.logbook import Logbooks
from nurture.mail.mailer import Envelope, Outcome
from nurture.services.catalogue import Catalogue
from nurture.services.delivery import batch, sweep
from nurture.services.delivery import pause as sequence_pause
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.subscribers import preferences
from nurture.store.database import Database
from nurture.store.queries.locks import hold_subscriber
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.faults.workers import expire_leases
from tests.installation import Installation
from tests.servers.clock import ClockFile

#: How many messages are handed over before the first answer is heard.
AHEAD = 3


class Killed(BaseException):
    """The process has been killed; no more of its code may run."""


class Answer(Enum):
    """What the mail server does with a message."""

    TAKE = "250"
    LATER = "451"
    NEVER = "554"
    AWAY = "drop before the dot"
    TAKE_AND_DROP = "drop after taking it"
    LOSE_AND_DROP = "drop after losing it"


class Fuse:
    """A counter of a process's steps, which kills it at one of them."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._dead = False

    def set(self, steps: int | None) -> None:
        """Start a new process that dies at that step, or never."""
        self._left, self._dead = steps, False

    def step(self, *_: object) -> None:
        """Count one more step; a dead process takes none."""
        if self._left is not None:
            self._left -= 1
            self._dead |= self._left <= 0
        if self._dead:
            raise Killed


@dataclass
class MailServer:
    """A simple mail server: `taken` is what it has accepted, as number and address."""

    taken: list[tuple[int, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def answer(self, envelope: Envelope) -> Outcome:
        """Treat a message as planned, and let others act afterwards."""
        answer = self.answers.pop() if self.answers else Answer.TAKE
        if answer in (Answer.TAKE, Answer.TAKE_AND_DROP):
            self.taken.append((envelope.message, envelope.recipient))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        status, code = _OUTCOMES[answer]
        return Outcome(envelope.message, status, f"{answer.value}.", code)


@dataclass
class MortalMailer:
    """One process's connection to the mail server."""

    server: MailServer
    fuse: Fuse

    def offer(
        self, envelopes: Iterator[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        """Hand over a few messages, then answer the last of them first."""
        while some := list(islice(envelopes, AHEAD)):
            for envelope in reversed(some):
                self.fuse.step()
                envelope.notes.handing_over(envelope.message)
                self.fuse.step()
                outcome = self.server.answer(envelope)
                self.fuse.step()
                envelope.notes.heard(envelope.message, outcome.status)
                self.fuse.step()
                yield outcome

    def close(self) -> None:
        """Do nothing; no connection is open."""


_OUTCOMES = {
    Answer.TAKE: (MessageStatus.ACCEPTED, 250),
    Answer.LATER: (MessageStatus.DEFERRED, 451),
    Answer.NEVER: (MessageStatus.FAILED, 554),
    Answer.AWAY: (MessageStatus.DEFERRED, None),
    Answer.TAKE_AND_DROP: (MessageStatus.IN_DOUBT, None),
    Answer.LOSE_AND_DROP: (MessageStatus.IN_DOUBT, None),
}


class World:
    """Real services on a real SQLite file; only the mail server is in memory."""

    _catalogue: ClassVar[Catalogue | None] = None

    def __init__(self, url: str, directory: Path) -> None:
        self.home = Installation(url, directory, ClockFile(directory / "clock"))
        # What is published is the same in every world, and takes longer to read than a batch.
        World._catalogue = World._catalogue or self.home.context.catalogue
        self.home.context = replace(self.home.context, catalogue=World._catalogue)
        self.fuse = Fuse()
        self.server = MailServer()
        self.silent: dict[str, int] = {}
        self.paused: dict[str, int] = {}
        self._process: Database | None = None

    def close(self) -> None:
        """Close the file."""
        self._bury()
        self.home.close()

    # --- What happens ------------------------------------------------------------------------

    def work(self, dies_at: int | None) -> bool:
        """Let a worker sweep and process a batch, perhaps dying; return whether it survived."""
        self.fuse.set(dies_at)
        dispatch = self._newborn()
        try:
            sweep.batches_due(dispatch)
            batch.deliver_batch(dispatch)
        except Killed:
            self._bury()
            return False
        return True

    def take_over(self, *, elsewhere: bool = False) -> None:
        """Declare every process with work in progress dead, and let another worker act.

        A worker on another machine does not have this one's logbooks.
        """
        expire_leases(self.home)
        other = self._dispatch(self.home.context.database, Fuse())
        if elsewhere:
            other = replace(other, logbooks=Logbooks(self.home.directory / "another-machine"))
        sweep.batches_due(other)
        batch.deliver_batch(other)

    def lose_power(self) -> None:
        """Lose recent logbook entries, which may not have reached the disk."""
        for logbook in (self.home.directory / "var").glob("sending-*/*"):
            lines = logbook.read_bytes().splitlines(keepends=True)
            logbook.write_bytes(b"".join([b"another boot\n", *lines[1 : len(lines) // 2]]))

    def pass_time(self, length: timedelta) -> None:
        """Let time pass without any worker."""
        self.home.clock.advance(length)

    def unsubscribe(self, address: str) -> None:
        """Unsubscribe this person, who must receive nothing from now on."""
        with self.home.context.database.writing() as connection:
            person = hold_subscriber(connection, self.home.person(address)["id"])
            assert person
            preferences.stop(connection, person, None, "1", Evidence(), self.home.clock.now)
        self.silent.setdefault(address, len(self.server.taken))

    def pause(self, sequence: str) -> None:
        """Pause this sequence; only guides may be sent from now on."""
        context = self.home.context
        sequence_pause.pause(context.database, context.catalogue, sequence, self.home.clock.now)
        self.paused.setdefault(sequence, len(self.server.taken))

    def resume(self, sequence: str) -> None:
        """Resume it."""
        context = self.home.context
        sequence_pause.resume(context.database, context.catalogue, sequence, self.home.clock.now)
        self.paused.pop(sequence, None)

    def live_happily(self, days: int = 100) -> None:
        """From now on, kill no process and let the mail server accept everything."""
        self.server.answers.clear()
        self.fuse.set(None)
        for sequence in list(self.paused):
            self.resume(sequence)
        expire_leases(self.home)
        end = self.home.clock.now + timedelta(days=days)
        for _ in range(500):
            self.work(None)
            look = self.home.next_look()
            if look is None or look > end:
                return
            self.home.clock.set(max(look, self.home.clock.now))
        raise AssertionError("the time does not pass")

    # --- What there is to see ----------------------------------------------------------------

    def ledger(self) -> list[dict[str, Any]]:
        """Return every message with its address."""
        joined = select(messages, subscribers.c.address).join(
            subscribers, subscribers.c.id == messages.c.subscriber_id
        )
        with self.home.context.database.reading() as connection:
            return [dict(row) for row in connection.execute(joined).mappings()]

    def in_doubt(self) -> list[int]:
        """Return the messages in doubt."""
        return [row["id"] for row in self.ledger() if row["status"] == MessageStatus.IN_DOUBT]

    def took(self, message: int) -> bool:
        """Return whether the mail server accepted it."""
        return any(number == message for number, _ in self.server.taken)

    def broken_promises(self) -> list[str]:
        """Return every broken promise: what must hold after any kill, fault or order of events."""
        times = Counter(number for number, _ in self.server.taken)
        found = [
            f"{row['address']} {row['step']}: {said}"
            for row in self.ledger()
            for said in _broken(row, times[row["id"]])
        ]
        for row in self.ledger():
            since = self.paused.get(row["sequence"], len(self.server.taken))
            taken = {number for number, _ in self.server.taken[since:]}
            if row["kind"] != StepKind.GUIDE and row["id"] in taken:
                found.append(f"{row['step']} was sent while {row['sequence']} was paused")
        for address, since in self.silent.items():
            if any(to == address for _, to in self.server.taken[since:]):
                found.append(f"{address} was sent something after unsubscribing")
        return found

    # --- How it is done ----------------------------------------------------------------------

    def _newborn(self) -> Dispatch:
        self._bury()
        self._process = Database(self.home.url)
        for name in ("before_cursor_execute", "commit"):
            event.listen(self._process.engine, name, self.fuse.step)
        return self._dispatch(self._process, self.fuse)

    def _dispatch(self, database: Database, fuse: Fuse) -> Dispatch:
        mailer = MortalMailer(self.server, fuse)
        return replace(self.home.context.dispatch, database=database, mailer=mailer, batch=5)

    def _bury(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def _broken(row: dict[str, Any], times: int) -> Iterator[str]:
    """Yield faults; a guide in doubt is offered again, so it alone may arrive twice."""
    guide = row["kind"] == StepKind.GUIDE
    if times > (2 if guide and row["doubts"] else 1):
        yield f"accepted {times} times"
    if row["status"] in TAKEN and not times:
        yield "the ledger says accepted, the mail server knows nothing of it"
    sure = (MessageStatus.CLAIMED, MessageStatus.DEFERRED, MessageStatus.FAILED)
    if row["status"] in sure and times and not (guide and row["doubts"]):
        yield f"the ledger says {row['status']}, the mail server has it"
