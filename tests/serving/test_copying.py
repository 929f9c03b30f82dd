"""A machine running only the web side copies each opt-out to the backup destination."""

import urllib.request
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nurture.archive.journal import JournalFile
from nurture.services.backup import withdrawals
from nurture.serving.withdrawals import _copy_what_waits
from tests.faults.workers import Program, until
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.servers.ports import free_port
from tests.servers.s3 import S3Server

#: What the page's button sends.
_ONE_CLICK = b"List-Unsubscribe=One-Click"


def one_machine_more(home: Installation, name: str, **settings: str) -> Installation:
    """Return another machine: the same database and destination, another data directory."""
    more = {"NURTURE_SWEEP_SECONDS": "0.1", **settings}
    return Installation(home.url, home.directory / name, home.clock, home.smtp_url, more)


def unsubscribe(home: Installation, sink: ScriptedSink, port: int) -> None:
    home.subscribe("anna@example.org")
    home.deliver()
    path = urlsplit(link_in(sink.mails[-1], "unsubscribe")).path
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", _ONE_CLICK)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def is_there(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_machine_with_only_the_web_side_copies_an_opt_out_to_the_backup_place(
    home: Installation,
    smtp_sink: ScriptedSink,
    s3_server: S3Server,
    tmp_path: Path,
    kind: str,
) -> None:
    port, url = free_port(), str(tmp_path / "backups")
    if kind == "bucket":
        url = s3_server.url(s3_server.fresh_folder())
    of_place = {"NURTURE_BACKUP_URL": url, **s3_server.keys, "NURTURE_PORT": str(port)}
    web = one_machine_more(home, "web-only", **of_place)
    web.directory.mkdir()
    with Program(web, "web"):
        until(lambda: is_there(port))
        unsubscribe(home, smtp_sink, port)
        watcher = web.another()
        until(lambda: withdrawals.to_copy(watcher.database, watcher.backup_setup.journal) == 0)
    kinds = {line.kind for line in watcher.backup_setup.journal.lines()}
    assert "unsubscribed" in kinds
    watcher.database.close()


def test_a_worker_copies_first_and_two_machines_write_no_line_twice(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    place = {"NURTURE_BACKUP_URL": str(tmp_path / "backups")}
    one, other = (one_machine_more(sqlite_home, name, **place).context for name in ("one", "other"))
    sqlite_home.subscribe("anna@example.org")
    sqlite_home.clock.advance(timedelta(days=60))
    sqlite_home.upkeep()  # Who never confirmed is let go.
    assert _copy_what_waits(one, 0) == _copy_what_waits(other, 0) > 0
    assert not one.backup_setup.journal.exists()
    assert _copy_what_waits(one, 1) == _copy_what_waits(other, 1) == 0
    journal = other.backup_setup.journal
    assert isinstance(journal, JournalFile)
    numbers = [line.number for line in journal.lines()]
    assert numbers == sorted(set(numbers)) != []
    for context in (one, other):
        context.database.close()
