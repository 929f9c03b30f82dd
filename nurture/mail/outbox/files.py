"""The mails that the outbox keeps as files, and how a file is written so that it is whole."""

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
    """Return where the outbox keeps a message, by the ledger's number."""
    return directory / f"{_PREFIX}{message:08d}.eml"


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file so that a reader sees all of it or what was there before; return its path.

    Nobody but its owner can read it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        write_private(temporary, data)
        return temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def files_of_mails(directory: Path) -> list[Path]:
    """Every file about a mail: itself, what was made of it, and drafts of both."""
    return [path for path in _entries(directory) if number_of(path) is not None]


def number_of(path: Path) -> int | None:
    """Which message a file is about, or `None` where it is about none."""
    found = _ABOUT_A_MAIL.match(path.name)
    return int(found[1]) if found else None


def remove_drafts(directory: Path) -> None:
    """Remove drafts of the index that a killed process left; one that is written now is not."""
    for path in _entries(directory):
        if path.name.startswith(".index.html.") and not _is_running(path):
            path.unlink(missing_ok=True)


def _is_running(draft: Path) -> bool:
    """Whether the process that began a draft is still there."""
    pid = draft.name.rsplit(".", 2)[1]
    return Path(f"/proc/{pid}").exists()


def _entries(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]
    except FileNotFoundError:
        return []


class KeptMail:
    """One mail of the outbox; it is read only when its headers are asked for."""

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
        """The To header as it would be shown."""
        return self._text("To")

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return self._text("Subject")

    @property
    def date(self) -> datetime | None:
        """When the mail says it was sent, as aware UTC; None where it does not say."""
        header = self._headers["Date"]
        moment = header.datetime if isinstance(header, DateHeader) else None
        if moment is None:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def list_mails(directory: Path) -> list[KeptMail]:
    """Return the mails kept in a directory, newest first; no directory means none."""
    paths = [path for path in directory.glob(f"{_PREFIX}*.eml") if _is_numbered(path)]
    return sorted(map(KeptMail, paths), key=lambda mail: mail.number, reverse=True)


def _is_numbered(path: Path) -> bool:
    return path.stem.removeprefix(_PREFIX).isdecimal()
