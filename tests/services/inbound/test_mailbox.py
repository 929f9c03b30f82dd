"""Reading a real mailbox: each mail once, nothing changed there, and no trouble escapes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailbox import connection as imap
from nurture.mail.mailbox.address import MailboxAddress
from nurture.mail.mailbox.reader import read_inbound
from nurture.services.inbound import mailbox
from nurture.services.inbound.mailbox import MailboxSource, ReadingResult
from nurture.store.tables.events import events
from nurture.store.tables.mailboxes import mailboxes, take_lease
from tests.installation import Installation
from tests.mail.certificates import self_signed
from tests.presence import at_least_one
from tests.servers.imap import ImapServer, imap_server
from tests.services.inbound.inbound_mails import BOB, mail_of
from tests.vocabulary import ANN, GUIDE

pytestmark = pytest.mark.hosts

BOUNCE, REPLY = "dsn-postfix-user-unknown.eml", "reply-short.eml"

_NOISE = (
    b"From: news@shop.example\r\nSubject: Sale\r\nMessage-ID: <%d@shop.example>\r\n\r\nBuy.\r\n"
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    """A mailbox whose server this machine trusts."""
    certificate = self_signed(tmp_path, "localhost", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with imap_server(certificate) as running:
        yield running


@pytest.fixture
def sent(sqlite_home: Installation) -> Installation:
    """Ann and Bob have been sent their guides."""
    return with_guides(sqlite_home)


def with_guides(home: Installation) -> Installation:
    for address in (ANN, BOB):
        home.subscribe(address)
    home.deliver()
    return home


def source(url: str) -> MailboxSource:
    return MailboxSource(MailboxAddress.from_url(url))


def read(home: Installation, url: str) -> ReadingResult:
    desk, now = home.context.inbound_desk, home.clock.now
    return mailbox.read_mailbox(desk, source(url), now, timedelta(seconds=60))


def about(home: Installation, name: str, to: str = ANN, other: str = BOB) -> bytes:
    return mail_of(home, name, to, other, home.clock.now)


def test_what_comes_back_is_read_once_and_nothing_in_the_mailbox_changes(
    home: Installation, server: ImapServer
) -> None:
    sent = with_guides(home)
    server.put(_NOISE % 1, about(sent, BOUNCE), about(sent, REPLY, BOB, ANN))
    assert read(sent, server.url) == ReadingResult(looked_at=3, found=2)
    assert sent.statuses(ANN) == [(GUIDE, MessageStatus.BOUNCED)]
    assert {row["kind"] for row in at_least_one(sent.rows(events))} == {"bounced", "replied"}
    assert read(sent, server.url) == ReadingResult()
    server.put(_NOISE % 2)
    assert read(sent, server.url) == ReadingResult(looked_at=1)
    assert server.flags() == set()


def test_new_numbers_of_all_mails_make_none_count_twice(
    sent: Installation, server: ImapServer
) -> None:
    server.put(about(sent, BOUNCE))
    read(sent, server.url)
    [before] = sent.rows(mailboxes)
    seen = sent.rows(events)
    server.renumber()
    server.put(about(sent, REPLY, BOB, ANN))
    assert read(sent, server.url).looked_at == 2
    [after] = sent.rows(mailboxes)
    assert after["uid_validity"] != before["uid_validity"]
    assert [row["kind"] for row in sent.rows(events)[len(seen) :]] == ["replied"]


def test_three_thousand_mails_are_looked_at_and_one_is_found(
    sent: Installation, server: ImapServer
) -> None:
    server.put(*(_NOISE % number for number in range(3_000)), about(sent, BOUNCE))
    assert read(sent, server.url) == ReadingResult(looked_at=3_001, found=1)


def test_a_reading_that_runs_out_of_time_is_taken_up_by_the_next(
    sent: Installation, server: ImapServer
) -> None:
    server.put(*(_NOISE % number for number in range(120)), about(sent, BOUNCE))
    desk, now = sent.context.inbound_desk, sent.clock.now
    looked_at = [
        mailbox.read_mailbox(desk, source(server.url), now, timedelta(0)).looked_at
        for _ in range(4)
    ]
    assert looked_at == [50, 50, 21, 0]


def test_only_one_reader_reads_at_a_time(home: Installation, server: ImapServer) -> None:
    sent = with_guides(home)
    server.put(about(sent, BOUNCE))
    key = source(server.url).address.key
    with sent.context.database.writing() as connection:
        until = real_now() + timedelta(minutes=1)
        assert take_lease(connection, key, "another", real_now(), until)
    assert read(sent, server.url) == ReadingResult(busy=True)
    with sent.context.database.writing() as connection:
        connection.execute(mailboxes.update().values(lease_until=real_now()))
    assert read(sent, server.url).found == 1


def test_a_mail_that_cannot_be_taken_in_is_passed_over_and_remembered(
    sent: Installation, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = read_inbound

    def fail(data: bytes) -> object:
        if b"poison" in data:
            raise RuntimeError("whatever is wrong with it")
        return real(data)

    monkeypatch.setattr(mailbox, "read_inbound", fail)
    server.put(b"Subject: poison\r\n\r\n", about(sent, BOUNCE))
    assert read(sent, server.url) == ReadingResult(looked_at=2, found=1)
    [row] = sent.rows(mailboxes)
    assert (row["skipped"], row["trouble"]) == (1, "")


def test_a_wrong_password_is_told_without_it_and_the_next_reading_goes_on(
    home: Installation, server: ImapServer
) -> None:
    sent = with_guides(home)
    server.put(about(sent, BOUNCE))
    wrong = server.url.replace("p%40ss", "w%72ong-s3cret")
    told = read(sent, wrong).trouble
    assert told.startswith("The mailbox refuses the login")
    assert "s3cret" not in told and "@practice" not in told
    [row] = sent.rows(mailboxes)
    assert row["trouble_since"] == sent.clock.now and row["read_at"] is None
    assert read(sent, server.url).found == 1
    [row] = sent.rows(mailboxes)
    assert (row["trouble"], row["trouble_since"], row["read_at"]) == ("", None, sent.clock.now)


def test_a_folder_that_is_not_there_is_named_in_the_trouble(
    sent: Installation, server: ImapServer
) -> None:
    assert "no such folder" in read(sent, server.url.replace("INBOX", "Bounces")).trouble


def test_a_certificate_of_somebody_else_is_not_trusted(
    sent: Installation, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "certificate cannot be verified" in read(sent, server.url).trouble


def test_a_server_that_is_away_is_trouble_and_no_error(sent: Installation) -> None:
    told = read(sent, "imaps://user:password@127.0.0.1:1/INBOX").trouble
    assert "cannot be reached" in told
    assert sent.rows(events) == []


@contextmanager
def talking(*said: bytes) -> Iterator[str]:
    """Run a server on this machine that says these things, whatever it hears."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            for one in said:
                connection.sendall(one)
                if not connection.recv(4096):
                    return
            while connection.recv(4096):
                pass

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"imap://user:password@127.0.0.1:{listening.getsockname()[1]}/INBOX"
    listening.close()


def test_a_server_that_hangs_is_left_after_a_while(
    sent: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_SILENCE_SECONDS", 0.5)
    with talking(b"* OK hello\r\n") as url:
        assert "does not answer in time" in read(sent, url).trouble


@pytest.mark.parametrize(
    "said",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"* OK hello\r\n", b"\x00\xff nonsense\r\n" * 40),
        (b"* BYE too many\r\n",),
        (b"* OK " + b"x" * 2_000_000 + b"\r\n",),
        (b"* OK hello\r\n* CAPABILITY IMAP4rev1 {99999999999}\r\n", b"x" * 1000),
    ],
)
def test_a_server_that_talks_nonsense_is_trouble_and_no_error(
    sent: Installation, said: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_SILENCE_SECONDS", 1.0)
    with talking(*said) as url:
        assert read(sent, url).trouble
