"""Backups during normal operation, and while they are killed, damaged and truncated."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyrage import x25519
from sqlalchemy import Table, insert, select

from nurture.archive.bucket import Bucket
from nurture.archive.container import DamagedBackupError
from nurture.archive.folder import Folder
from nurture.archive.place import Place
from nurture.bucket_address import read_address
from nurture.services.backup.backups import back_up, back_up_tonight, no_progress
from nurture.services.backup.proof import prove, take_in
from nurture.store.database import Database
from nurture.store.tables.backups import backups, last_good
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import withdrawals
from tests.faults.workers import PlainWorkers, until
from tests.installation import Installation
from tests.machines import command, stored_at
from tests.presence import at_least_one
from tests.servers.s3 import KEY, SECRET, S3Server

ROOT = Path(__file__).parents[2]

#: Which of a table's columns names a row of which other table.
POINTING = (
    *((table, "subscriber_id", subscribers) for table in (enrolments, messages, consents, signups)),
    (messages, "enrolment_id", enrolments),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for backups."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


# --- While everything goes on ---------------------------------------------------------------


def count_withdrawals(home: Installation) -> None:
    """Commit transactions with ascending numbers, so that a copy must contain a prefix."""
    number = 0
    while True:
        number += 1
        row = {"address_hash": f"{number:024x}", "kind": "counted", "happened_at": home.clock.now}
        with home.context.database.writing() as connection:
            connection.execute(insert(withdrawals).values(row))
        time.sleep(0.002)


def live(home: Installation) -> None:
    """Sign people up and deliver, as long as there are any left."""
    for number in range(100_000):
        home.subscribe(f"{os.getpid()}-{number}@example.org")
        if number % 5 == 0:
            home.deliver()
        time.sleep(0.01)


@contextmanager
def restored(
    home: Installation, file: Path, key: x25519.Identity, there: Path
) -> Iterator[Database]:
    """Return the contents of a restored backup."""
    there.mkdir()
    database = Database(f"sqlite:///{there}/nurture.db")
    take_in(database, stored_at(file), key, no_progress, lambda _: None, lambda _: None)
    yield database
    database.close()


def column(database: Database, table: Table, name: str) -> list[Any]:
    with database.reading() as connection:
        return list(
            connection.scalars(select(table.c[name]).order_by(table.primary_key.columns[0]))
        )


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_backup_under_load_is_a_consistent_snapshot(
    home: Installation, folder: Path, tmp_path: Path, times: int
) -> None:
    setup = home.context.backup_setup
    setup.keys.make()
    seen = 0
    with PlainWorkers(home, count_withdrawals) as counting, PlainWorkers(home, live) as living:
        counting.start(1)
        living.start(1)
        until(lambda: len(home.rows(messages)) > 3)
        for number in range(times):
            home.clock.advance(timedelta(minutes=1))
            made = back_up(setup, Folder(folder), home.clock.now)
            there = tmp_path / f"restored-{number}"
            with restored(home, Path(str(made.file)), setup.keys.read(), there) as database:
                counted = [
                    int(each, 16)
                    for each, kind in zip(
                        column(database, withdrawals, "address_hash"),
                        column(database, withdrawals, "kind"),
                        strict=True,
                    )
                    if kind == "counted"
                ]
                assert counted == list(range(1, len(counted) + 1)), "none is missing in the middle"
                for table, pointing, to in POINTING:
                    known = {None, *column(database, to, "id")}
                    assert set(column(database, table, pointing)) <= known, table.name
                asked = set(column(database, signups, "subscriber_id"))
                assert asked == set(column(database, enrolments, "subscriber_id"))
            seen = max(seen, len(counted))
    assert seen > 1


# --- Spoilt ---------------------------------------------------------------------------------


class Good(NamedTuple):
    """A good backup, whole in memory, and its key."""

    content: bytes
    key: x25519.Identity


@pytest.fixture
def good(sqlite_home: Installation, folder: Path) -> Good:
    for number in range(20):
        sqlite_home.subscribe(f"person-{number}@example.org")
    said = json.loads(command(sqlite_home, "backup", "--to", folder, "--json").stdout)
    return Good(Path(said["file"]).read_bytes(), sqlite_home.context.backup_setup.keys.read())


def spoilings(content: bytes, chance: random.Random, many: int) -> Iterator[tuple[str, bytes]]:
    """Yield the backup with one byte flipped, truncated, or with data appended."""
    length = len(content)
    edges = [*range(0, 200, 17), length // 2, length - 17, length - 16, length - 1]
    for place in [*edges, *(chance.randrange(length) for _ in range(many))]:
        flipped = bytes([content[place] ^ 1 << chance.randrange(8)])
        yield f"byte {place} flipped", content[:place] + flipped + content[place + 1 :]
    for left in [
        0,
        1,
        100,
        65_536,
        length - 1,
        *(chance.randrange(length) for _ in range(many // 4)),
    ]:
        yield f"cut off after {left}", content[: min(left, length - 1)]
    for more in (b"\0", b"\n", content[-16:], content):
        yield f"{len(more)} bytes more", content + more


@pytest.mark.parametrize("many", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_a_backup_changed_anywhere_is_never_called_good(
    good: Good, folder: Path, many: int
) -> None:
    chance, scratch = random.Random(many), folder.parent
    spoilt = stored_at(folder / "spoilt.age")
    for what, content in at_least_one(spoilings(good.content, chance, many)):
        (folder / "spoilt.age").write_bytes(content)
        try:
            prove(spoilt, good.key, scratch, no_progress)
        except DamagedBackupError as error:
            assert "spoilt.age" in str(error) or "backup" in str(error), what
        else:
            pytest.fail(f"called good with {what}")
    (folder / "spoilt.age").write_bytes(good.content)
    assert prove(spoilt, good.key, scratch, no_progress)


def test_the_commands_report_a_damaged_backup_in_one_line(
    good: Good, sqlite_home: Installation, folder: Path
) -> None:
    [file] = folder.glob("nurture-*.age")
    spoilt = list(spoilings(good.content, random.Random(1), 0))
    for what, content in at_least_one(spoilt):
        file.write_bytes(content)
        refused = command(sqlite_home, "backup", "--check", file)
        assert refused.exit_code == 1 and _in_one_line(refused.stderr), (what, refused.stderr)
    [flipped] = [content for what, content in spoilt if what.startswith("byte 17 ")]
    file.write_bytes(flipped)
    assert command(sqlite_home, "backup", "--check", file).exit_code == 1
    assert "no good any more" in command(sqlite_home, "status").stdout


def _in_one_line(said: str) -> bool:
    """Return whether the output is one line, not counting progress shown on a slow machine."""
    return len([line for line in said.splitlines() if not line.endswith("…")]) == 1


def test_no_secret_appears_in_any_stored_backup_file(
    sqlite_home: Installation, folder: Path, s3_server: S3Server
) -> None:
    home, remote = sqlite_home, s3_server.fresh_folder()
    where = {"NURTURE_BACKUP_URL": s3_server.url(remote), **s3_server.keys}
    home.subscribe("anna@example.org", first_name="Annabella")
    assert command(home, "backup", **where).exit_code == 0
    assert command(home, "backup", "--to", folder, **where).exit_code == 0
    lying = [path.read_bytes() for path in folder.iterdir()]
    lying += [bytes(s3_server.store(remote).get(n).bytes()) for n in s3_server.names(remote)]
    settings = home.context.settings
    secrets = [settings.secret_key, *settings.signup_secret, *settings.signup_token]
    secrets += [SECRET, KEY, "anna@example.org", "Annabella", "AGE-SECRET-KEY"]
    assert len(lying) == 4
    for secret in at_least_one(secrets):
        assert not any(secret.encode() in content for content in lying), secret


# --- Killed ---------------------------------------------------------------------------------

#: A backup whose stations are told on the way, so that it can be killed at each of them.
_BACKUP = [sys.executable, "-m", "nurture", "backup"]


def kill_after(home: Installation, seconds: float) -> int:
    """Start a backup, kill it after that long, and return how it ended."""
    process = subprocess.Popen(
        _BACKUP,
        env=home.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def how_long(home: Installation) -> float:
    """Return how many seconds a backup takes if it is not killed."""
    began = time.monotonic()
    assert kill_after(home, 60) == 0
    return time.monotonic() - began


def at(url: str) -> Place:
    return Bucket(read_address(url), KEY, SECRET) if url.startswith("s3:") else Folder(Path(url))


@pytest.mark.parametrize("kind", ["folder", "bucket"])
@pytest.mark.parametrize("kills", [1, pytest.param(15, marks=pytest.mark.slow)])
def test_a_killed_backup_leaves_no_incomplete_file_under_a_valid_name(
    sqlite_home: Installation, folder: Path, s3_server: S3Server, kind: str, kills: int
) -> None:
    url = str(folder) if kind == "folder" else s3_server.url(s3_server.fresh_folder())
    home, place = with_place(sqlite_home, url, s3_server), at(url)
    crowd(home, 5 * kills)
    assert command(home, "backup").exit_code == 0
    key = home.context.backup_setup.keys.read()
    takes, killed, chance = how_long(home) if kills > 1 else 1.5, 0, random.Random(kills)
    for _ in range(kills):
        home.clock.advance(timedelta(minutes=1))
        killed += kill_after(home, chance.uniform(takes * 0.2, takes)) != 0
        names = [entry.name for entry in place.entries() if entry.name.startswith("nurture-")]
        for name in at_least_one(names):
            assert prove(named(place, name), key, folder.parent, no_progress)
    assert killed
    home.clock.advance(timedelta(minutes=1))
    assert command(home, "backup").exit_code == 0
    assert json.loads(command(home, "status", "--json").stdout)["backup"]["trouble"] is None


def named(place: Place, name: str) -> Any:
    from nurture.archive.place import StoredFile

    return StoredFile(place, name)


def with_place(home: Installation, url: str, server: S3Server) -> Installation:
    home.context.database.close()
    del home.__dict__["context"]
    home.settings = {"NURTURE_BACKUP_URL": url, **server.keys}
    return home


def crowd(home: Installation, many: int) -> None:
    for number in range(many):
        home.subscribe(f"person-{number}@example.org")


def test_a_killed_nightly_backup_is_made_again(sqlite_home: Installation, folder: Path) -> None:
    home = sqlite_home
    setup = replace(home.context.backup_setup, place=Folder(folder))
    setup.keys.make()
    with PlainWorkers(home, lambda own: die_in_the_middle(own, folder)) as night:
        night.start(1)
        assert night.wait() == [-signal.SIGKILL]
    assert [row["ended_at"] for row in home.rows(backups)] == [None]
    assert not list(folder.glob("nurture-*"))
    home.clock.advance(timedelta(hours=1))
    assert back_up_tonight(setup, home.clock.now) is None, "it may still be at it"
    home.clock.advance(timedelta(hours=6))
    assert back_up_tonight(setup, home.clock.now) is not None
    with home.context.database.reading() as connection:
        assert last_good(connection) is not None


def die_in_the_middle(home: Installation, folder: Path) -> None:
    """Make the nightly backup, and be killed once part of it exists."""
    setup = replace(home.context.backup_setup, place=Folder(folder))
    threading.Thread(target=_die_when_there_is_a_draft, args=(folder,), daemon=True).start()
    back_up_tonight(setup, home.clock.now)
    time.sleep(5)


def _die_when_there_is_a_draft(folder: Path) -> None:
    while not list(folder.glob(".nurture-*.part")):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
