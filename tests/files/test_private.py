"""Files are private, whatever the directory's permissions were and whatever the umask is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from nurture.files.private import mend, open_private
from nurture.mail.outbox.files import write_whole
from nurture.settings import load_settings
from tests.files.rights import open_paths, rights
from tests.serving.running import environment


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A carelessly created data directory: open to everyone, with all its contents."""
    directory = tmp_path / "var"
    for name in ("outbox/message-00000001.eml", "logs/web.log.1", "redis/appendonlydir/a.aof"):
        (directory / name).parent.mkdir(parents=True)
        (directory / name).write_text("Ann")
    for name in ("nurture.db", "nurture.db-wal", "secrets.env", "witness-0a", "guides", "notes"):
        (directory / name).write_text("Ann")
    for path in [directory, *directory.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o644)
    return directory


def test_an_open_data_directory_is_made_private_with_all_its_files(opened: Path) -> None:
    (opened / "notes").chmod(0o600)
    mended = mend(opened)
    assert open_paths(opened) == []
    assert rights(opened) == 0o700 and rights(opened / "outbox/message-00000001.eml") == 0o600
    assert mended.sentences == [
        f"{opened} was open to other users of this machine: closed 13 files and folders."
    ]
    assert mend(opened).sentences == []


def test_the_database_is_made_private_wherever_it_is(opened: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.write_text("Ann")
    elsewhere.chmod(0o664)
    (opened / "secrets.env").write_text("NURTURE_SECRET_KEY=a-secret-of-this-test\n")
    where = {"NURTURE_DATA_DIR": str(opened), "NURTURE_DATABASE_URL": f"sqlite:///{elsewhere}"}
    load_settings(where).mend_files()
    assert rights(elsewhere) == 0o600


def test_the_target_of_a_symlink_is_left_unchanged(opened: Path, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("for everybody")
    page.chmod(0o644)
    (opened / "outbox/page").symlink_to(page)
    mend(opened)
    assert rights(page) == 0o644


def test_a_shared_folder_is_left_unchanged_and_reported(opened: Path) -> None:
    opened.chmod(0o1777)
    [said] = mend(opened).warnings
    assert rights(opened) == 0o1777 and "everyone shares it" in said and "NURTURE_DATA_DIR" in said
    assert rights(opened / "secrets.env") == 0o600


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """One of our folders, in which everyone may do anything."""
    with TemporaryDirectory() as made:
        where = Path(made)
        where.chmod(0o777)
        yield where


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_files_of_another_user_are_reported_with_the_command_to_fix_them(anybodys: Path) -> None:
    os.seteuid(65534)
    try:
        mended = mend(anybodys)
        warnings = mended.warnings
    finally:
        os.seteuid(0)
    assert warnings == [
        f"Other users of this machine can open {anybodys}: it belongs to another user (number 0), "
        f"who can run: chmod -R go-rwx {anybodys}"
    ]
    assert mended.closed == 0 and mend(anybodys).closed == 1


def test_emails_and_exports_are_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        mail = write_whole(tmp_path / "message-00000001.eml", b"Ann")
        (tmp_path / "export.csv").write_text("of an older version")
        os.close(open_private(tmp_path / "export.csv"))
    finally:
        os.umask(before)
    assert rights(mail) == rights(tmp_path / "export.csv") == 0o600


def test_every_command_first_fixes_permissions_and_reports_it(opened: Path) -> None:
    (opened / "nurture.db").unlink()
    (opened / "secrets.env").unlink()
    (opened / "notes").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "nurture", "status"],
        env=environment(opened),
        capture_output=True,
        text=True,
        umask=0o022,
    )
    assert "was open to other users of this machine: closed" in done.stderr
    assert "There is no database" in done.stderr  # This came later.
    assert open_paths(opened) == []


_STARTS = """
import os
from celery.signals import beat_init, worker_init
import tasks, webhooks
for start in (lambda: worker_init.send(None), lambda: beat_init.send(None), webhooks.create_app):
    os.umask(0o022)
    start()
    print(oct(os.umask(0)))
"""


def test_celery_and_every_web_server_start_privately_too(opened: Path) -> None:
    (opened / "nurture.db").unlink()
    (opened / "secrets.env").unlink()
    (opened / "notes").unlink()
    done = subprocess.run(
        [sys.executable, "-c", _STARTS], env=environment(opened), capture_output=True, text=True
    )
    assert done.stdout.split() == ["0o77"] * 3, done.stderr
    assert "was open to other users of this machine" in done.stderr
    assert open_paths(opened) == []
