"""Backups: complete, encrypted, verified before use, and restored by either engine."""

import json
import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from pyrage import x25519

from nurture.archive.container import (
    DamagedBackupError,
    UnwritableArchiveError,
    write_archive,
)
from nurture.archive.folder import Folder
from nurture.archive.identity import BESIDE, WORDS, WrongWordsError, as_typed, make_words, unlock
from nurture.cli import main
from nurture.services.backup import backups
from nurture.services.backup.backups import (
    BackupError,
    back_up,
    back_up_tonight,
    no_progress,
    thin_out,
)
from nurture.services.backup.proof import prove, take_in
from nurture.services.evidence.keys import keep_a_key
from nurture.store.database import Database
from nurture.store.portable import plan
from nurture.store.tables.backups import last_attempt, last_good
from nurture.store.tables.subscribers import subscribers
from tests.installation import SHIPPED, Installation
from tests.machines import backed_up, command, restored, stored_at
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.databases import SqliteDatabases


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for backups."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


class Archived(NamedTuple):
    """An installation, its backup, and a file with the phrase."""

    home: Installation
    file: Path
    words: Path


def with_people(home: Installation) -> None:
    for name in ("anna", "ben", "carla"):
        home.subscribe(f"{name}@example.org", first_name=name)
    home.deliver()
    home.collect(1)


def everything_but_who_sends(home: Installation) -> dict[str, list[dict[str, object]]]:
    """Return all rows except those that a backup or a restore writes itself."""
    own = ("backups", "instance", "key_marks", "restores")
    return {name: rows for name, rows in home.everything().items() if name not in own}


@pytest.fixture
def other_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    from tests.servers.databases import empty_postgresql

    with empty_postgresql(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def archived(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Archived]:
    """An installation and its backup, made once for all tests that only read it."""
    directory = tmp_path_factory.mktemp("archived")
    clock, folder = ClockFile(directory / "clock"), directory / "backups"
    home = Installation(sqlite_databases.fresh(directory), directory, clock).publish_shipped()
    folder.mkdir()
    with_people(home)
    keep_a_key(home.context.database, home.context.seal, home.clock.now)  # As a start does.
    yield Archived(home, *backed_up(home, folder))
    home.close()


def test_a_restored_sqlite_database_equals_the_one_backed_up(
    archived: Archived, tmp_path: Path
) -> None:
    home, file, words = archived
    left = tmp_path / "another-machine/var/restoring/nurture.db"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of a restore that was killed")
    other, result = restored(home, file, words, directory=tmp_path)
    assert result.exit_code == 0, result.output
    assert everything_but_who_sends(other) == everything_but_who_sends(home)
    said = json.loads(result.stdout)
    assert said["armed"] is False and said["journal"] is None
    assert json.loads(command(other, "status", "--json").stdout)["armed"] is False
    other.close()


def test_a_move_from_sqlite_to_postgresql_loses_nothing_and_leaves_a_gap_in_ids(
    archived: Archived, folder: Path, other_url: str
) -> None:
    home, file, words = archived
    other, result = restored(home, file, words, other_url, directory=folder)
    assert result.exit_code == 0, result.output
    assert everything_but_who_sends(other) == everything_but_who_sends(home)
    other.subscribe("dora@example.org")
    assert other.person("dora@example.org")["id"] > 1_000_000
    # It goes on with the key that the words open, and the way back is the same.
    back = Path(json.loads(command(other, "backup", "--to", folder, "--json").stdout)["file"])
    assert prove(stored_at(back), other.context.backup_setup.keys.read(), folder, lambda _: None)
    other.close()


def test_one_flipped_byte_anywhere_in_a_backup_is_detected(
    archived: Archived, folder: Path
) -> None:
    home, file, words = archived
    whole, spoilt = file.read_bytes(), folder / file.name
    shutil.copy(file.with_name("identity.age"), folder)
    keys = home.context.backup_setup.keys
    for place in (300, len(whole) // 2, len(whole) - 1):
        spoilt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedBackupError, match="damaged"):
            prove(stored_at(spoilt), keys.read(), folder, no_progress)
    other, result = restored(home, spoilt, words, directory=folder)
    assert result.exit_code == 1 and "damaged" in result.output
    assert not (other.directory / "var/nurture.db").exists()
    spoilt.write_bytes(whole[:-1])
    assert command(home, "backup", "--check", spoilt).exit_code == 1
    assert command(home, "backup", "--check", file).exit_code == 0


def test_a_backup_that_cannot_be_written_is_reported_and_never_called_good(
    sqlite_home: Installation, folder: Path
) -> None:
    setup = sqlite_home.context.backup_setup
    with pytest.raises(BackupError, match="nobody has seen the words"):
        back_up(setup, Folder(folder), sqlite_home.clock.now)
    with setup.database.reading() as connection:
        last, good = last_attempt(connection), last_good(connection)
    assert good is None and last is not None and "words" in last.trouble
    assert list(folder.iterdir()) == []
    setup.keys.make()
    with pytest.raises(BackupError, match="No such file or directory"):
        back_up(setup, Folder(folder / "nowhere"), sqlite_home.clock.now, name="file.age")


def test_a_full_disk_is_reported_clearly(folder: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(UnwritableArchiveError, match="takes no backup"):
            key = x25519.Identity.generate().to_public()
            write_archive(stored_at(folder / "file.age"), [("noise", os.urandom(200_000))], key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_backup_files_contain_no_secrets(archived: Archived) -> None:
    home, file, _ = archived
    secrets = [home.context.settings.secret_key, "anna@example.org", "AGE-SECRET-KEY"]
    for path in (file, file.with_name("identity.age")):
        assert not any(secret.encode() in path.read_bytes() for secret in at_least_one(secrets))
    assert oct(home.context.backup_setup.keys.plain.stat().st_mode & 0o777) == "0o600"


def test_a_restore_needs_the_words_the_key_and_an_empty_target(
    archived: Archived, tmp_path: Path
) -> None:
    home, file, words = archived
    nobodys = tmp_path / "nobodys"
    nobodys.write_text(make_words())
    for wrong in (nobodys, tmp_path / "nowhere"):
        assert restored(home, file, wrong, directory=tmp_path)[1].exit_code == 2
    there = {"NURTURE_DATA_DIR": str(tmp_path / "empty")}
    without = CliRunner().invoke(main, ["restore", str(file)], env=there)
    assert without.exit_code == 2 and "words" in without.output
    arguments = ["restore", str(file), "--words-file", str(words)]
    another_key = there | {"NURTURE_SECRET_KEY": "quite another key"}
    refused = CliRunner().invoke(main, arguments, env=another_key)
    assert refused.exit_code == 1 and "NURTURE_SECRET_KEY" in refused.output
    assert not list((tmp_path / "empty").rglob("*"))
    over = command(home, *arguments)
    assert over.exit_code == 1 and "not empty" in over.output


def test_the_words_are_shown_once_and_new_words_open_the_same_key(
    sqlite_home: Installation, folder: Path
) -> None:
    keys = sqlite_home.context.backup_setup.keys
    first = keys.make()
    keys.lay_beside(Folder(folder))
    key = keys.read()
    assert len(first.split("-")) == WORDS
    assert str(unlock(stored_at(folder / BESIDE), first.replace("-", " ").upper())) == str(key)
    second = keys.make()
    keys.lay_beside(Folder(folder))
    assert str(unlock(stored_at(folder / BESIDE), second)) == str(key)
    with pytest.raises(WrongWordsError):
        unlock(stored_at(folder / BESIDE), first)


def test_a_symlinked_email_folder_is_backed_up_like_any_other(
    sqlite_home: Installation, folder: Path, tmp_path: Path
) -> None:
    emails = shutil.copytree(SHIPPED, tmp_path / "emails")
    (emails / "golf").rename(emails / "golf-2026")
    (emails / "golf").symlink_to("golf-2026")
    home = sqlite_home
    home.settings = {"NURTURE_TEMPLATES_DIR": str(emails)}
    file, words = backed_up(home, folder)
    emails.rename(tmp_path / "gone")
    other, result = restored(home, file, words)
    there = Path(json.loads(result.stdout)["templates"])
    assert (there / "golf/sequence.toml").read_bytes() == (
        tmp_path / "gone/golf/sequence.toml"
    ).read_bytes()
    other.close()


def test_words_that_were_never_shown_are_not_used(sqlite_home: Installation, folder: Path) -> None:
    home = sqlite_home
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    (folder / BESIDE).mkdir()  # Neither read nor written to.
    broken = command(home, "backup")
    assert broken.exit_code == 1 and "These eight words" not in broken.output
    assert not home.context.backup_setup.keys.exist()
    (folder / BESIDE).rmdir()
    assert "These eight words" in command(home, "backup").output


def test_new_words_that_cannot_be_saved_beside_the_backups_change_nothing(
    sqlite_home: Installation, folder: Path
) -> None:
    home = sqlite_home
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    command(home, "backup")
    before = (folder / BESIDE).read_bytes()
    (folder / BESIDE).unlink()
    (folder / BESIDE).mkdir()
    assert command(home, "backup", "--new-words").exit_code == 1
    (folder / BESIDE).rmdir()
    (folder / BESIDE).write_bytes(before)
    for words in ([], ["--new-words"]):
        assert command(home, "backup", *words).exit_code == 0


def test_a_second_backup_place_is_updated_to_the_new_words(
    sqlite_home: Installation, folder: Path
) -> None:
    home, disk = sqlite_home, folder / "disk"
    disk.mkdir()
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    assert command(home, "backup", "--to", disk).exit_code == 0
    words = json.loads(command(home, "backup", "--new-words", "--json").stdout)["words"]
    assert command(home, "backup", "--to", disk).exit_code == 0
    key = home.context.backup_setup.keys.read()
    assert str(unlock(stored_at(disk / BESIDE), words)) == str(key)


def test_a_lost_key_is_not_replaced_beside_its_backups(
    sqlite_home: Installation, folder: Path
) -> None:
    home = sqlite_home
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    command(home, "backup")
    home.context.backup_setup.keys.plain.unlink()
    assert "another machine" in command(home, "backup", "--new-words").output


def test_another_machines_backup_folder_is_left_untouched(
    sqlite_home: Installation, folder: Path
) -> None:
    (folder / "identity.age").write_bytes(b"another machine's")
    result = command(sqlite_home, "backup", "--to", folder)
    assert result.exit_code == 1 and "another machine" in result.output
    assert (folder / "identity.age").read_bytes() == b"another machine's"


def test_an_unmounted_disk_is_refused_as_a_backup_place(
    sqlite_home: Installation, folder: Path
) -> None:
    where = {"NURTURE_BACKUP_URL": str(folder)}
    assert command(sqlite_home, "backup", **where).exit_code == 0
    away = folder.rename(folder.with_name("unmounted"))
    folder.mkdir()
    sqlite_home.clock.advance(timedelta(hours=1))
    refused = command(sqlite_home, "backup", **where)
    assert refused.exit_code == 1 and "is mounted" in refused.stderr
    assert "is not good" in command(sqlite_home, "status", **where).stdout
    assert not list(folder.glob("nurture-*"))
    folder.rmdir() if not any(folder.iterdir()) else shutil.rmtree(folder)
    away.rename(folder)
    assert command(sqlite_home, "backup", **where).exit_code == 0
    shutil.rmtree(folder)
    sqlite_home.clock.advance(timedelta(hours=1))
    assert command(sqlite_home, "backup", "--new-words", **where).exit_code == 0


def test_words_are_recognised_in_any_case_and_spacing() -> None:
    words = make_words()
    assert as_typed(words) == as_typed(words.replace("-", "  ").upper() + "\n") == words


def test_every_table_is_in_the_backup(sqlite_home: Installation) -> None:
    # What the migrations say of the tables is no data, and theirs to say again.
    assert set(plan()) == set(sqlite_home.everything()) - {"compatibility"}


def test_each_night_makes_one_backup_and_thins_out_the_old_ones(
    sqlite_home: Installation, folder: Path
) -> None:
    setup = replace(sqlite_home.context.backup_setup, place=Folder(folder))
    setup.keys.make()
    made = back_up_tonight(setup, sqlite_home.clock.now)
    assert made is not None and made.file.place == setup.place
    assert back_up_tonight(setup, sqlite_home.clock.now) is None
    for month in range(1, 13):
        (folder / f"nurture-2025{month:02}01T020000Z.age").touch()
    assert thin_out(Folder(folder)) == ["nurture-20250101T020000Z.age"]
    assert Path(str(made.file)).exists()


def test_backup_trouble_appears_in_the_status_and_on_the_first_page(
    sqlite_home: Installation, folder: Path
) -> None:
    file, _ = backed_up(sqlite_home, folder)
    standing = json.loads(command(sqlite_home, "status", "--json").stdout)["backup"]
    assert standing["last_good"]["file"] == str(file) and standing["trouble"] is None
    assert standing["withdrawals_survive_this_machine"] is False
    assert "would be lost" in command(sqlite_home, "status").stdout
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "has changed since it was proven" in command(sqlite_home, "status").stdout
    sqlite_home.clock.advance(timedelta(days=5))
    of_nightly = {"NURTURE_BACKUP_URL": str(folder)}
    assert "5 days old" in sqlite_home.another(**of_nightly).backup_trouble


def test_a_backup_taken_during_signups_is_a_consistent_snapshot(
    home: Installation, folder: Path, tmp_path: Path
) -> None:
    with_people(home)
    before, setup = everything_but_who_sends(home), home.context.backup_setup
    names = iter(f"late-{number}@example.org" for number in range(1000))
    setup.keys.make()

    def sign_up(_: int) -> None:
        home.subscribe(next(names))

    made = back_up(setup, Folder(folder), home.clock.now, sign_up)
    assert home.rows(subscribers)[-1]["address"].startswith("late-")
    database = Database(f"sqlite:///{tmp_path}/another/nurture.db")
    key = setup.keys.read()
    take_in(database, made.file, key, no_progress, lambda _: None, lambda _: None)
    restored_home = Installation(database.url, tmp_path / "another", home.clock)
    assert everything_but_who_sends(restored_home) == before
    database.close()
    restored_home.close()


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"format": 2, "program": "9.0"}, "made by nurture 9.0, in another form"),
        ({"format": 1, "program": "9.0", "revision": "9999"}, "9.0, which is newer"),
    ],
)
def test_a_backup_from_a_newer_version_is_refused_with_that_version(
    folder: Path, about: dict[str, object], said: str
) -> None:
    rest = {
        "made_at": "2026-01-01T00:00:00+00:00",
        "fingerprint": "",
        "key_mark": "",
        "withdrawals": 0,
        "tables": {},
    }
    key, file = x25519.Identity.generate(), folder / "file.age"
    about_it = [("about.json", json.dumps(rest | about).encode())]
    write_archive(stored_at(file), about_it, key.to_public())
    with pytest.raises(DamagedBackupError, match=said):
        prove(stored_at(file), key, folder, no_progress)


def test_a_backup_is_refused_without_space_to_verify_it(
    home: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = home.context.backup_setup
    setup.keys.make()
    monkeypatch.setattr(backups, "_SPARE", 10**18)
    with pytest.raises(BackupError, match="no room"):
        back_up(setup, Folder(folder), home.clock.now)
