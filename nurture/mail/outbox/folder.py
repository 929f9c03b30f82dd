"""The mailer used without a mail server: it writes every message to a file."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.outbox import files
from nurture.mail.outbox.files import KeptMail, list_mails
from nurture.mail.outbox.pages import write_index

__all__ = ["KeptMail", "Outbox", "list_mails", "remove_mails", "unlist_refused", "write_index"]

REFUSED_ADDRESSES = "refused-addresses.txt"


def remove_mails(directory: Path, messages: Collection[int]) -> None:
    """Remove the emails with these numbers, and all files made from them, if they are stored.

    Files that a killed process left half-written are removed as well.
    """
    kept = [path for path in files.files_of_mails(directory) if files.number_of(path) in messages]
    for path in kept:
        path.unlink(missing_ok=True)
    if kept:
        files.remove_drafts(directory)
    if kept and (directory / "index.html").exists():
        write_index(directory)


def unlist_refused(directory: Path, is_gone: Callable[[str], bool]) -> None:
    """Remove addresses that no longer belong to anyone from the list of refused addresses."""
    path = directory / REFUSED_ADDRESSES
    try:
        lines = path.read_text("utf-8").splitlines(keepends=True)
    except (FileNotFoundError, UnicodeError):
        return
    kept = [line for line in lines if not is_gone(line.strip())]
    if kept != lines:
        files.write_whole(path, "".join(kept).encode())


class Outbox:
    """A `Mailer` that stores each message as `message-<number>.eml` in one directory.

    Writing the same message again replaces its file, and a reader never sees half an email.
    Addresses listed in `refused-addresses.txt`, one per line, are refused as a mail server
    would refuse them, to rehearse what follows.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def offer(
        self, envelopes: Iterator[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        """Write each envelope and yield its outcome; a full disk defers it, as a server would."""
        refused = self._refused_addresses()
        for envelope in envelopes:
            yield self._outcome(envelope, refused)

    def close(self) -> None:
        """Do nothing; no file stays open between two messages."""

    def _refused_addresses(self) -> frozenset[str]:
        try:
            lines = (self.directory / REFUSED_ADDRESSES).read_text("utf-8").splitlines()
        except (OSError, UnicodeError):
            return frozenset()
        return frozenset(line.strip().lower() for line in lines if line.strip())

    def _outcome(self, envelope: Envelope, refused: frozenset[str]) -> Outcome:
        if envelope.recipient.lower() in refused:
            reason = f"550 5.1.1 The address is listed in {REFUSED_ADDRESSES}."
            nobody = Refusal(Blame.RECIPIENT, permanent=True, dead=True)
            return Outcome(envelope.message, MessageStatus.FAILED, reason, 550, nobody)
        try:
            envelope.notes.handing_over(envelope.message)
            path = self._write(envelope)
        except OSError as error:
            reason = f"{self.directory} cannot be written to ({error.strerror}): make room there."
            return self._noted(envelope, MessageStatus.DEFERRED, reason)
        return self._noted(envelope, MessageStatus.ACCEPTED, f"Kept as {path.name}.")

    def _noted(self, envelope: Envelope, status: MessageStatus, reason: str) -> Outcome:
        envelope.notes.heard(envelope.message, status)
        return Outcome(envelope.message, status, reason)

    def _write(self, envelope: Envelope) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return files.write_whole(files.mail_path(self.directory, envelope.message), envelope.data)
