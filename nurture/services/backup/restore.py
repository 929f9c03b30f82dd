"""Restoring: turning an empty machine into the one that was backed up, without emailing anyone.

The database is filled next to its final location and moved there at the end, so that a restore
that is killed leaves no database behind. A server's database is marked as unfinished.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pyrage import x25519

from nurture.archive.container import Member, opened_archive
from nurture.archive.identity import KeyFiles, read_locked
from nurture.archive.place import StoredFile
from nurture.domain.errors import NurtureError
from nurture.files.env import as_line
from nurture.files.private import sync_folder, write_down, write_private
from nurture.files.secrets import KEPT
from nurture.library.reading import files_of
from nurture.services.backup.contents import DKIM, LIBRARY, SETTINGS, BackupHeader, Progress
from nurture.services.backup.proof import take_in
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.portable import is_empty
from nurture.store.tables.instance import RESTORING, arm
from nurture.store.wiping import into_one_file
from nurture.tokens import Tokens

#: Names of files that show that a data directory has been in use.
_IN_USE = ("nurture.db*", "secrets.env", "backup-identity*", "journals", "witness-*")


class NotEmptyError(NurtureError):
    """The place to restore to is not empty."""


class OtherKeysError(NurtureError):
    """The settings have a different key from the one the backup was made with."""


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a backup is restored: a data directory, and a database in it or on a server."""

    directory: Path
    database_url: str
    database_file: Path | None

    @classmethod
    def of(cls, settings: Settings) -> "RestoreTarget":
        """Return the place that the settings name."""
        file = settings.database_files[0] if settings.database_files else None
        return cls(settings.data_dir, settings.database, file)

    @property
    def staging(self) -> Path:
        """The folder for files until the restore is complete."""
        return self.directory / "restoring"

    @property
    def staged_url(self) -> str:
        """The URL of the database while it is being filled."""
        if self.database_file is None:
            return self.database_url
        return f"sqlite:///{self.staging.absolute() / 'nurture.db'}"

    def insist_on_empty(self) -> None:
        """Raise `NotEmptyError` if the program has been used here."""
        found = [path for name in _IN_USE for path in sorted(self.directory.glob(name))]
        file = self.database_file
        found += [file] if file and file.exists() else []
        if found:
            raise NotEmptyError(
                f"This machine is not empty: {found[0]} is there.",
                remedy="A backup is never restored over something else. Name an empty folder in "
                "NURTURE_DATA_DIR, or rename this one.",
            )
        if file is None and not _is_empty(self.database_url):
            raise NotEmptyError(
                "The database that NURTURE_DATABASE_URL names is not empty.",
                remedy="Make a new one, with CREATE DATABASE, and name that.",
            )


def _is_empty(url: str) -> bool:
    database = Database(url)
    try:
        with database.reading() as connection:
            return is_empty(connection)
    finally:
        database.close()


def settings_in(file: StoredFile, identity: x25519.Identity) -> dict[str, str]:
    """Return the settings of the machine that was backed up; may raise `DamagedBackupError`."""
    with opened_archive(file, identity) as members:
        for name, content in members:
            if name == SETTINGS:
                found: dict[str, str] = json.loads(content)
                return found
    return {}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where to find the files that this machine may want to use."""

    about: BackupHeader
    settings_file: Path
    library: Path | None


def restore(
    file: StoredFile,
    identity: x25519.Identity,
    locked: StoredFile,
    place: RestoreTarget,
    settings: Settings,
    before: Mapping[str, str],
    then: Callable[[BackupHeader, Path | None], None],
    tell: Progress,
) -> Restored:
    """Fill an empty place from a backup whose settings were `before`.

    `then` does the last work before the database is moved into place; it gets the folder of emails
    if they differ from this machine's. All or nothing if the database is a file. May raise
    `DamagedBackupError` or `OtherKeysError`.
    """
    staging = place.staging
    shutil.rmtree(staging, ignore_errors=True)  # Left by a restore that was killed.
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        about = _take_in(file, identity, place, settings, tell)
        _keep_keys(staging, identity, locked)
        _keep_settings(staging, before)
        if _is_same(staging / "templates", settings.templates_dir):
            shutil.rmtree(staging / "templates")
        has_library = (staging / "templates").is_dir()
        then(about, staging / "templates" if has_library else None)
        _move(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    library = place.directory / "templates" if has_library else None
    return Restored(about, place.directory / _SETTINGS_OF_BEFORE, library)


_SETTINGS_OF_BEFORE = "settings-of-before.env"


def _take_in(
    file: StoredFile,
    identity: x25519.Identity,
    place: RestoreTarget,
    settings: Settings,
    tell: Progress,
) -> BackupHeader:
    mark = Tokens.of(settings.keys).key_mark

    def check(about: BackupHeader) -> None:
        if about.key_mark != mark:
            raise OtherKeysError(
                "NURTURE_SECRET_KEY or NURTURE_ADDRESS_KEY is set, and is not the key that this "
                "backup was made with.",
                remedy="Take both out of the environment and of .env: the backup brings its own.",
            )

    def receive(member: Member) -> None:
        _keep(place.staging, member)

    database = Database(place.staged_url)
    try:
        about = take_in(database, file, identity, tell, receive, check)
        with database.writing() as connection:
            arm(connection, RESTORING, about.made_at)
        return about
    finally:
        database.close()


def _keep(staging: Path, member: Member) -> None:
    name, content = member
    if name == DKIM:
        return write_private(staging / "dkim-of-before.pem", content)
    if not name.startswith(LIBRARY):
        return
    root = staging / "templates"
    path = root / name.removeprefix(LIBRARY)
    if not path.resolve().is_relative_to(root.resolve()):
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, content)


def _keep_keys(staging: Path, identity: x25519.Identity, locked: StoredFile) -> None:
    keys = KeyFiles(staging)
    said = f"# public key: {identity.to_public()}\n{identity}\n"
    write_down(keys.plain, said.encode("ascii"))
    write_down(keys.locked, read_locked(locked))


def _keep_settings(staging: Path, before: Mapping[str, str]) -> None:
    """Write the secrets for immediate use, and the other settings for the administrator to read."""
    made = {name: value for name, value in before.items() if name in KEPT}
    others = {name: value for name, value in before.items() if name not in KEPT}
    write_down(staging / "secrets.env", _as_env(made))
    write_private(staging / _SETTINGS_OF_BEFORE, _as_env(others))


def _as_env(values: Mapping[str, str]) -> bytes:
    return "".join(as_line(name, value) for name, value in values.items()).encode()


def _is_same(restored: Path, present: Path) -> bool:
    """Return whether this machine already has the same emails and guides."""
    return _digests(restored) == _digests(present)


def _digests(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): sha256(p.read_bytes()).digest() for p in files_of(root)}


def _move(place: RestoreTarget) -> None:
    """Move everything into place, the database last."""
    database = place.staging / "nurture.db"
    for path in sorted(place.staging.iterdir()):
        if not path.name.startswith("nurture.db"):
            path.replace(place.directory / path.name)
    sync_folder(place.directory)
    if place.database_file is not None:
        staged = Database(place.staged_url)
        into_one_file(staged)
        staged.close()
        place.database_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.replace(database, place.database_file)
        sync_folder(place.database_file.parent)
