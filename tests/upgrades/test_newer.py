"""A database upgraded by a newer program: one too old for it says so and stops."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, text

from nurture.cli import main
from nurture.serving.preparation import prepare
from nurture.store.database import NewerDatabaseError
from nurture.store.shape import NEWEST
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink, home, sqlite_home
from tests.presence import at_least_one
from tests.upgrades.conftest import Old

__all__ = ["home", "sqlite_home"]

ANN = "ann@example.org"

#: Every command with what it needs; those that are none of ours to try are named below.
COMMANDS = """
accept-keys --yes|account connect google --client-id x|account disconnect|account show
account try|arm|backup|broadcast discard x|broadcast draft x|broadcast list|broadcast resume x
broadcast review x|broadcast send x|broadcast send-to-new x|broadcast show x|broadcast stop x
broadcast undo x|check|complaint acknowledge 1|complaint close 1|complaint note 1 x
complaint show 1|complaints|consent A|dkim new|dkim show|evidence make A --out x.zip
evidence new-key|evidence A --out x.zip
export|export-person A|feed fill-in|feed read|feed set https://blog.example.org/feed|feed show
forget A --yes|held drop A|held list|held release A
kept drop pain-guide --yes|kept list|kept map pain-guide --email /x|kept retry pain-guide
origins add x.example.org|origins drop x.example.org|origins list|sources pain-guide
import {here} --dry-run|imports|import-undo 1 --yes
outbox|owner add A|owner list|owner remove A|owner reset-codes A|pause pain-guide|publish
publish --dry-run|put-back A pain-guide|rejudge|repair-quota|resume pain-guide|secrets rotate
segment|site-key add x|site-key list|site-key plugin 1 --out x.zip|site-key revoke 1
settle --all --sent|simulate pain-guide|status|status --json|suppression confirm
suppression dismiss|suppression lift A --reason x|suppression list|trace 1
waiting drop 1|waiting let-go 1|waiting list|web
why A|worker
"""
LINES = [
    line.replace("A", ANN).replace("{here}", __file__)
    for line in COMMANDS.strip().replace("\n", "|").split("|")
]

#: `serve` says so where it prepares (see below), `beat` opens no database, `demo` has its own.
#: `restore` wants a place where there is none yet.
#: `inbound` asks the mail server to try again, in `tests/cli/test_inbound.py`.
#: `doctor` says so as one of its findings, in `tests/services/test_health.py`.
#: `evidence verify` opens no database either, so that anyone can use it.
ELSEWHERE = {"serve", "beat", "demo", "restore", "doctor", "inbound", "evidence verify"}


def stamp(home: Installation, shape: str) -> None:
    """Mark the database as upgraded by a program with that schema."""
    with home.context.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :s"), {"s": shape})


def run(home: Installation, line: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, line.split(), env=home.environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), line
    return result.exit_code, result.stderr


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")
        else:
            yield f"{before}{name}"


def test_every_command_is_tested_here() -> None:
    for command in at_least_one({*commands(main)} - ELSEWHERE):
        assert any(f"{line} ".startswith(f"{command} ") for line in LINES), command


def test_every_command_refuses_a_newer_database_in_one_sentence(sqlite_home: Installation) -> None:
    stamp(sqlite_home, "9999")
    for line in LINES:
        code, said = run(sqlite_home, line)
        assert code == 1, line
        assert said.startswith("nurture: The database is newer than this program"), line
        assert said.count("\n") == 1
        assert "9999" in said and NEWEST in said


def test_serve_refuses_a_newer_database_and_publishes_nothing(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(home, "9999")
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NewerDatabaseError, match="Install the newer version"):
        prepare()


@pytest.fixture
def overtaken(home: Installation, smtp_sink: ScriptedSink) -> Installation:
    """An installation that has emailed Ann, and whose database has since been upgraded."""
    home.subscribe(ANN)
    home.deliver()
    home.collect(tracking=True)
    home.live(days=3)
    assert len(smtp_sink.mails) == 2
    home.clock.set(home.next_look() or home.clock.now)
    stamp(home, "9999")
    return home


#: What a worker's process does again and again.
_AT_WORK = """
from tasks.sweep import sweep
from tasks.deliver import deliver
from tasks.hits import fold_hits, judge_hits
for _ in range(3):
    for task in (sweep, deliver, fold_hits, judge_hits):
        task()
"""


def at_work(home: Installation, code: str = _AT_WORK) -> str:
    """Return what a worker process logs while running this code, by default all its work."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=bare | home.environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_running_web_side_asks_to_retry_and_clicks_still_redirect(
    overtaken: Installation, smtp_sink: ScriptedSink, caplog: pytest.LogCaptureFixture
) -> None:
    home, mail = overtaken, smtp_sink.mails[-1]
    way_out, one_click = link_in(mail, "unsubscribe"), {"List-Unsubscribe": "One-Click"}
    home.context.database._fits_until = 0.0  # A second later.
    for answer in (
        home.fill_in_form("bob@example.org"),
        home.press(way_out, **one_click),
        home.client.get(link_in(mail, "preferences")),
        home.client.get("/readyz"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert home.client.get(link_in(mail, "c")).status_code == 302
    assert home.client.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.exc_info]
    stamp(home, NEWEST)
    assert home.press(way_out, **one_click).status_code == 200


def test_a_running_worker_sends_nothing_and_logs_the_reason_once(
    overtaken: Installation, smtp_sink: ScriptedSink
) -> None:
    had = len(smtp_sink.mails)
    said = at_work(overtaken)
    assert said.count("newer than this program") == 1
    assert "Traceback" not in said
    assert len(smtp_sink.mails) == had
    stamp(overtaken, NEWEST)
    assert at_work(overtaken, "from tasks.deliver import deliver; deliver()") == ""
    assert len(smtp_sink.mails) == had + 1


def test_read_only_commands_leave_an_older_database_unchanged(old: Old) -> None:
    home = old.home
    for line in (
        "status",
        "status --json",
        "trace 1",
        f"why {ANN}",
        "publish --dry-run",
        "segment",
        "arm",
    ):
        code, said = run(home, line)
        assert code == 1, line
        assert "bring it up to date with “nurture publish”" in said
    assert run(home, "check")[0] == 0
    assert home.context.database.find_shape() == "0008"


def test_publishing_upgrades_the_database(old: Old) -> None:
    code, said = run(old.home, "publish --overwrite")
    assert (code, said) == (0, "")
    assert run(old.home, "status") == (0, "")


def test_a_failed_upgrade_changes_nothing_and_says_how_to_go_back(old: Old) -> None:
    """Something blocks the last migration."""
    database = old.home.context.database
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE compatibility (id INTEGER)"))
    code, said = run(old.home, "publish")
    assert code == 1
    assert said.startswith("nurture: The database could not be brought up to date, from 0008 to")
    assert "install the version of nurture that ran before" in said
    with database.engine.begin() as connection:
        tables = set(inspect(connection).get_table_names())
    assert "account" not in tables
    assert database.find_shape() == "0008"
