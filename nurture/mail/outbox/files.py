"""The emails that the outbox stores as files, and how to write a file atomically."""

import os
import re
import threading
from datetime import UTC, datetime
from email.headerregistry import BaseHeader, DateHeader
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from functools import cached_property
from pathlib import Path

from nurture.files.private import write_private

_PREFIX = "message-"
_ABOUT_A_MAIL = re.compile(rf"\.?{_PREFIX}(\d+)\.")


def mail_path(directory: Path, message: int) -> Path:
    """Return the path at which the outbox stores a message, by its number in the ledger."""
    return directory / f"{_PREFIX}{message:08d}.eml"


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file for its owner only and return its path; readers see old or new, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        write_private(temporary, data)
        return temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def files_of_mails(directory: Path) -> list[Path]:
    """Return every file about an email: the email, the files made from it, and drafts of both."""
    return [path for path in _entries(directory) if number_of(path) is not None]


def number_of(path: Path) -> int | None:
    """Return the number of the message that a file is about, or `None`."""
    found = _ABOUT_A_MAIL.match(path.name)
    return int(found[1]) if found else None


def remove_drafts(directory: Path) -> None:
    """Remove index drafts left behind by a killed process, but none still being written."""
    for path in _entries(directory):
        if path.name.startswith(".index.html.") and not _is_running(path):
            path.unlink(missing_ok=True)


def _is_running(draft: Path) -> bool:
    """Return whether the process that began a draft is still running."""
    pid = draft.name.rsplit(".", 2)[1]
    return Path(f"/proc/{pid}").exists()


def _entries(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]
    except FileNotFoundError:
        return []


class KeptMail:
    """One email in the outbox; its file is read only when its headers are needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = int(path.stem.removeprefix(_PREFIX))

    @cached_property
    def _headers(self) -> EmailMessage:
        with self.path.open("rb") as file:
            return BytesParser(policy=default).parse(file, headersonly=True)

    def _text(self, name: str) -> str:
        header: BaseHeader | None = self._headers[name]
        return str(header) if header is not None else ""

    @property
    def recipient(self) -> str:
        """The decoded To header."""
        return self._text("To")

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return self._text("Subject")

    @property
    def date(self) -> datetime | None:
        """The Date header as aware UTC; None if it states no time."""
        header = self._headers["Date"]
        moment = header.datetime if isinstance(header, DateHeader) else None
        if moment is None:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def list_mails(directory: Path) -> list[KeptMail]:
    """Return the emails stored in a directory, newest first; none if it does not exist."""
    paths = [path for path in directory.glob(f"{_PREFIX}*.eml") if _is_numbered(path)]
    return sorted(map(KeptMail, paths), key=lambda mail: mail.number, reverse=True)


def _is_numbered(path: Path) -> bool:
    return path.stem.removeprefix(_PREFIX).isdecimal()
