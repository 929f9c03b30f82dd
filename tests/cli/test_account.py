"""Connecting a mail account by command: what it says, and what becomes of what waited."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.messages.refusal import Cause
from nurture.domain.messages.status import MessageStatus
from nurture.sealing import Seal
from nurture.services.account import hold
from nurture.store.tables.grants import find_grant
from nurture.store.tables.messages import messages
from tests.grants import PAUL, age
from tests.installation import Installation
from tests.installations import home, smtp_sink, sqlite_home
from tests.servers import oauth
from tests.servers.clock import ClockFile
from tests.servers.oauth import OAuthServer
from tests.servers.token_smtp import TokenSink

__all__ = ["home", "smtp_sink", "sqlite_home"]


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture
def sink(service: OAuthServer) -> Iterator[TokenSink]:
    with TokenSink(PAUL, service.accepts) as server:
        yield server


@pytest.fixture
def practice(
    database_url: str, tmp_path: Path, clock_file: ClockFile, sink: TokenSink, service: OAuthServer
) -> Iterator[Installation]:
    """An installation that logs in with tokens: the test runs once on each kind of database."""
    own = Installation(
        database_url, tmp_path, clock_file, sink.token_url, service.device_settings
    ).publish_shipped()
    yield own
    own.close()


def run(home: Installation, *words: str, **more: str) -> Result:
    return CliRunner().invoke(main, ["account", *words], env=home.environment | more)


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def arrivals(sink: TokenSink) -> Counter[str]:
    return Counter(to for mail in sink.mails for to in mail.recipients)


def held(home: Installation) -> Cause | None:
    with home.context.database.reading() as connection:
        found = hold.state_of(connection, home.clock.now).hold
    return found.cause if found else None


@pytest.mark.parametrize("count", [80, pytest.param(500, marks=pytest.mark.slow)])
def test_a_grant_revoked_halfway_fails_nobody_and_doubles_nothing(
    practice: Installation, sink: TokenSink, service: OAuthServer, count: int
) -> None:
    people = [f"p{n}@example.org" for n in range(count)]
    for address in people:
        practice.subscribe(address)
    said(run(practice, "connect", "google"))

    def close_after_a_half(_: str) -> str | None:
        # Sessions overlap, so the very moment may pass between two of their commands.
        if len(sink.mails) < count // 2:
            return None
        service.revoke()
        return "421 4.3.2 closing"

    sink.decides["MAIL"] = close_after_a_half
    practice.deliver()
    # If sessions that had logged in before are closed sooner than a new one is refused, the server
    # counts as away for a minute, and the next login tells.
    practice.live(minutes=2)
    assert held(practice) is Cause.LOGIN
    practice.live_until(practice.clock.now + timedelta(hours=3))
    assert Counter(row["status"] for row in practice.rows(messages))[MessageStatus.FAILED] == 0
    assert count // 2 <= len(sink.mails) < count  # A few were on their way.
    shown = said(run(practice, "show"))
    assert f"{PAUL} is connected at google since" in shown
    assert "That has lapsed on" in shown and "Connect the account again" in shown

    sink.decides.clear()
    said(run(practice, "connect", "google"))
    practice.deliver()
    practice.live_until(practice.clock.now + timedelta(minutes=30))
    assert arrivals(sink) == Counter(people)
    assert {row["status"] for row in practice.rows(messages)} == {MessageStatus.ACCEPTED}
    assert held(practice) is None
    assert "lapsed" not in said(run(practice, "show"))


def test_email_waits_for_the_first_connection(
    practice: Installation, sink: TokenSink, service: OAuthServer
) -> None:
    practice.subscribe("ann@example.org")
    practice.deliver()
    assert held(practice) is Cause.LOGIN
    assert "nurture account connect google" in said(run(practice, "show"))
    told = said(run(practice, "connect", "microsoft"))
    assert "WDJB-MJHT" in told and f"{service.url}/activate" in told
    practice.deliver()
    assert arrivals(sink) == Counter(["ann@example.org"])


def test_a_login_service_that_is_away_holds_nothing_and_everyone_gets_theirs(
    practice: Installation, sink: TokenSink, service: OAuthServer
) -> None:
    said(run(practice, "connect", "google"))
    age(practice.context.database, 0)
    service.answers = oauth.OUT_OF_ORDER
    practice.subscribe("ann@example.org")
    practice.deliver()
    assert held(practice) is None
    assert arrivals(sink) == Counter()
    service.answers = None
    practice.live_until(practice.clock.now + timedelta(minutes=2))
    assert arrivals(sink) == Counter(["ann@example.org"])


def test_a_login_that_the_server_goes_on_refusing_is_a_hold_and_nothing_fails(
    practice: Installation, sink: TokenSink, service: OAuthServer
) -> None:
    said(run(practice, "connect", "google"))
    sink.valid = lambda _: False
    sink.refusal = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"
    practice.subscribe("ann@example.org")
    practice.deliver()
    assert held(practice) is Cause.LOGIN
    assert service.calls["refresh_token"] == 1
    assert "allows sending by SMTP" in said(run(practice, "show"))
    sink.valid = service.accepts
    practice.live_until(practice.clock.now + timedelta(minutes=10))
    assert arrivals(sink) == Counter(["ann@example.org"])


def test_giving_up_the_account_is_possible_and_says_where_to_take_the_permission_away(
    practice: Installation,
) -> None:
    assert "No account is connected" in said(run(practice, "disconnect"))
    said(run(practice, "connect", "google"))
    assert "myaccount.google.com" in said(run(practice, "disconnect"))
    assert "connected at" not in said(run(practice, "show"))


def test_a_connection_without_a_client_id_names_the_page_that_helps(
    practice: Installation,
) -> None:
    elsewhere = {"NURTURE_OAUTH_CLIENT_ID": "", "NURTURE_OAUTH_TOKEN_URL": ""}
    result = run(practice, "connect", "google", **elsewhere)
    assert result.exit_code == 1
    assert "docs/connecting-an-account.md" in result.stderr
    assert said(run(practice, "connect", "google", "--client-id", "client-1"))


def test_the_app_s_secret_can_be_asked_for_and_is_not_shown(
    practice: Installation, service: OAuthServer
) -> None:
    service.client_secret = "secret-of-the-app"
    words = ["account", "connect", "google", "--client-secret", "-"]
    typed = CliRunner().invoke(main, words, env=practice.environment, input="secret-of-the-app\n")
    assert "secret-of-the-app" not in said(typed)
    assert "Connected." in said(typed)
    helped = CliRunner().invoke(main, ["account", "connect", "--help"]).output
    assert "NURTURE_OAUTH_CLIENT_SECRET" in helped


def test_a_refused_permission_is_one_line(practice: Installation, service: OAuthServer) -> None:
    service.refuses = "access_denied"
    result = run(practice, "connect", "google")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "refused on the provider’s page" in result.stderr


def test_a_connection_beside_a_password_says_what_to_set(
    sqlite_home: Installation, service: OAuthServer
) -> None:
    told = run(sqlite_home, "connect", "google", **service.device_settings)
    assert "@smtp.gmail.com:587?auth=xoauth2" in said(told)


def test_rotating_a_leaked_key_seals_the_grant_with_the_new_one(
    tmp_path: Path, sqlite_url: str, clock_file: ClockFile, service: OAuthServer
) -> None:
    old = "the-key-that-was-made-here-first"
    (tmp_path / "var").mkdir()
    (tmp_path / "var/secrets.env").write_text(f"NURTURE_SECRET_KEY='{old}'\n")
    given = service.device_settings | {"NURTURE_SECRET_KEY": ""}
    own = Installation(sqlite_url, tmp_path, clock_file, settings=given)
    said(run(own, "connect", "google"))
    rotated = CliRunner().invoke(main, ["secrets", "rotate", "--leaked"], env=own.environment)
    assert rotated.exit_code == 0, rotated.output
    context = own.another()
    with context.database.reading() as connection:
        found = find_grant(connection)
    assert found is not None
    assert Seal(context.settings.keys.opening).is_newest(found.refresh_token)
    assert not Seal([old]).is_newest(found.refresh_token)
    assert service.accepts(context.access_tokens.current())
    context.database.close()
    own.close()


def connecting(home: Installation) -> "subprocess.Popen[str]":
    """Begin to connect in the browser, in a process of its own with a keyboard to type on."""
    return subprocess.Popen(
        [sys.executable, "-m", "nurture", "account", "connect", "google", "--browser"],
        env={"PATH": "/usr/bin", "PYTHONUNBUFFERED": "1"} | home.environment,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def page_of(process: "subprocess.Popen[str]", service: OAuthServer) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"{service.url}/authorize"):
            return line.strip()
    raise AssertionError("no address was printed")


def visited(url: str) -> str:
    """Open a page and return where it leads."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", f"{parts.path or '/'}?{parts.query}")
    to = connection.getresponse().getheader("Location") or ""
    connection.close()
    return to


@pytest.mark.parametrize("pasted", [False, True])
def test_the_browser_s_last_page_comes_by_itself_or_is_pasted(
    sqlite_url: str,
    tmp_path: Path,
    clock_file: ClockFile,
    service: OAuthServer,
    sink: TokenSink,
    pasted: bool,
) -> None:
    own = Installation(sqlite_url, tmp_path, clock_file, sink.token_url, service.settings)
    with connecting(own) as process:
        back = visited(page_of(process, service))
        assert re.match(r"http://127\.0\.0\.1:\d+\?code=", back)
        out, _ = process.communicate(f"nonsense\n{back}\n", 20) if pasted else (visited(back), "")
        if not pasted:
            out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Connected." in out
    assert ("not the address of the last page" in out) is pasted
    own.close()
