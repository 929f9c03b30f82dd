"""The standard tool opens a backup without this program, with nothing but the phrase."""

import json
import os
import pty
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.installations import smtp_sink, sqlite_home
from tests.machines import backed_up

__all__ = ["smtp_sink", "sqlite_home"]

pytestmark = pytest.mark.hosts


def with_words(words: str, *command: str) -> int:
    """Run a program that asks for a phrase on the terminal; return its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    asked = b""
    while b"passphrase" not in asked:
        asked += os.read(terminal, 1024)
    os.write(terminal, f"{words}\n".encode())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_the_age_and_tar_programs_open_a_backup(sqlite_home: Installation, tmp_path: Path) -> None:
    sqlite_home.subscribe("anna@example.org")
    (tmp_path / "backups").mkdir()
    file, words = backed_up(sqlite_home, tmp_path / "backups")
    key, opened = str(file.with_name("identity.age")), tmp_path / "opened.tar.gz"
    typed = words.read_text().lower().replace(" ", "-")
    assert with_words(typed, "age", "-d", "-i", key, "-o", str(opened), str(file)) == 0
    subprocess.run(["tar", "xzf", str(opened), "-C", str(tmp_path)], check=True)
    people = (tmp_path / "tables/subscribers/000001.jsonl").read_text()
    assert "anna@example.org" in people
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["subscribers"]["rows"] == 1
    with tarfile.open(opened) as tar:
        assert tar.getnames()[-1] == "manifest.json"
