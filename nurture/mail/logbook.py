"""The logbook: a write-ahead log, on the local disk, of messages handed to the mail server.

A line is written before the first byte of a message's content is sent, and another once its
answer has been read. After a `kill -9` the operating system still has every line, so of a
worker's window only the messages at the mail server at that moment are in doubt.

A missing line does not by itself prove that a message was *not* handed over. The logbook must
also exist under its claim's name, be complete, be no copy and date from the current boot of
this machine (after a power cut the rest of a file proves nothing), and its writer must have
ended. Otherwise only the lines present are believed.
"""

import fcntl
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol

from nurture.domain.messages.status import MessageStatus

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LINE = re.compile(rb"([-+=!])([0-9]+)")
_HEARD = MappingProxyType(
    {MessageStatus.ACCEPTED: b"=", MessageStatus.DEFERRED: b"-", MessageStatus.FAILED: b"!"}
)
_FATES = MappingProxyType(
    {b"+": MessageStatus.IN_DOUBT} | {sign: status for status, sign in _HEARD.items()}
)


class Notes(Protocol):
    """The notes written about the messages of one claim while they are offered."""

    def handing_over(self, message: int) -> None:
        """Note that sending the content begins; raise `OSError` if it must not."""

    def heard(self, message: int, status: MessageStatus) -> None:
        """Note what became of a message that was handed over."""


class NoLogbook:
    """A logbook that writes nothing, for callers without a ledger or if none can be created."""

    def handing_over(self, message: int) -> None:
        """Do nothing."""

    def heard(self, message: int, status: MessageStatus) -> None:
        """Do nothing."""

    def end(self, *, served: bool) -> None:
        """Do nothing; no file is open."""


NO_LOGBOOK = NoLogbook()


@dataclass(frozen=True, slots=True)
class LogbookReport:
    """The contents of a logbook. `whole` means that any message it omits was not handed over.

    `gone` means that its writer has certainly ended: it held its lock under this very kernel, which
    grants the lock to nobody else before then. Locks held on another machine are not always seen.
    """

    known: Mapping[int, MessageStatus]
    whole: bool
    gone: bool = False

    def fate(self, message: int) -> MessageStatus:
        """Return `accepted`, `failed`, `deferred` if it may be offered again, else `in_doubt`."""
        return self.known.get(
            message, MessageStatus.DEFERRED if self.whole else MessageStatus.IN_DOUBT
        )

    @property
    def accepted(self) -> list[int]:
        """The messages that the mail server accepted."""
        return [number for number, fate in self.known.items() if fate is MessageStatus.ACCEPTED]


class Logbook:
    """The logbook of one claim, open and locked for as long as its writer lives."""

    def __init__(self, file: int, path: Path) -> None:
        self._file, self._path = file, path
        self._given_up = False

    def handing_over(self, message: int) -> None:
        """Note that sending the content begins; raise `OSError` if it must not."""
        self._write(b"+%d\n" % message)

    def heard(self, message: int, status: MessageStatus) -> None:
        """Note what became of a message that was handed over; a message in doubt remains so."""
        sign = _HEARD.get(status)
        if sign is not None:
            with suppress(OSError):
                self._write(b"%b%d\n" % (sign, message))

    def _write(self, line: bytes) -> None:
        if self._given_up:
            return
        try:
            written = os.write(self._file, line)
        except OSError:
            written = 0
        if written != len(line):
            self._give_up()

    def _give_up(self) -> None:
        """Empty and remove the logbook, so that sending continues when the disk is full.

        Raise `OSError` if even that fails, because messages missing from the logbook would then
        be taken as never handed over.
        """
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        self._path.unlink(missing_ok=True)
        self._given_up = True

    def end(self, *, served: bool) -> None:
        """Close the logbook; remove it if it has `served`, when the database has all of it."""
        if served:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._file)


class Logbooks:
    """The logbooks on this machine for one database, each named after its claim."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, claim: str) -> Logbook | NoLogbook:
        """Create the logbook for a claim of which no message is marked `sending` yet; never raise.

        If it cannot be created, sending continues, and nothing is recorded about the claim.
        """
        path = self._directory / claim
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(file, _heading(file))
                return Logbook(file, path)
            except OSError:
                os.close(file)
                path.unlink(missing_ok=True)
        return NO_LOGBOOK

    def claims(self) -> list[str]:
        """Return the claims that have a logbook here, including those whose writer is alive."""
        try:
            return sorted(os.listdir(self._directory))
        except OSError:
            return []

    def read(self, claim: str) -> LogbookReport | None:
        """Return the contents of a claim's logbook; `None` if it has none or its writer may run."""
        file = self._open_alone(claim, fcntl.LOCK_SH)
        if file is None:
            return None
        with file:
            return _told(file.read(), _heading(file.fileno()))

    def remove(self, claim: str) -> None:
        """Remove a logbook that is no longer needed, unless its writer is alive; never raise."""
        file = self._open_alone(claim, fcntl.LOCK_EX)
        if file is not None:
            with file, suppress(OSError):
                (self._directory / claim).unlink(missing_ok=True)

    def _open_alone(self, claim: str, how: int) -> BinaryIO | None:
        """Open a logbook whose writer has ended; a live or suspended one still holds its lock."""
        with suppress(OSError):
            file = (self._directory / claim).open("rb")
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                return file
            except OSError:
                file.close()
        return None


def _heading(file: int) -> bytes:
    """Return a line naming this boot and this very file.

    A copy is a different file, and a power cut leads to a different boot.
    """
    itself = os.fstat(file)
    return f"{_boot()} {itself.st_dev}:{itself.st_ino}\n".encode()


def _boot() -> str:
    """Return the ID of this boot, or an empty string if the system does not give one."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _told(written: bytes, heading: bytes) -> LogbookReport:
    """Parse a logbook: the last line about a message counts, and an incomplete line is ignored."""
    gone = bool(_boot()) and written.startswith(heading)
    whole = gone and written.endswith(b"\n")
    known = {}
    for line in written.split(b"\n")[:-1]:
        found = _LINE.fullmatch(line)
        if found:
            known[int(found[2])] = _FATES[found[1]]
    return LogbookReport(known, whole, gone)
