"""Reading the owner's mailbox: what is new since the last time, by one reader at a time.

Nothing in the mailbox is changed, so the position is kept in the database. If the numbers there
lose their meaning (UIDVALIDITY), the last two weeks are read again, and no mail counts twice.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from secrets import token_hex
from typing import Self

from nurture.clock import real_now
from nurture.mail.login import AccessTokens
from nurture.mail.mailbox.address import MailboxAddress, MailboxAddressError
from nurture.mail.mailbox.connection import (
    Mailbox,
    MailboxError,
    MailHead,
    MailRefusedError,
    open_mailbox,
)
from nurture.mail.mailbox.reader import read_inbound, wants_body
from nurture.services.catalogue import NothingPublishedError
from nurture.services.inbound.mailbox_news import InboundDesk, take_in
from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.tables import mailboxes
from nurture.store.tables.mailboxes import MailboxPosition, MailboxState

#: How far back a mailbox is read at first, and again when its numbers change.
LOOK_BACK = timedelta(days=14)

#: One reading ends after this long and the next goes on; a reader that says nothing for as long as
#: its lease is assumed to have died.
_READING, _LEASE = timedelta(minutes=3), timedelta(minutes=5)

#: How many mails' headers are asked for together.
_CHUNK = 50

#: How long mails are taken in before the position is kept, wherever in a chunk that is.
_KEPT_EVERY = timedelta(seconds=20)

#: If the conversation has broken off for so long, the mail at which it does is passed over.
_STUCK_AFTER = timedelta(minutes=30)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MailboxSource:
    """A mailbox to read, and what opens it besides a password, if anything does."""

    address: MailboxAddress
    access_tokens: AccessTokens | None = None

    @classmethod
    def at(cls, url: str, access_tokens: AccessTokens) -> Self | None:
        """Return the mailbox of a URL, or `None` for none; may raise `MailboxAddressError`."""
        return cls(MailboxAddress.from_url(url), access_tokens) if url else None


@dataclass(frozen=True, slots=True)
class ReadingResult:
    """What one reading did: looked at, found, and what was in the way, if anything.

    `busy` says that another reader is at it.
    """

    looked_at: int = 0
    found: int = 0
    trouble: str = ""
    busy: bool = False


def read_mailbox(
    desk: InboundDesk, source: MailboxSource | None, now: datetime, reading: timedelta = _READING
) -> ReadingResult:
    """Read what has come into the mailbox since the last time; do nothing if none is set.

    Trouble with the mailbox is recorded for the owner and returned, never raised. May raise
    `DatabaseUnavailableError`; the next reading goes on where this one was.
    """
    if source is None:
        return ReadingResult()
    key, reader = source.address.key, token_hex(8)
    with desk.database.writing() as connection:
        until = real_now() + reading + _LEASE
        position = mailboxes.take_lease(connection, key, reader, real_now(), until)
        state = mailboxes.find_state(connection, key)
    if position is None:
        return ReadingResult(busy=True)
    run = _Run(desk, key, reader, position, now, real_now() + reading, _is_stuck(state, now))
    trouble = ""
    try:
        with open_mailbox(source.address, source.access_tokens, reading + _LEASE / 2) as mailbox:
            run.read(mailbox)
    except MailboxError as error:
        trouble = str(error)
    except NothingPublishedError:
        trouble = "Nothing is published yet, so no mail can be about it."
    finally:
        with desk.database.writing() as connection:
            mailboxes.end_reading(connection, key, reader, trouble, now)
    return ReadingResult(run.looked_at, run.found, trouble)


def key_of(url: str) -> str:
    """Return what the state of a mailbox is stored under; "" for none, or for none that can be."""
    try:
        return MailboxAddress.from_url(url).key if url else ""
    except MailboxAddressError:
        return ""


def state_of(database: Database, source: MailboxSource | None) -> MailboxState | None:
    """Return when the mailbox was last read and what is in the way; `None` if none is read."""
    if source is None:
        return None
    with database.reading() as connection:
        found = mailboxes.find_state(connection, source.address.key)
    return found or MailboxState(None, "", None, 0, None)


def _is_stuck(state: MailboxState | None, now: datetime) -> bool:
    since = state.trouble_since if state else None
    return since is not None and now - since >= _STUCK_AFTER


@dataclass
class _Run:
    """One reading.

    If earlier ones are `stuck`, each mail is asked for alone, to get past the one that does it.
    """

    desk: InboundDesk
    key: str
    reader: str
    position: MailboxPosition
    now: datetime
    ends_at: datetime
    stuck: bool = False
    looked_at: int = 0
    found: int = 0
    _at_first: bool = True
    _kept_at: datetime = field(default_factory=real_now)

    def read(self, mailbox: Mailbox) -> None:
        """Take in what is new, chunk by chunk, as long as there is time and the lease is ours."""
        uids = iter(self._new(mailbox))
        while chunk := list(islice(uids, 1 if self.stuck else _CHUNK)):
            if not self._read_chunk(mailbox, chunk) or not self._keep(mailbox, chunk[-1]):
                return
            if real_now() >= self.ends_at:
                return
        self._keep(mailbox, self._end(mailbox))

    def _read_chunk(self, mailbox: Mailbox, chunk: list[int]) -> bool:
        """Take in a chunk; return whether all of it was, and the lease is still ours.

        A conversation that has long broken off, and does so at the first mail, does so because of
        it.
        """
        at_first, self._at_first = self._at_first, False
        try:
            for head in self._heads(mailbox, chunk):
                if real_now() - self._kept_at >= _KEPT_EVERY and not self._rest(mailbox, head.uid):
                    return False
                self._take(mailbox, head)
        except MailboxError:
            if self.stuck and at_first:
                self._note_skipped()
                self._keep(mailbox, chunk[0])
            raise
        self.stuck = self.stuck and self.looked_at < _CHUNK
        return True

    def _rest(self, mailbox: Mailbox, uid: int) -> bool:
        """Keep the position before this mail; return whether there is time and lease to go on."""
        return self._keep(mailbox, uid - 1) and real_now() < self.ends_at

    def _heads(self, mailbox: Mailbox, chunk: list[int]) -> Iterator[MailHead]:
        """Yield the headers; those that the server does not hand out are passed over."""
        try:
            yield from mailbox.heads(chunk)
        except MailRefusedError:
            if len(chunk) == 1:
                return self._note_skipped()
            for uid in chunk:
                yield from self._heads(mailbox, [uid])

    def _new(self, mailbox: Mailbox) -> Iterable[int]:
        """Yield the numbers to read; at first, those of the last two weeks."""
        if self.position.uid_validity == mailbox.uid_validity:
            return mailbox.uids_after(self.position.last_uid)
        return _of_lately(mailbox)

    def _end(self, mailbox: Mailbox) -> int:
        """Return the last number that nothing new can have; it never goes back."""
        before = self.position.last_uid
        same = self.position.uid_validity == mailbox.uid_validity
        return max(mailbox.uid_next - 1, before if same else 0)

    def _keep(self, mailbox: Mailbox, last_uid: int) -> bool:
        """Record how far the mailbox has been read; return whether the lease is still ours."""
        self.position, self._kept_at = MailboxPosition(mailbox.uid_validity, last_uid), real_now()
        with self.desk.database.writing() as connection:
            return mailboxes.keep_position(connection, self.key, self.reader, self.position)

    def _note_skipped(self) -> None:
        """Remember that a mail was passed over."""
        with suppress(DatabaseUnavailableError), self.desk.database.writing() as connection:
            mailboxes.note_skipped(connection, self.key, self.reader, self.now)

    def _take(self, mailbox: Mailbox, head: MailHead) -> None:
        """Take in one mail; one that cannot be is passed over, so that it blocks no other."""
        self.looked_at += 1
        try:
            data = mailbox.whole(head.uid) if wants_body(head.data) else head.data
            told = take_in(self.desk, read_inbound(data or head.data), head.received_at, self.now)
        except MailRefusedError:
            self._note_skipped()
        except (MailboxError, DatabaseUnavailableError, NothingPublishedError):
            raise
        except Exception as error:
            # The text of the error may quote the mail, so only its kind is logged.
            _log.warning("a mail in the mailbox was passed over (%s)", type(error).__name__)
            self._note_skipped()
        else:
            self.found += told is not None


def _of_lately(mailbox: Mailbox) -> Iterator[int]:
    since = (real_now() - LOOK_BACK).date()
    yield from mailbox.uids_since(since)
