"""What a worker handed to the mail server and what it heard, on this machine's own disk.

A line is written before the first byte of a message's content leaves and another when
its answer has been read. After a `kill -9` the operating system still has every line, so
that of a worker's window only those are in doubt which were at the mail server just then.

Saying that a message was *not* handed over takes more than a missing line: the logbook has
to be there under its claim's name, whole, of this very boot of this machine (what a power
cut leaves of a file proves nothing), no copy, and its writer must be gone. Where any of
that is missing, only the lines that are there are believed.
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
    {
        MessageStatus.ACCEPTED: b"=",
        MessageStatus.DEFERRED: b"-",
        MessageStatus.FAILED: b"!",
    }
)
_FATES = MappingProxyType(
    {
        b"+": MessageStatus.IN_DOUBT,
        b"=": MessageStatus.ACCEPTED,
        b"-": MessageStatus.DEFERRED,
        b"!": MessageStatus.FAILED,
    }
)


class Notes(Protocol):
    """What is written down about the messages of one claim while they are offered."""

    def handing_over(self, message: int) -> None:
        """Note that the content begins to leave; raises `OSError` where it must not."""
        ...

    def heard(self, message: int, status: MessageStatus) -> None:
        """Note what became of a message that was handed over."""
        ...


class NoLogbook:
    """For whoever keeps no ledger, and where no logbook can be kept."""

    def handing_over(self, message: int) -> None:
        """Write nothing."""

    def heard(self, message: int, status: MessageStatus) -> None:
        """Write nothing."""

    def end(self, *, served: bool) -> None:
        """Nothing is open."""


NO_LOGBOOK = NoLogbook()


@dataclass(frozen=True, slots=True)
class LogbookReport:
    """What a logbook tells. `whole` says that a message it does not name was not handed over.

    `gone` says for certain that its writer is: it had the lock under this very kernel, which gives
    the lock to nobody else before. Locks of another machine are not seen everywhere.
    """

    known: Mapping[int, MessageStatus]
    whole: bool
    gone: bool = False

    def fate(self, message: int) -> MessageStatus:
        """`accepted`, `failed`; `deferred` where it may be offered again; else `in_doubt`."""
        return self.known.get(
            message, MessageStatus.DEFERRED if self.whole else MessageStatus.IN_DOUBT
        )

    @property
    def accepted(self) -> list[int]:
        """The messages that the mail server took."""
        return [number for number, fate in self.known.items() if fate is MessageStatus.ACCEPTED]


class Logbook:
    """The logbook of one claim, open and locked for as long as its writer lives."""

    def __init__(self, file: int, path: Path) -> None:
        self._file, self._path = file, path
        self._given_up = False

    def handing_over(self, message: int) -> None:
        """Note that the content begins to leave; raises `OSError` where it must not."""
        self._write(b"+%d\n" % message)

    def heard(self, message: int, status: MessageStatus) -> None:
        """Note what became of a message that was handed over; a doubt stays one."""
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
        """On a full disk the mail goes on, and this tells nothing any more.

        Raises `OSError` where even that cannot be brought about, because then what is
        missing would be believed not to have happened.
        """
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        self._path.unlink(missing_ok=True)
        self._given_up = True

    def end(self, *, served: bool) -> None:
        """Write no more; where it has `served`, all of it is in the database and it goes."""
        if served:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._file)


class Logbooks:
    """The logbooks on this machine about one database, each named by its claim."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, claim: str) -> Logbook | NoLogbook:
        """A logbook for a claim of which nothing is marked as being offered yet; never raises.

        Where none can be kept, sending goes on, and what is told of the claim is nothing.
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
        """The claims of which there are logbooks here, those of living writers included."""
        try:
            return sorted(os.listdir(self._directory))
        except OSError:
            return []

    def read(self, claim: str) -> LogbookReport | None:
        """What a claim's logbook tells; `None` where there is none or its writer may go on."""
        file = self._open_alone(claim, fcntl.LOCK_SH)
        if file is None:
            return None
        with file:
            return _told(file.read(), _heading(file.fileno()))

    def remove(self, claim: str) -> None:
        """Remove a logbook that has served, unless its writer is alive; never raises."""
        file = self._open_alone(claim, fcntl.LOCK_EX)
        if file is not None:
            with file, suppress(OSError):
                (self._directory / claim).unlink(missing_ok=True)

    def _open_alone(self, claim: str, how: int) -> BinaryIO | None:
        """A logbook whose writer is gone: as long as it lives, or sleeps, it holds a lock."""
        with suppress(OSError):
            file = (self._directory / claim).open("rb")
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                return file
            except OSError:
                file.close()
        return None


def _heading(file: int) -> bytes:
    """This boot of this machine, and this very file: neither survives a copy or a power cut."""
    itself = os.fstat(file)
    return f"{_boot()} {itself.st_dev}:{itself.st_ino}\n".encode()


def _boot() -> str:
    """What this boot is called, or nothing where the system does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _told(written: bytes, heading: bytes) -> LogbookReport:
    """The last line about a message counts; half a line says nothing."""
    gone = bool(_boot()) and written.startswith(heading)
    whole = gone and written.endswith(b"\n")
    known = {}
    for line in written.split(b"\n")[:-1]:
        found = _LINE.fullmatch(line)
        if found:
            known[int(found[2])] = _FATES[found[1]]
    return LogbookReport(known, whole, gone)
