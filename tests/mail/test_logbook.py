"""The logbook: what may be believed of it, and when its silence counts as well."""

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.mail import logbook as logbook_module
from nurture.mail.logbook import NO_LOGBOOK, Logbook, Logbooks, Notes
from nurture.mail.mailer import Envelope
from nurture.mail.outbox.folder import Outbox
from tests.mail.offering import envelope, mailer
from tests.mail.scripted_server import ScriptedServer
from tests.presence import at_least_one

ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
IN_DOUBT, FAILED = MessageStatus.IN_DOUBT, MessageStatus.FAILED


@pytest.fixture
def books(tmp_path: Path) -> Logbooks:
    return Logbooks(tmp_path / "sending")


@pytest.fixture
def smtp_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def begun(books: Logbooks, claim: str = "c1") -> Logbook:
    """Return a logbook with one message accepted, one refused, one in progress and one in doubt."""
    book = books.begin(claim)
    assert isinstance(book, Logbook)
    for message in (1, 2, 3, 4, 5):
        book.handing_over(message)
    book.heard(1, ACCEPTED)
    book.heard(2, DEFERRED)
    book.heard(4, IN_DOUBT)
    book.heard(5, FAILED)
    return book


def fates(books: Logbooks, claim: str = "c1") -> list[MessageStatus]:
    """Return the logbook's statements about messages 1 to 6; it has no line for the last."""
    told = books.read(claim)
    assert told is not None
    return [told.fate(message) for message in range(1, 7)]


def test_a_logbook_tells_every_outcome_except_what_was_in_progress(
    books: Logbooks,
) -> None:
    begun(books).end(served=False)
    assert fates(books) == [ACCEPTED, DEFERRED, IN_DOUBT, IN_DOUBT, FAILED, DEFERRED]


def test_a_killed_writer_leaves_every_line_readable(books: Logbooks) -> None:
    child = os.fork()
    if not child:
        begun(books)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert fates(books) == [ACCEPTED, DEFERRED, IN_DOUBT, IN_DOUBT, FAILED, DEFERRED]


def test_a_logbook_is_neither_read_nor_removed_while_its_writer_lives(books: Logbooks) -> None:
    book = begun(books)
    assert books.read("c1") is None
    books.remove("c1")
    book.end(served=False)
    assert books.read("c1") is not None


def test_two_readers_may_read_a_logbook_at_once(
    books: Logbooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(books).end(served=False)
    seen = []
    told = logbook_module._told

    def read_again_meanwhile(written: bytes, heading: bytes) -> object:
        monkeypatch.setattr(logbook_module, "_told", told)
        seen.append(books.read("c1"))
        return told(written, heading)

    monkeypatch.setattr(logbook_module, "_told", read_again_meanwhile)
    assert books.read("c1") == seen[0]


def test_a_claim_without_a_logbook_has_no_outcomes(books: Logbooks) -> None:
    assert books.read("c1") is None
    assert books.claims() == []
    books.remove("c1")


def test_a_logbook_that_is_no_longer_needed_is_removed(books: Logbooks) -> None:
    begun(books).end(served=True)
    begun(books, "c2").end(served=False)
    assert books.claims() == ["c2"]
    books.remove("c2")
    assert books.claims() == []


def with_another_boot(path: Path) -> None:
    path.write_bytes(b"another-boot 1:1\n" + path.read_bytes().partition(b"\n")[2])


def without_its_end(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def copied(path: Path) -> None:
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize("harm", [with_another_boot, without_its_end, copied, emptied])
def test_messages_missing_from_a_possibly_incomplete_logbook_are_in_doubt(
    books: Logbooks, tmp_path: Path, harm: object
) -> None:
    begun(books).end(served=False)
    assert callable(harm)
    harm(tmp_path / "sending/c1")
    told = fates(books)
    assert told[5] == IN_DOUBT
    assert told[0] == (IN_DOUBT if harm is emptied else ACCEPTED)


def test_an_incomplete_line_is_ignored(books: Logbooks, tmp_path: Path) -> None:
    begun(books).end(served=False)
    with (tmp_path / "sending/c1").open("ab") as file:
        file.write(b"=6")
    assert fates(books)[5] == IN_DOUBT


def test_a_logbook_is_never_assumed_complete_if_the_boot_id_is_unknown(
    books: Logbooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook_module, "_BOOT_ID", tmp_path / "nothing")
    begun(books).end(served=False)
    assert fates(books)[5] == IN_DOUBT


def test_sending_continues_if_no_logbook_can_be_created(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    assert Logbooks(tmp_path / "a-file").begin("c1") is NO_LOGBOOK


def test_sending_continues_without_a_logbook_on_a_full_disk(books: Logbooks) -> None:
    """`/dev/full` is a disk that is always full."""
    book = begun(books)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, book._file)
    os.close(full)
    book.handing_over(6)
    book.handing_over(7)
    book.end(served=False)
    assert books.claims() == []


def test_a_message_is_deferred_if_its_logbook_can_be_neither_written_nor_removed(
    books: Logbooks, smtp_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    book = begun(books)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, book._file)
    os.close(full)
    monkeypatch.setattr(Path, "unlink", refuse)
    [outcome] = mailer(smtp_server).offer(noted(1, book))
    assert outcome.status == DEFERRED
    assert "noted" in outcome.reason
    assert smtp_server.accepted == []


@dataclass
class Watching:
    """Notes that check whether the server has a message at that moment."""

    has: Callable[[int], bool]
    seen: list[tuple[str, int, bool]] = field(default_factory=list)

    def handing_over(self, message: int) -> None:
        self.seen.append(("handing over", message, self.has(message)))

    def heard(self, message: int, status: MessageStatus) -> None:
        self.seen.append((status, message, self.has(message)))


def noted(count: int, notes: Notes) -> Iterator[Envelope]:
    """Return envelopes whose handover is noted."""
    return (replace(envelope(number), notes=notes) for number in range(count))


def test_every_message_is_logged_before_it_is_sent_and_once_it_is_accepted(
    smtp_server: ScriptedServer,
) -> None:
    notes = Watching(
        lambda number: any(f"r{number}@" in one.recipient for one in smtp_server.accepted)
    )
    list(mailer(smtp_server, connections=3).offer(noted(30, notes)))
    assert sorted(n for what, n, _ in notes.seen if what == "handing over") == list(range(30))
    assert not any(taken for what, _, taken in at_least_one(notes.seen) if what == "handing over")
    assert sorted(n for what, n, _ in notes.seen if what == ACCEPTED) == list(range(30))


def test_at_most_one_message_per_connection_is_being_sent(
    smtp_server: ScriptedServer,
) -> None:
    notes = Watching(lambda _: False)
    list(mailer(smtp_server, connections=3).offer(noted(60, notes)))
    under_way: set[int] = set()
    most = 0
    for what, number, _ in notes.seen:
        if what == "handing over":
            under_way.add(number)
        else:
            under_way.remove(number)
        most = max(most, len(under_way))
    assert 1 <= most <= 3


def test_the_outbox_writes_the_logbook_too(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    notes = Watching(lambda number: (tmp_path / f"outbox/message-{number:08d}.eml").exists())
    list(outbox.offer(noted(1, notes)))
    assert notes.seen == [("handing over", 0, False), (ACCEPTED, 0, True)]
