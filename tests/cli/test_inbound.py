"""The pipe: a mail is taken in, whatever it is, and kept by the mail server if we cannot."""

import os
from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy import text

from nurture.cli import main
from nurture.domain.messages.status import MessageStatus
from tests.installation import Installation
from tests.servers.smtp import SmtpSink
from tests.vocabulary import ANN, GUIDE

_BOUNCE = b"""Return-Path: <>
From: MAILER-DAEMON@mx.example
Subject: failure notice
Message-ID: <1@mx.example>

<ann@example.org>:
Remote host said: 550 5.1.1 User unknown
"""


def pipe(home: Installation, data: bytes, *arguments: str, **environment: str) -> Result:
    own = home.environment | environment
    return CliRunner().invoke(main, ["inbound", *arguments], input=data, env=own)


def with_bounce_address(home: Installation) -> Installation:
    again = Installation(home.url, home.directory, home.clock, home.smtp_url)
    again.settings = {"NURTURE_BOUNCE_ADDRESS": "bounces@practice.example"}
    again.subscribe(ANN)
    again.deliver()
    return again


def test_a_mail_that_says_nothing_is_read_without_complaint(sqlite_home: Installation) -> None:
    for data in (b"", os.urandom(3_000), b"Subject: hello\n\nhello\n", b"x" * 2_000_000):
        result = pipe(sqlite_home, data)
        assert (result.exit_code, result.stderr) == (0, ""), result.output


def test_the_recipient_that_postfix_names_says_what_came_back(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = with_bounce_address(sqlite_home)
    path = smtp_sink.mails[0].sender
    assert pipe(home, _BOUNCE, ORIGINAL_RECIPIENT="bounces@practice.example").exit_code == 0
    assert home.statuses(ANN) == [(GUIDE, MessageStatus.ACCEPTED)]
    result = pipe(home, _BOUNCE, ORIGINAL_RECIPIENT=path.upper())
    assert result.output == "It says: bounced.\n"
    assert home.statuses(ANN) == [(GUIDE, MessageStatus.BOUNCED)]


def test_the_recipient_can_be_given_or_stand_in_the_mail(
    sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    home = with_bounce_address(sqlite_home)
    path = smtp_sink.mails[0].sender
    assert "bounced" in pipe(home, _BOUNCE, "--recipient", path).output
    assert "bounced" in pipe(home, f"Delivered-To: {path}\n".encode() + _BOUNCE).output


def test_the_mail_server_is_asked_to_try_again_while_the_database_is_away(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    away = f"sqlite:///{tmp_path / 'nowhere' / 'nurture.db'}"
    result = pipe(sqlite_home, _BOUNCE, NURTURE_DATABASE_URL=away)
    assert result.exit_code == 75, result.output


def test_the_mail_server_is_asked_to_try_again_while_the_database_is_newer(
    sqlite_home: Installation,
) -> None:
    with sqlite_home.context.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    result = pipe(sqlite_home, _BOUNCE)
    assert result.exit_code == 75
    assert "newer" in result.stderr
