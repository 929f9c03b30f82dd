"""Backups: whole, encrypted, proven before they are called good, and restored by either engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nurture.archive.phrase import WORDS, as_typed, make_words
from nurture.cli import main
from nurture.services.backing_up import BackupError, back_up
from nurture.services.taking_in import prove
from nurture.store.backups import last_attempt, last_good
from nurture.store.portable import plan
from tests.house import Household


def command(home: Household, *words: object, **settings: str) -> Result:
    """The `nurture` command on the machine of that house."""
    return CliRunner().invoke(main, [str(w) for w in words], env=home.environment | settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go."""
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def backed_up(home: Household, folder: Path) -> tuple[Path, Path]:
    """A backup by the command, and a file with the words that it showed."""
    said = json.loads(command(home, "backup", "--to", folder, "--json").stdout)
    words = folder.parent / "words"
    words.write_text(said["words"].replace("-", " ").upper())
    return Path(said["file"]), words


def restored(
    home: Household, file: Path, words: Path, url: str = "", **settings: str
) -> tuple[Household, Result]:
    """Another machine, where that backup was restored."""
    there = home.directory / "another-machine"
    other = Household(
        url or f"sqlite:///{there}/var/nurture.db", there, home.clock, home.smtp_url, settings
    )
    # The keys come with the backup.
    bare = {k: v for k, v in other.environment.items() if k not in _KEYS}
    arguments = ["restore", str(file), "--words-file", str(words), "--json"]
    return other, CliRunner().invoke(main, arguments, env=dict.fromkeys(_KEYS) | bare)


_KEYS = ("NURTURE_SECRET_KEY", "NURTURE_SIGNUP_SECRET", "NURTURE_SIGNUP_TOKEN")


def with_people(home: Household) -> None:
    for name in ("anna", "ben", "carla"):
        home.subscribe(f"{name}@example.org", first_name=name)
    home.deliver()
    home.collect(1)


def everything_but_who_sends(home: Household) -> dict[str, list[dict[str, object]]]:
    """All rows but those that a backup or a restore writes itself."""
    own = ("backups", "instance", "key_marks")
    return {name: rows for name, rows in home.everything().items() if name not in own}


@pytest.fixture
def other_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    from tests.store.test_migrating import _empty_postgresql

    with _empty_postgresql(postgres_url) as url:
        yield url


def test_a_restored_sqlite_database_is_the_one_that_was_backed_up(
    sqlite_home: Household, folder: Path
) -> None:
    with_people(sqlite_home)
    file, words = backed_up(sqlite_home, folder)
    other, result = restored(sqlite_home, file, words)
    assert result.exit_code == 0, result.output
    assert everything_but_who_sends(other) == everything_but_who_sends(sqlite_home)
    assert json.loads(result.stdout)["armed"] is False
    assert json.loads(command(other, "status", "--json").stdout)["armed"] is False
    other.close()


def test_a_move_from_sqlite_to_postgresql_loses_nothing_and_numbers_go_on(
    sqlite_home: Household, folder: Path, other_url: str
) -> None:
    with_people(sqlite_home)
    file, words = backed_up(sqlite_home, folder)
    other, result = restored(sqlite_home, file, words, other_url)
    assert result.exit_code == 0, result.output
    assert everything_but_who_sends(other) == everything_but_who_sends(sqlite_home)
    other.subscribe("dora@example.org")
    assert other.person("dora@example.org")["id"] == 4
    # It goes on with the key that the words open, and the way back is the same.
    back = Path(json.loads(command(other, "backup", "--to", folder, "--json").stdout)["file"])
    assert prove(back, other.house.safe.keys.read(), folder, lambda _: None)
    other.close()


def test_one_flipped_byte_anywhere_is_noticed(sqlite_home: Household, folder: Path) -> None:
    file, words = backed_up(sqlite_home, folder)
    whole = file.read_bytes()
    for place in (300, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        result = command(sqlite_home, "backup", "--check", file)
        assert result.exit_code == 1 and "damaged" in result.output
    other, result = restored(sqlite_home, file, words)
    assert result.exit_code == 1 and "damaged" in result.output
    assert not (other.directory / "var/nurture.db").exists()
    file.write_bytes(whole[:-1])
    assert command(sqlite_home, "backup", "--check", file).exit_code == 1


def test_a_backup_that_cannot_be_written_is_told_and_never_called_good(
    sqlite_home: Household, folder: Path
) -> None:
    safe = sqlite_home.house.safe
    with pytest.raises(BackupError, match="nobody has seen the words"):
        back_up(safe, folder, sqlite_home.clock.now)
    with safe.database.reading() as connection:
        last, good = last_attempt(connection), last_good(connection)
    assert good is None and last is not None and "words" in last.trouble
    assert list(folder.iterdir()) == []


def test_the_secrets_are_nowhere_in_the_files(sqlite_home: Household, folder: Path) -> None:
    sqlite_home.subscribe("anna@example.org")
    file, _ = backed_up(sqlite_home, folder)
    secrets = [sqlite_home.house.settings.secret_key, "anna@example.org", "AGE-SECRET-KEY"]
    for path in (file, folder / "identity.age"):
        assert not any(secret.encode() in path.read_bytes() for secret in secrets)
    assert oct(sqlite_home.house.safe.keys.plain.stat().st_mode & 0o777) == "0o600"


def test_nothing_is_restored_without_the_words_or_over_something_else(
    sqlite_home: Household, folder: Path, tmp_path: Path
) -> None:
    file, words = backed_up(sqlite_home, folder)
    nobodys = tmp_path / "nobodys"
    nobodys.write_text(make_words())
    assert restored(sqlite_home, file, nobodys)[1].exit_code == 2
    assert restored(sqlite_home, file, tmp_path / "nowhere")[1].exit_code == 2
    without = CliRunner().invoke(
        main, ["restore", str(file)], env={"NURTURE_DATA_DIR": str(tmp_path / "empty")}
    )
    assert without.exit_code == 2 and "words" in without.output
    assert not (tmp_path / "empty").exists()
    over = command(sqlite_home, "restore", file, "--words-file", words)
    assert over.exit_code == 1 and "not empty" in over.output


def test_a_key_that_is_set_and_is_another_is_refused(sqlite_home: Household, folder: Path) -> None:
    file, words = backed_up(sqlite_home, folder)
    there = {"NURTURE_DATA_DIR": str(folder / "var"), "NURTURE_SECRET_KEY": "quite another key"}
    arguments = ["restore", str(file), "--words-file", str(words)]
    result = CliRunner().invoke(main, arguments, env=there)
    assert result.exit_code == 1 and "NURTURE_SECRET_KEY" in result.output


def test_the_words_are_shown_once_and_new_ones_open_what_is_there(
    sqlite_home: Household, folder: Path
) -> None:
    in_folder = {"NURTURE_BACKUP_TO": str(folder)}
    first = json.loads(command(sqlite_home, "backup", "--json", **in_folder).stdout)
    second = json.loads(command(sqlite_home, "backup", "--json", **in_folder).stdout)
    assert "words" in first and "words" not in second
    assert len(first["words"].split("-")) == WORDS
    third = command(sqlite_home, "backup", "--new-words", "--json", **in_folder)
    words = json.loads(third.stdout)["words"]
    (folder.parent / "words").write_text(words)
    _, result = restored(sqlite_home, Path(first["file"]), folder.parent / "words")
    assert result.exit_code == 0, result.output


def test_a_folder_of_another_machine_is_left_alone(sqlite_home: Household, folder: Path) -> None:
    (folder / "identity.age").write_bytes(b"another machine's")
    result = command(sqlite_home, "backup", "--to", folder)
    assert result.exit_code == 1 and "another machine" in result.output
    assert (folder / "identity.age").read_bytes() == b"another machine's"


def test_words_are_understood_however_they_are_written() -> None:
    words = make_words()
    assert as_typed(words) == as_typed(words.replace("-", "  ").upper() + "\n") == words


def test_every_table_is_in_the_backup(sqlite_home: Household) -> None:
    assert set(plan()) == set(sqlite_home.everything())
