"""Reading from servers that fail at one mail, or at the login: nothing blocks what comes after."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from nurture.mail.mailbox.address import MailboxAddress
from nurture.services.inbound import mailbox
from nurture.services.inbound.mailbox import MailboxSource, ReadingResult
from nurture.store.tables.events import events
from nurture.store.tables.mailboxes import mailboxes
from tests.grants import PAUL, connect, process
from tests.installation import Installation
from tests.servers.oauth import OAuthServer
from tests.servers.odd_imap import HANG, HANG_UP, LIE, REFUSE, OddImap
from tests.services.inbound.inbound_mails import mail_of
from tests.vocabulary import ANN

BOUNCE = "dsn-postfix-user-unknown.eml"

_NOISE = b"From: a@shop.example\r\nReturn-Path: <>\r\nSubject: Sale\r\n\r\nBuy.\r\n"


@pytest.fixture
def sent(sqlite_home: Installation) -> Installation:
    """Ann has been sent her guide."""
    sqlite_home.subscribe(ANN)
    sqlite_home.deliver()
    return sqlite_home


@pytest.fixture
def server(sent: Installation) -> Iterator[OddImap]:
    """A mailbox in which the fourth and last mail is Ann's bounce."""
    bounce = mail_of(sent, BOUNCE, ANN, ANN, sent.clock.now).replace(b"\n", b"\r\n")
    with OddImap(_NOISE, _NOISE, _NOISE, bounce) as running:
        yield running


def read(home: Installation, source: MailboxSource) -> ReadingResult:
    return mailbox.read_mailbox(home.context.inbound_desk, source, home.clock.now)


def plain(server: OddImap) -> MailboxSource:
    return MailboxSource(MailboxAddress.from_url(server.url))


def test_a_mail_that_the_server_does_not_hand_out_is_passed_over(
    sent: Installation, server: OddImap
) -> None:
    server.odd[2] = REFUSE
    result = read(sent, plain(server))
    assert (result.found, result.trouble) == (1, "")
    assert [row["skipped"] for row in sent.rows(mailboxes)] == [1]


@pytest.mark.parametrize("how", [HANG_UP, LIE])
def test_a_mail_at_which_the_server_always_breaks_off_keeps_nobody_s_news_for_long(
    sent: Installation, server: OddImap, how: str
) -> None:
    server.odd[2] = how
    assert "broke off" in read(sent, plain(server)).trouble
    sent.clock.set(sent.clock.now + timedelta(minutes=10))
    assert read(sent, plain(server)).trouble
    assert sent.rows(events) == []
    sent.clock.set(sent.clock.now + timedelta(minutes=30))
    assert read(sent, plain(server)).trouble  # Up to that mail, one by one.
    assert read(sent, plain(server)).trouble  # At that mail again, which is passed over.
    assert read(sent, plain(server)) == ReadingResult(looked_at=2, found=1)
    assert read(sent, plain(server)) == ReadingResult()
    assert [row["skipped"] for row in sent.rows(mailboxes)] == [1]


_READ = """
import sys
from nurture.bootstrap import build
from nurture.cli.command import private_settings
from nurture.services.inbound.mailbox import MailboxSource, read_mailbox
from nurture.mail.mailbox.address import MailboxAddress
context = build(private_settings(warn=False))
source = MailboxSource(MailboxAddress.from_url(sys.argv[1]))
read_mailbox(context.inbound_desk, source, context.clock())
"""


def test_a_reader_killed_in_the_midst_loses_and_doubles_nothing(
    sent: Installation, server: OddImap
) -> None:
    bounce = server.mails[3]
    server.mails[0], server.mails[1] = bounce, bounce
    server.odd[3] = HANG
    here = {"PATH": "/usr/bin"} | sent.environment
    with subprocess.Popen([sys.executable, "-c", _READ, server.url], env=here) as reader:
        assert server.hanging.wait(30)
        reader.kill()
    assert read(sent, plain(server)).busy
    assert len(sent.rows(events)) == 1
    del server.odd[3]
    with sent.context.database.writing() as connection:  # As if the lease had run out.
        connection.execute(sa.update(mailboxes).values(lease_until=None))
    assert read(sent, plain(server)).trouble == ""
    assert len(sent.rows(events)) == 1
    assert [row["last_uid"] for row in sent.rows(mailboxes)] == [4]


def test_a_mailbox_is_opened_by_the_token_of_the_connected_account(
    sent: Installation, server: OddImap
) -> None:
    with OAuthServer() as service:
        connect(sent.context.database, service)
        tokens = process(sent.context.database, service)
        source = MailboxSource(MailboxAddress.from_url(server.token_url(PAUL)), tokens)
        server.accepts = lambda user, token: user == PAUL and service.accepts(token)
        assert read(sent, source).found == 1


def test_a_refused_token_is_acknowledged_and_told_without_it(
    sent: Installation, server: OddImap
) -> None:
    server.quotes = True
    with OAuthServer() as service:
        connect(sent.context.database, service)
        tokens = process(sent.context.database, service)
        source = MailboxSource(MailboxAddress.from_url(server.token_url(PAUL)), tokens)
        told = read(sent, source).trouble
    assert "refuses the login" in told and "account connect" in told
    assert tokens.current() not in told
    assert server.challenges == [b"\r\n"]
    assert [row["trouble"] for row in sent.rows(mailboxes)] == [told]
