"""Backups in a bucket: the same promises as in a folder, on a real S3-compatible server."""

import json
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from obstore.store import S3Store

from nurture.archive import bucket, segments
from nurture.archive.bucket import Bucket
from nurture.archive.journal import WithdrawalLine
from nurture.archive.place import PlaceError
from nurture.archive.segments import BucketJournal, JournalSegment
from nurture.bucket_address import read_address
from nurture.cli import main
from nurture.domain.subscribers.consent import Evidence
from nurture.services.backup import withdrawals
from nurture.services.backup.backups import thin_out
from nurture.services.subscribers import preferences
from tests.installation import Installation
from tests.machines import command, restored_from
from tests.presence import at_least_one
from tests.servers.clock import A_MONDAY_MORNING
from tests.servers.s3 import KEY, READER, READER_SECRET, SECRET, S3Server


@pytest.fixture
def folder(s3_server: S3Server) -> str:
    """A folder of the bucket that is still empty."""
    return s3_server.fresh_folder()


@pytest.fixture
def store(s3_server: S3Server, folder: str) -> S3Store:
    """The folder's contents, as its owner sees them."""
    return s3_server.store(folder)


@pytest.fixture
def place(s3_server: S3Server, folder: str) -> Bucket:
    """The bucket as the program sees it."""
    return Bucket(read_address(s3_server.url(folder)), KEY, SECRET)


@pytest.fixture
def remote_home(sqlite_home: Installation, s3_server: S3Server, folder: str) -> Installation:
    """An installation whose backups go to that bucket."""
    home = with_settings(sqlite_home, NURTURE_BACKUP_URL=s3_server.url(folder), **s3_server.keys)
    home.subscribe("anna@example.org", first_name="Anna")
    home.deliver()
    return home


def with_settings(home: Installation, **settings: str) -> Installation:
    home.context.database.close()
    del home.__dict__["context"]
    home.settings = settings
    return home


def backed_up(home: Installation, *more: str) -> tuple[str, Path]:
    """The backup's location, and a file with the phrase."""
    said = json.loads(command(home, "backup", "--json", *more).stdout)
    words = home.directory / "words"
    if "words" in said:
        words.write_text(said["words"])
    return said["file"], words


def say_no(home: Installation, number: int = 1) -> None:
    context, now = home.context, home.clock.now
    preferences.unsubscribe(context.database, context.catalogue, number, None, Evidence(), now)


def line(number: int, noted: int = 0) -> WithdrawalLine:
    at = A_MONDAY_MORNING + timedelta(minutes=noted)
    return WithdrawalLine(number, f"hash {number}", "unsubscribed", at, at)


def test_a_backup_in_a_bucket_restores_completely_on_another_machine(
    remote_home: Installation, s3_server: S3Server, folder: str
) -> None:
    home = remote_home
    file, words = backed_up(home)
    assert file == f"s3://backups/{folder}/nurture-20260302T090000Z.age"
    say_no(home)
    withdrawals.copy_out(home.context.database, home.context.backup_setup.journal, home.clock.now)
    assert [name.rpartition("/")[2] for name in s3_server.names(folder)] == [
        "identity.age",
        "nurture-20260302T090000Z.age",
        JournalSegment(0, 3, 0).name,
    ]
    other, result = restored_from(home, file, words)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["withdrawn_again"]["unsubscribed"] == 1 and said["armed"] is False
    assert other.person("anna@example.org")["first_name"] == "Anna"
    # The other machine goes on with the same key, and the place is the same installation's.
    again = Path(other.directory / "var/backup-identity.txt").read_text()
    assert again == (home.directory / "var/backup-identity.txt").read_text()
    other.close()


def test_a_bucket_backup_can_be_restored_with_only_its_credentials_set(
    remote_home: Installation, s3_server: S3Server, folder: str
) -> None:
    file, words = backed_up(remote_home)
    name = file.rpartition("/")[2]
    url = s3_server.url(folder).replace("?", f"/{name}?")
    keys = dict(s3_server.keys)
    bare = {"NURTURE_DATA_DIR": str(remote_home.directory / "new")} | keys
    arguments = ["restore", url, "--words-file", str(words), "--json"]
    result = CliRunner().invoke(main, arguments, env=bare)
    assert result.exit_code == 0, result.output
    place_only = CliRunner().invoke(main, ["restore", s3_server.url(folder)], env=bare | keys)
    assert place_only.exit_code == 1


def test_checking_a_place_instead_of_a_file_names_the_newest_backup(
    remote_home: Installation,
) -> None:
    file, _ = backed_up(remote_home)
    refused = command(remote_home, "backup", "--check", file.rpartition("/")[0])
    assert refused.exit_code == 1
    assert file in refused.output and "Name one of them" in refused.output


def test_a_bucket_backup_is_verified_again_and_a_changed_object_is_reported(
    remote_home: Installation, store: S3Store
) -> None:
    home = remote_home
    file, _ = backed_up(home)
    assert command(home, "backup", "--check", file).exit_code == 0
    standing = json.loads(command(home, "status", "--json").stdout)["backup"]
    assert standing["trouble"] is None and standing["withdrawals_survive_this_machine"]
    name = file.rpartition("/")[2]
    content = bytearray(bytes(store.get(name).bytes()))
    content[len(content) // 2] ^= 1
    store.put(name, bytes(content))
    refused = command(home, "backup", "--check", file)
    assert refused.exit_code == 1 and "is damaged" in refused.output
    assert "has changed since it was proven" in command(home, "status").stdout
    store.delete(name)
    assert "is not there any more" in command(home, "status").stdout
    gone = command(home, "backup", "--check", file)
    assert gone.exit_code == 1 and f"There is no backup at {file}." in gone.stderr


def test_one_backup_can_use_another_bucket(remote_home: Installation, s3_server: S3Server) -> None:
    other = s3_server.fresh_folder()
    file, _ = backed_up(remote_home, "--to", f"s3://backups/{other}")
    assert file.startswith(f"s3://backups/{other}/nurture-")
    assert "identity.age" in s3_server.names(other)
    named, _ = backed_up(remote_home, "--to", f"s3://backups/{other}/before-the-move.age")
    assert command(remote_home, "backup", "--check", named).exit_code == 0


def test_old_backups_are_thinned_out_and_other_files_stay(
    remote_home: Installation, place: Bucket
) -> None:
    backed_up(remote_home)
    for month in range(1, 13):
        place.write_small(f"nurture-2025{month:02}01T020000Z.age", b"")
    place.write_small("holiday.jpg", b"")
    assert thin_out(place) == ["nurture-20250101T020000Z.age"]
    names = {entry.name for entry in place.entries()}
    assert "holiday.jpg" in names and len(names) == 11 + 1 + 2


def test_an_object_that_differs_from_what_was_written_is_removed(
    remote_home: Installation, place: Bucket
) -> None:
    place.write_small(".draft", b"what came out")
    with pytest.raises(PlaceError, match="is not what was written"):
        place.rename(".draft", "nurture-20260302T090000Z.age", "of something else")
    assert not place.has("nurture-20260302T090000Z.age")


def of_trouble(home: Installation, **settings: str) -> Result:
    return command(home, "backup", **settings)


TROUBLES = [
    ("bucket", "has no bucket named nowhere. Make it there"),
    ("secret", "says that the secret is not the key’s. Set NURTURE_BACKUP_S3_KEY"),
    ("key", "does not know the key. Set NURTURE_BACKUP_S3_KEY"),
    ("reader", "the key may not do that in"),
    ("none", "the key to it is not set. Set NURTURE_BACKUP_S3_KEY"),
    ("refused", "nothing answers at http://127.0.0.1:1."),
    ("name", "no name server knows nowhere.invalid. Correct the endpoint"),
    ("tls", "cannot be used"),
]


@pytest.mark.parametrize(("which", "said"), TROUBLES, ids=lambda value: value[:8])
def test_every_bucket_problem_is_one_sentence_with_its_remedy(
    remote_home: Installation, s3_server: S3Server, folder: str, which: str, said: str
) -> None:
    backed_up(remote_home)
    url = s3_server.url(folder)
    wrong = {
        "bucket": {"NURTURE_BACKUP_URL": s3_server.url("context", "nowhere")},
        "secret": {"NURTURE_BACKUP_S3_SECRET": "not-the-secret"},
        "key": {"NURTURE_BACKUP_S3_KEY": "nobodys-key"},
        "reader": {
            "NURTURE_BACKUP_S3_KEY": READER,
            "NURTURE_BACKUP_S3_SECRET": READER_SECRET,
        },
        "none": {"NURTURE_BACKUP_S3_SECRET": ""},
        "refused": {"NURTURE_BACKUP_URL": url.replace(s3_server.endpoint, "http://127.0.0.1:1")},
        "name": {"NURTURE_BACKUP_URL": url.replace("127.0.0.1", "nowhere.invalid")},
        "tls": {"NURTURE_BACKUP_URL": url.replace("http:", "https:")},
    }[which]
    result = command(remote_home, "backup", **wrong)
    assert result.exit_code == 1 and said in result.stderr
    assert result.stderr.count("\n") == 1
    noted = command(remote_home, "status", **wrong)
    assert noted.exit_code == 0 and said.split(".")[0] in noted.stdout
    assert remote_home.another(**wrong).backup_trouble.count(said.split(".")[0]) == 1
    everything = result.output + noted.output
    assert SECRET not in everything and "not-the-secret" not in everything
    assert "<Error>" not in everything and "Debug" not in everything


def test_a_silent_bucket_server_times_out(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_SMALL_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = read_address(f"s3://there?endpoint=http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(PlaceError, match="does not answer in time"):
            Bucket(address, KEY, SECRET).prepare()


def test_aws_environment_variables_for_other_programs_are_ignored(
    place: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ENDPOINT", "ENDPOINT_URL", "ENDPOINT_URL_S3", "SESSION_TOKEN", "REGION"):
        monkeypatch.setenv(f"AWS_{name}", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    place.write_small("file", b"content")
    assert place.read_small("file") == b"content"


def test_a_missing_s3_library_is_reported_with_the_install_command(
    remote_home: Installation,
) -> None:
    code = "import sys; sys.modules['obstore'] = None; from nurture.cli import main; main()"
    for words in (["backup"], ["status"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=remote_home.environment,
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
        )
        assert "pip install 'nurture[s3]'" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "url", ["s3://", "s3://key:secret@there", "s3://there?endpoint=there", "s3://there?zone=1"]
)
def test_an_invalid_bucket_address_is_refused_without_quoting_its_secret(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_address(url)
    assert "secret@" not in str(refused.value)


def test_the_bucket_key_is_never_displayed(place: Bucket, remote_home: Installation) -> None:
    assert SECRET not in repr(place) + str(place) + repr(remote_home.context.settings)
    assert SECRET not in repr(remote_home.context.backup_setup)


#: Sends so many megabytes that cannot be compressed, and fetches them; says what memory it took.
_MEMORY = """
import os, resource, sys
from pyrage import x25519
from nurture.archive.bucket import Bucket
from nurture.archive.container import opened_archive, write_archive
from nurture.archive.place import StoredFile
from nurture.bucket_address import read_address
url, key, secret, count = sys.argv[1:]
file = StoredFile(Bucket(read_address(url), key, secret), "large.age")
identity = x25519.Identity.generate()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
file.place.write_small("small", b"")
before, members = peak(), ((f"{n}", os.urandom(1_000_000)) for n in range(int(count)))
size, sha256 = write_archive(file, members, identity.to_public())
file.place.rename(file.name, "named.age", sha256)
with opened_archive(StoredFile(file.place, "named.age"), identity) as found:
    assert sum(len(content) for _, content in found) == int(count) * 1_000_000
print(peak() - before)
"""


@pytest.mark.parametrize("megabytes", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_memory_use_does_not_grow_with_the_backup(
    s3_server: S3Server, folder: str, megabytes: int
) -> None:
    url = s3_server.url(folder)
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, url, KEY, SECRET, str(megabytes)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 60


# --- The journal in segments ---------------------------------------------------------------


def test_two_machines_at_once_lose_no_line_and_read_none_twice(place: Bucket) -> None:
    one, other = (BucketJournal(place, "journal") for _ in range(2))

    def meanwhile(last: int) -> list[WithdrawalLine]:
        other.append(lambda last: [line(n) for n in range(last + 1, 4)])
        return [line(n) for n in range(last + 1, 3)]

    one.append(meanwhile)
    one.append(lambda last: [line(n) for n in range(last + 1, 6)])
    assert sorted(each.number for each in other.lines()) == [1, 2, 3, 4, 5]
    assert other.last_number(5) == 5


def test_nothing_is_requested_when_there_is_nothing_new(place: Bucket) -> None:
    journal = BucketJournal(place, "journal")
    journal.append(lambda _: [line(1)])
    unreachable = Bucket(read_address("s3://there?endpoint=http://127.0.0.1:1"), KEY, SECRET)
    journal.bucket = unreachable
    assert journal.last_number(1) == 1
    with pytest.raises(PlaceError):
        journal.last_number(2)


def test_a_journal_starts_over_after_a_database_restore_and_loses_no_lines(place: Bucket) -> None:
    journal = BucketJournal(place, "journal")
    journal.append(lambda _: [line(n) for n in range(1, 100)])
    journal.append(lambda _: [line(1, noted=5)])
    journal.append(lambda last: [line(2, noted=6)] if last == 1 else [])
    assert [each.number for each in journal.lines()] == [*range(1, 100), 1, 2]


def test_many_small_segments_are_merged(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert segments._MANY >= 100
    monkeypatch.setattr(segments, "_MANY", 10)
    journal = BucketJournal(place, "journal")
    for _ in range(25):
        journal.append(lambda last: [line(last + 1)])
    assert sorted(each.number for each in BucketJournal(place, "journal").lines()) == [
        *range(1, 26)
    ]
    assert len(list(place.sizes("journal"))) < 12


def test_an_interrupted_merge_loses_nothing(place: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = BucketJournal(place, "journal")
    for _ in range(9):
        journal.append(lambda last: [line(last + 1)])
    monkeypatch.setattr(segments, "_MANY", 5)
    # A machine that may write and not remove, such as where objects are locked.
    with monkeypatch.context() as locked:
        locked.setattr(Bucket, "remove", _refuse)
        journal.append(lambda last: [line(last + 1)])
    assert sorted(each.number for each in BucketJournal(place, "journal").lines()) == [
        *range(1, 11)
    ]


def _refuse(place: Bucket, name: str) -> None:
    raise PlaceError(f"{name} is locked.")


def test_withdrawals_reach_the_bucket_and_the_status_counts_the_rest(
    remote_home: Installation, s3_server: S3Server, folder: str
) -> None:
    home = remote_home
    backed_up(home)
    say_no(home)
    assert "not yet in the journal of withdrawals: 3" in command(home, "status").stdout
    assert (
        withdrawals.copy_out(
            home.context.database, home.context.backup_setup.journal, home.clock.now
        )
        == 3
    )
    assert "not yet in the journal" not in command(home, "status").stdout
    for name in at_least_one(s3_server.names(folder)):
        assert b"anna@" not in bytes(s3_server.store(folder).get(name).bytes())
