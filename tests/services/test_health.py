"""“nurture doctor” finds what is wrong, says what to do about it, and changes nothing."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, text, update

from nurture.cli import main
from nurture.domain.messages.refusal import Cause
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit
from nurture.services.account import hold
from nurture.services.health.examination import examine
from nurture.services.health.finding import Finding, fine
from nurture.store.migrate import migrate
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.withdrawals import list_withdrawals
from tests.installation import Installation
from tests.presence import at_least_one
from tests.servers.names import RECORDS, name_server

ROOT = Path(__file__).parents[2]

#: Nobody answers there, and nothing is to leave this machine.
NEAR = {"NURTURE_PORT": "0", "NURTURE_BASE_URL": "http://127.0.0.1:9"}

#: As in production: time is the real one.
REAL = {"NURTURE_CLOCK": ""}


@pytest.fixture(autouse=True)
def nobodys_names() -> Iterator[None]:
    """A name server without any records."""
    with name_server({}):
        yield


def look(home: Installation, **settings: str) -> list[Finding]:
    """Return the doctor's findings, checking that each problem has a remedy."""
    _, found = examined(home, "--json", **settings)
    return found


def examined(home: Installation, *options: str, **settings: str) -> tuple[int, list[Finding]]:
    environment = home.environment | NEAR | settings
    result = CliRunner().invoke(main, ["doctor", *options], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    found = [Finding(**one) for one in json.loads(result.stdout)]
    assert all(one.remedy for one in at_least_one(found) if one.level != "ok"), found
    assert found == sorted(found, key=lambda one: ["failure", "warning", "ok"].index(one.level))
    return result.exit_code, found


def levels(found: list[Finding], name: str) -> list[str]:
    return [str(one.level) for one in found if one.name == name]


def said(found: list[Finding], name: str) -> str:
    return "\n".join(f"{one.sentence} {one.remedy}" for one in found if one.name == name)


def on_disk(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Return every file with its mode, modification time and digest; folders with their mode."""
    return {
        str(path.relative_to(directory)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns if path.is_file() else 0,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(directory.rglob("*"))
    }


def test_the_doctor_exits_with_0_unless_a_check_fails_or_strict_finds_a_warning(
    sqlite_home: Installation,
) -> None:
    code, found = examined(sqlite_home, "--json", **REAL)
    assert [one for one in found if one.level == "failure"] == []
    assert code == 0
    assert {"database", "files", "disk", "mail server", "sending"} <= {one.name for one in found}
    assert levels(found, "mail server") == ["ok"]
    assert levels(found, "studio") == ["warning"]
    assert examined(sqlite_home, "--json", "--strict", **REAL)[0] == 1


def test_the_doctor_prints_plain_text_to_a_pipe_with_the_worst_first(
    sqlite_home: Installation,
) -> None:
    result = CliRunner().invoke(main, ["doctor"], env=sqlite_home.environment | NEAR)
    assert "\x1b" not in result.stdout
    assert result.stdout.startswith("failure   clock: NURTURE_CLOCK is set")
    assert "\n          → Take NURTURE_CLOCK out" in result.stdout
    assert result.exit_code == 1


def test_the_doctor_writes_nothing_on_an_empty_machine(tmp_path: Path) -> None:
    done = as_a_process(tmp_path, NURTURE_DATA_DIR="new/var", NURTURE_BACKUP_URL="new/backups")
    assert done.returncode == 1
    assert "There is no database" in done.stdout
    assert "secrets have not been made" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("log", ["folded", "left behind"])
def test_the_doctor_writes_nothing_beside_an_existing_database(
    sqlite_home: Installation, tmp_path: Path, log: str
) -> None:
    """SQLite must not even tidy up after a crash."""
    home, var = sqlite_home, tmp_path / "var"
    home.subscribe("ann@example.org")
    home.context.journal.note(Hit(EventKind.OPENED, home.clock.now, message=1))
    database = Path(home.url.removeprefix("sqlite:///"))
    copy = tmp_path / "copy"
    copy.mkdir()
    ends = ("",) if log == "folded" else ("", "-wal")
    if log == "folded":
        home.close()
    for end in ends:
        shutil.copy(f"{database}{end}", copy / f"db{end}")
    (var / "secrets.env").touch()
    (var / "secrets.env").chmod(0o644)
    before = on_disk(tmp_path)
    found = look(home, NURTURE_DATABASE_URL=f"sqlite:///{copy}/db")
    assert levels(found, "sending") == ["ok"]
    assert "secrets.env" in said(found, "files") or var.stat().st_mode & 0o077 == 0
    after = on_disk(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {*after} - {*before} <= {"copy/db-shm"}


def test_a_file_readable_by_others_is_reported_and_left_unchanged(
    sqlite_home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("NURTURE_BATCH=10\n")
    Path(".env").chmod(0o644)
    var = tmp_path / "var"
    var.mkdir(exist_ok=True)
    var.chmod(0o755)
    found = look(sqlite_home, **REAL)
    assert levels(found, "files") == ["warning"] * 2
    assert ".env" in said(found, "files") and str(var) in said(found, "files")
    assert Path(".env").stat().st_mode & 0o777 == 0o644
    assert var.stat().st_mode & 0o777 == 0o755


def test_unknown_and_guessed_settings_are_reported(sqlite_home: Installation) -> None:
    found = look(sqlite_home, NURTURE_SWEEP_SECOND="3", NURTURE_DKIM_SELECTOR="s")
    assert (levels(found, "settings"), len(found)) == (["failure"], 1)
    found = look(sqlite_home, NURTURE_SWEEP_SECOND="3", NURTURE_BASE_URL="")
    assert "Did you mean NURTURE_SWEEP_SECONDS?" in said(found, "settings")
    assert sorted(levels(found, "settings")) == ["failure", "warning"]


def test_a_file_clock_is_reported_as_unsuitable_for_sending(sqlite_home: Installation) -> None:
    assert levels(look(sqlite_home), "clock") == ["failure"]
    assert levels(look(sqlite_home, NURTURE_SMTP_URL=""), "clock") == ["warning"]
    sqlite_home.clock.path.write_text("soon")
    assert "holds no time" in said(look(sqlite_home), "clock")


# --- What listens, or does not -----------------------------------------------------------------


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections but never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def as_a_process(
    directory: Path, *options: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nurture", "doctor", *options],
        env={"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONIOENCODING": "ascii"} | settings,
        cwd=directory,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def everything_at(port: int) -> dict[str, str]:
    return {
        "NURTURE_DATABASE_URL": f"postgresql://user:hush@127.0.0.1:{port}/x",
        "NURTURE_REDIS_URL": f"redis://:hush@127.0.0.1:{port}/0",
        "NURTURE_SMTP_URL": f"smtp://user:hush@127.0.0.1:{port}",
        "NURTURE_BASE_URL": f"http://127.0.0.1:{port}",
        "NURTURE_PORT": str(port),
    }


def test_an_unreachable_port_is_reported_by_each_check_that_needs_it(tmp_path: Path) -> None:
    done = as_a_process(tmp_path, "--json", **everything_at(9))
    found = [Finding(**one) for one in json.loads(done.stdout)]
    for name in ("database", "redis", "mail server"):
        assert levels(found, name) == ["failure"], name
    for name in ("web", "public address"):
        assert levels(found, name) == ["warning"], name
    assert done.returncode == 1
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_doctor_ends_within_fifteen_seconds_if_every_port_hangs(tmp_path: Path) -> None:
    with silent_port() as port:
        began = time.monotonic()
        done = as_a_process(tmp_path, **everything_at(port))
        assert time.monotonic() - began < 15
    for name in ("database", "redis", "mail server", "web"):
        assert f"failure   {name}: " in done.stdout
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_check_that_hangs_is_reported_and_the_others_still_finish() -> None:
    def slow() -> Iterator[Finding]:
        yield fine("slow", "It began well.")
        time.sleep(5)

    def broken() -> Iterator[Finding]:
        raise ValueError("postgresql://user:hush@host")

    began = time.monotonic()
    found = examine({"slow": slow, "broken": broken, "good": lambda: [fine("good", "Yes.")]}, 0.2)
    assert time.monotonic() - began < 2
    assert levels(found, "slow") == ["failure", "ok"]
    assert levels(found, "good") == ["ok"]
    assert "ValueError" in said(found, "broken") and "hush" not in said(found, "broken")


class _Stranger(BaseHTTPRequestHandler):
    """A server that is not ours, whose Date header is a day behind."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() - 86_400)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def stranger() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(5)


def test_another_program_on_our_port_is_recognised(
    sqlite_home: Installation, stranger: int
) -> None:
    found = look(sqlite_home, NURTURE_PORT=str(stranger))
    assert levels(found, "web") == ["failure"]
    assert "Another program" in said(found, "web")


def test_a_clock_that_disagrees_with_the_public_address_is_reported(
    sqlite_home: Installation, stranger: int
) -> None:
    found = look(sqlite_home, NURTURE_BASE_URL=f"http://127.0.0.1:{stranger}", **REAL)
    assert levels(found, "clock") == ["failure"]
    assert "NTP" in said(found, "clock")


def test_a_refused_mail_server_login_is_reported(sqlite_home: Installation) -> None:
    url = sqlite_home.smtp_url.replace("smtp://", "smtp://ann:hush@")
    found = look(sqlite_home, NURTURE_SMTP_URL=url)
    assert levels(found, "mail server") == ["failure"]
    assert "hush" not in said(found, "mail server")


def test_the_dns_records_of_the_domain_are_reported_one_by_one(sqlite_home: Installation) -> None:
    with name_server(RECORDS):
        assert levels(look(sqlite_home), "dns") == ["ok"] * 3
    with name_server({}):
        found = look(sqlite_home)
    assert levels(found, "dns") == ["warning", "warning", "ok"]
    assert "SPF" in said(found, "dns") and "DMARC" in said(found, "dns")


# --- What the database is ----------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "words"), [("0016", "older"), ("9999", "newer")])
def test_an_older_or_newer_database_is_reported_without_further_checks(
    home: Installation, shape: str, words: str
) -> None:
    with home.context.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :s"), {"s": shape})
    found = look(home)
    assert levels(found, "database") == ["failure"]
    assert words in said(found, "database")
    assert {"sending", "backups", "withdrawals"}.isdisjoint(one.name for one in found)


def test_a_database_with_other_keys_is_reported(home: Installation) -> None:
    home.subscribe("ann@example.org")
    found = look(home, NURTURE_SECRET_KEY="a key that was made on another machine")
    assert levels(found, "secrets") == ["failure"]


def test_a_database_without_publications_is_reported(home: Installation) -> None:
    with home.context.database.engine.begin() as connection:
        connection.execute(delete(revisions))
    found = look(home)
    assert levels(found, "published") == ["failure"]
    assert "nurture publish" in said(found, "published")


def test_empty_tables_count_as_unpublished(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/var/nurture.db")
    done = as_a_process(tmp_path, NURTURE_PORT="0")
    assert "failure   published: " in done.stdout


# --- What is stuck -----------------------------------------------------------------------------


def test_overdue_emails_that_no_worker_claims_are_reported(home: Installation) -> None:
    home.subscribe("ann@example.org")
    assert levels(look(home), "sending") == ["ok"]
    home.clock.advance(timedelta(minutes=11))
    found = look(home)
    assert levels(found, "sending") == ["failure"]
    assert "1 enrolments" in said(found, "sending")


def test_messages_abandoned_by_workers_are_reported(home: Installation) -> None:
    for name in ("ann", "ben", "cleo"):
        home.subscribe(f"{name}@example.org")
    home.deliver()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with home.context.database.writing() as connection:
        for number, values in (
            (1, {"status": "sending", "lease_until": long_ago}),
            (2, {"status": "in_doubt", "lease_until": None}),
        ):
            connection.execute(update(messages).where(messages.c.id == number).values(values))
        held = update(enrolments).where(enrolments.c.id == 3).values(held_at=home.clock.now)
        connection.execute(held)
    found = look(home)
    assert levels(found, "in hand") == ["failure"]
    assert levels(found, "in doubt") == ["warning"]
    assert levels(found, "held") == ["warning"]


def test_an_unarmed_database_is_reported(home: Installation) -> None:
    home.subscribe("ann@example.org")
    with home.context.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM instance"))
        row = "INSERT INTO instance (id, armed_for, armed_at) VALUES (1, 'another', :at)"
        connection.execute(text(row), {"at": "2026-03-02 09:00:00"})
    assert "nurture arm" in said(look(home), "sending")


def test_a_held_mail_account_is_reported(home: Installation) -> None:
    for cause, level in ((Cause.RATE, "warning"), (Cause.LOGIN, "failure")):
        with home.context.database.writing() as connection:
            connection.execute(text("DELETE FROM account"))
            hold.hold(connection, cause, "no", home.clock.now)
        assert levels(look(home), "mail account") == [level]


def test_hits_that_no_worker_folds_are_reported(home: Installation) -> None:
    home.context.journal.note(Hit(EventKind.OPENED, home.clock.now, message=1))
    assert levels(look(home), "hits") == []
    home.clock.advance(timedelta(minutes=11))
    assert levels(look(home), "hits") == ["warning"]
    home.fold()
    assert levels(look(home), "hits") == []


def test_a_withdrawal_that_is_not_copied_out_is_reported(home: Installation) -> None:
    with home.context.database.writing() as connection:
        kinds = [SuppressionReason.UNSUBSCRIBED]
        list_withdrawals(connection, ["a-hash"], kinds, home.clock.now)
    assert levels(look(home), "withdrawals") == ["ok"]
    home.clock.advance(timedelta(minutes=11))
    assert levels(look(home), "withdrawals") == ["failure"]


def test_refused_calls_are_reported_for_two_days(home: Installation) -> None:
    home.client.post("/webhooks/signup/pain-guide", json={"email": "ann@example.org"})
    found = look(home)
    assert "signup/pain-guide" in said(found, "callers")
    home.clock.advance(timedelta(days=3))
    assert levels(look(home), "callers") == []


def test_a_provider_whose_calls_would_be_refused_is_reported(sqlite_home: Installation) -> None:
    found = look(sqlite_home, NURTURE_MAIL_PROVIDER="brevo")
    assert "NURTURE_BREVO_SECRET" in said(found, "providers")
    found = look(sqlite_home, NURTURE_MAIL_PROVIDER="brevo", NURTURE_BREVO_SECRET="x" * 40)
    assert levels(found, "providers") == ["ok"]


def test_missing_and_damaged_backups_are_reported(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    assert levels(look(sqlite_home), "backups") == ["warning"]
    place = {"NURTURE_BACKUP_URL": str(tmp_path / "elsewhere")}
    assert "once by hand" in said(look(sqlite_home, **place), "backups")
    (tmp_path / "elsewhere").mkdir()
    environment = sqlite_home.environment | place
    assert CliRunner().invoke(main, ["backup"], env=environment).exit_code == 0
    assert levels(look(sqlite_home, **place), "backups") == ["ok"]
    [made] = (tmp_path / "elsewhere").glob("nurture-*.age")
    made.write_bytes(b"")
    assert levels(look(sqlite_home, **place), "backups") == ["failure"]


def test_an_unusable_data_directory_is_reported(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    done = as_a_process(tmp_path, "--json")
    assert [Finding(**one).name for one in json.loads(done.stdout)] == ["settings"]
    assert os.path.getsize(tmp_path / "var") == 0
