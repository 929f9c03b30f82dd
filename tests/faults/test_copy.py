"""A copy of the data sends nothing until the owner says that it may."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from nurture.cli import main
from nurture.services.delivery import batch, sweep
from nurture.services.reports import status
from tests.faults.oracle import Oracle
from tests.faults.population import people, sign_up_many
from tests.faults.verdict import verdict
from tests.installation import Installation


@contextmanager
def copy_of(home: Installation, directory: Path) -> Iterator[Installation]:
    """The same data in another place, with a program started on it."""
    directory.mkdir()
    if home.context.database.is_sqlite:
        url = _copied_files(home, directory)
        copy = Installation(url, directory, home.clock, home.smtp_url)
        yield copy
        copy.close()
    else:
        with _copied_database(home) as url:
            copy = Installation(url, directory, home.clock, home.smtp_url)
            yield copy
            copy.close()


def _copied_files(home: Installation, directory: Path) -> str:
    """Copy every file of the data directory, as a backup of the disk would."""
    original = Path(home.context.database.engine.url.database or "")
    for file in original.parent.glob(f"{original.name}*"):
        shutil.copy(file, directory / file.name)
    return f"sqlite:///{directory / original.name}"


@contextmanager
def _copied_database(home: Installation) -> Iterator[str]:
    url = make_url(home.url)
    home.context.database.close()
    name = f"{url.database}_copy"
    server = url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(False), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}".encode())
        yield url.set(database=name).render_as_string(False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def with_two_sent_and_three_due(home: Installation) -> list[str]:
    """Prepare two people who got their guide and three who await it; return the three."""
    for address in people(2):
        home.subscribe(address)
    home.deliver()
    for address in people(5)[2:]:
        home.subscribe(address)
    return people(5)[2:]


def arm(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow this copy to send."""
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(main, ["arm"]).exit_code == 0


def armed(home: Installation) -> bool:
    """Return what `nurture status` says about that."""
    context = home.context
    told = status.status(context.database, context.fingerprint, context.witness, home.clock.now)
    return bool(told["armed"])


def test_a_copy_sends_nothing_until_armed_and_the_original_continues(
    home: Installation, oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = with_two_sent_and_three_due(home)
    with copy_of(home, tmp_path / "elsewhere") as copy:
        for _ in range(3):
            try_to_deliver(copy)
        assert oracle.count() == 2
        assert not armed(copy)
        assert armed(home)
        home.deliver()
        assert verdict(home, oracle, people(5)).faultless
        oracle_before = oracle.count()
        arm(copy, monkeypatch)
        copy.deliver()
        assert oracle.count() == oracle_before + len(waiting)


def try_to_deliver(home: Installation) -> None:
    """Do what a worker does when it is woken."""
    sweep.batches_due(home.context.dispatch)
    assert batch.deliver_batch(home.context.dispatch).offered == 0


def test_a_moved_data_directory_sends_nothing(
    sqlite_home: Installation, oracle: Oracle, tmp_path: Path
) -> None:
    with_two_sent_and_three_due(sqlite_home)
    sqlite_home.close()
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    for file in tmp_path.glob("nurture.db*"):
        file.rename(elsewhere / file.name)
    moved = Installation(
        f"sqlite:///{elsewhere}/nurture.db", elsewhere, sqlite_home.clock, oracle.url
    )
    try_to_deliver(moved)
    moved.close()
    assert oracle.count() == 2


def test_a_backup_restored_over_the_original_sends_nothing(
    sqlite_home: Installation, oracle: Oracle, tmp_path: Path
) -> None:
    """The backup does not contain what has been sent since it was made."""
    home = sqlite_home
    sign_up_many(home, 3)
    status.arm(
        home.context.database, home.context.fingerprint, home.context.witness, home.clock.now
    )
    backup = tmp_path / "backup.db"
    _back_up(tmp_path / "nurture.db", backup)
    home.deliver()
    assert oracle.count() == 3
    home.close()
    for log in tmp_path.glob("nurture.db-*"):
        log.unlink()
    with (tmp_path / "nurture.db").open("r+b") as in_place:
        in_place.truncate()
        in_place.write(backup.read_bytes())
    restored = Installation(home.url, tmp_path, home.clock, oracle.url)
    try_to_deliver(restored)
    restored.close()
    assert oracle.count() == 3


def _back_up(original: Path, backup: Path) -> None:
    with sqlite3.connect(original) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()
