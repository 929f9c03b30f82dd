"""Backing up an installation, and restoring it on another machine, with the real commands."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from nurture.archive.folder import Folder
from nurture.archive.place import StoredFile
from nurture.cli import main
from tests.installation import Installation


def stored_at(path: Path) -> StoredFile:
    """The file at a path, as a place of backups has it."""
    return StoredFile(Folder(path.parent), path.name)


def command(home: Installation, *words: object, **settings: str) -> Result:
    """Return the `nurture` command on that installation's machine."""
    return CliRunner().invoke(main, [str(w) for w in words], env=home.environment | settings)


def backed_up(home: Installation, folder: Path) -> tuple[Path, Path]:
    """Run the backup command; return the backup, and a file with the phrase it showed."""
    said = json.loads(command(home, "backup", "--to", folder, "--json").stdout)
    words = folder.parent / "words"
    words.write_text(said["words"].replace("-", " ").upper())
    return Path(said["file"]), words


def restored(
    home: Installation, file: Path, words: Path, url: str = "", directory: Path | None = None
) -> tuple[Installation, Result]:
    """Return another machine on which that backup was restored."""
    return restored_from(home, str(file), words, url, directory)


def restored_from(
    home: Installation, file: str, words: Path, url: str = "", directory: Path | None = None
) -> tuple[Installation, Result]:
    """Return another machine on which that backup was restored, with the same settings."""
    there = (directory or home.directory) / "another-machine"
    other = Installation(
        url or f"sqlite:///{there}/var/nurture.db", there, home.clock, home.smtp_url
    )
    other.settings = home.settings
    # The keys come with the backup.
    bare = {k: v for k, v in other.environment.items() if k not in _KEYS}
    arguments = ["restore", file, "--words-file", str(words), "--json"]
    return other, CliRunner().invoke(main, arguments, env=dict.fromkeys(_KEYS) | bare)


_KEYS = ("NURTURE_SECRET_KEY", "NURTURE_SIGNUP_SECRET", "NURTURE_SIGNUP_TOKEN")
