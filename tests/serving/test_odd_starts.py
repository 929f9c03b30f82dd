"""Starting in unusual places: it runs anyway, or states the problem in one sentence and exits."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.installation import SHIPPED
from tests.presence import at_least_one
from tests.serving.running import Running, environment, processes_of, running, wait_until

NURTURE = (sys.executable, "-m", "nurture")
ROOT = Path(__file__).parents[2]

#: A mount of a process's own, which goes when it ends, is something for the administrator only.
may_mount = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], check=False, capture_output=True
    ).returncode
    != 0,
    reason="needs the right to mount",
)


def bare(**settings: str) -> dict[str, str]:
    """An environment containing only the path to the program."""
    return {"PYTHONPATH": str(ROOT), "NURTURE_PORT": "0"} | settings


def run(
    *words: str, cwd: Path, shell: str = "", within: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `within` prepares separate mounts, `shell` redirects."""
    line = f'{within}exec "$@" {shell}'
    mounts = ["unshare", "-m"] if within else []
    return subprocess.run(
        [*mounts, "/bin/sh", "-c", line, "sh", *NURTURE, *words],
        env=bare(**settings) | {"PATH": os.environ["PATH"]},
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def says_one_thing(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that it ended with 1 and a single line containing these words."""
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("nurture: ")
    for word in at_least_one(words):
        assert word in ended.stderr


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fully published database in its `var`."""
    directory = tmp_path_factory.mktemp("published")
    assert run("publish", cwd=directory).returncode == 0
    return directory


@pytest.fixture
def place(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published / "var", tmp_path / "var")
    return tmp_path


# --- What is said, and where --------------------------------------------------------------------


@pytest.mark.parametrize(
    "letters",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=["ascii", "posix", "latin-1"],
)
def test_a_terminal_that_lacks_our_characters_does_not_crash_a_command(
    place: Path, letters: Mapping[str, str]
) -> None:
    ended = run("doctor", cwd=place, **letters)
    assert "Traceback" not in ended.stderr
    assert "database: It answers" in ended.stdout
    ended = run("held", cwd=place, **letters)
    assert ended.returncode == 2


def test_output_to_a_full_disk_is_reported(place: Path) -> None:
    says_one_thing(run("status", cwd=place, shell=">/dev/full"), "No space left", "Free some space")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_a_command_works_with_closed_streams(place: Path, closed: str) -> None:
    ended = run("arm", cwd=place, shell=closed)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_closed_pipe_ends_a_command_silently(place: Path) -> None:
    ended = run("check", cwd=place, shell="| true")
    assert ended.stderr == ""


# --- Where things are kept ----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["serve", "status", "worker"])
@pytest.mark.parametrize("there", ["file", "file/var"])
def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path, command: str, there: str) -> None:
    (tmp_path / "file").write_text("mine")
    says_one_thing(run(command, cwd=tmp_path, NURTURE_DATA_DIR=there), "NURTURE_DATA_DIR", there)
    assert (tmp_path / "file").read_text() == "mine"


@may_mount
def test_a_read_only_data_directory_is_named(place: Path) -> None:
    within = "mount --bind var var && mount -o remount,ro,bind var && "
    ended = run("serve", cwd=place, within=within)
    says_one_thing(ended, "cannot be written to", "Let this user write")


@may_mount
@pytest.mark.parametrize("size", ["64k", "900k"])
def test_a_full_disk_at_startup_is_reported_clearly(tmp_path: Path, size: str) -> None:
    (tmp_path / "small").mkdir()
    within = f"mount -t tmpfs -o size={size} none small && "
    ended = run("serve", cwd=tmp_path, within=within, NURTURE_DATA_DIR="small/var")
    says_one_thing(ended, "its disk is full", "Make room")


@may_mount
def test_a_database_without_disk_space_is_reported(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    within = "mount -t tmpfs -o size=500k none small && "
    ended = run("publish", cwd=tmp_path, within=within, NURTURE_DATA_DIR="small/var")
    says_one_thing(ended, "disk is full", "Make room")


@may_mount
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_workers_without_shared_memory_are_reported_before_anything_runs(
    place: Path, command: str
) -> None:
    within = (
        "mount --bind var /mnt && mount -t tmpfs none /dev/shm && "
        "mount -o remount,ro /dev/shm && cd / && "
    )
    ended = run(command, cwd=place, within=within, NURTURE_DATA_DIR="/mnt")
    says_one_thing(ended, "/dev/shm", "Mount a tmpfs")


def test_an_unreadable_database_url_is_named_without_quoting_it(
    tmp_path: Path,
) -> None:
    for url in ("postgresql://u:hu:sh@h:abc/d", "postgresql+other://u:hush@h/d"):
        ended = run("status", cwd=tmp_path, NURTURE_DATABASE_URL=url)
        says_one_thing(ended, "NURTURE_DATABASE_URL", "postgresql://user:password@host")
        assert "hush" not in ended.stderr and "abc" not in ended.stderr


# --- While it runs ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_copy_on_the_same_data_directory_does_not_disturb_the_first(place: Path) -> None:
    data = place / "var"
    with running(data, None) as first:
        ended = run("serve", cwd=place)
        says_one_thing(ended, "Another embedded Redis server", "NURTURE_DATA_DIR")
        assert first.sign_up("ann@example.org") == 202
        assert wait_until(lambda: list(data.glob("outbox/**/*.eml")))
    assert wait_until(lambda: not processes_of(data), 10)


@pytest.mark.slow
def test_the_program_runs_in_a_path_with_spaces_and_accents(tmp_path: Path) -> None:
    """In an ASCII locale, without a temporary directory and with read-only templates."""
    directory, emails = tmp_path / "Práxis Müller/dä ta", tmp_path / "Práxis Müller/emails"
    shutil.copytree(SHIPPED, emails)
    directory.mkdir()
    for path in (*emails.rglob("*"), emails):
        path.chmod(path.stat().st_mode & ~0o222)
    odd = {
        "NURTURE_TEMPLATES_DIR": str(emails),
        "TMPDIR": "/nowhere",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
    }
    try:
        with running(directory, None, **odd) as program:
            assert program.sign_up("ann@example.org") == 202
            assert wait_until(lambda: list(directory.glob("outbox/**/*.eml")))
    finally:
        for path in (emails, *emails.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)


def test_the_program_runs_and_stops_with_every_stream_closed_and_no_home(place: Path) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *NURTURE, "serve"],
        env=bare(NURTURE_DATA_DIR="var"),
        cwd=place,
    )
    try:
        log = place / "var/logs/web.log"
        assert wait_until(lambda: log.exists() and "ready" in log.read_text())
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(40) == 0


@contextmanager
def on_a_small_disk(directory: Path, published: Path) -> Iterator[tuple[Running, Path]]:
    """Run the program with its data on 60 MB mounted for it alone; yield the path to them."""
    (directory / "small").mkdir()
    line = (
        'mount -t tmpfs -o size=60m none small && cp -a "$0/var" small/ && '
        'NURTURE_DATA_DIR="$PWD/small/var" exec "$@"'
    )
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", line, str(published), *NURTURE, "serve"],
        env=environment(directory, NURTURE_SMTP_URL=""),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=directory,
    )
    data = Path(f"/proc/{process.pid}/root{directory}/small/var")
    program = Running(process, data)
    try:
        program.read_welcome()
        yield program, data
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def _fill(directory: Path, leave: int) -> None:
    """Leave that many bytes free on a small disk."""
    left = os.statvfs(directory)
    with (directory / "fill").open("ab", buffering=0) as file:
        try:
            file.write(bytes(max(left.f_bavail * left.f_frsize - leave, 0)))
            while not leave:
                file.write(bytes(4096))
        except OSError:
            pass


@may_mount
@pytest.mark.slow
def test_a_full_disk_postpones_signups_until_there_is_space_again(
    tmp_path: Path, published: Path
) -> None:
    with on_a_small_disk(tmp_path, published) as (program, data):
        assert program.sign_up("ann@example.org") == 202
        assert wait_until(lambda: len(list(data.glob("outbox/**/*.eml"))) == 1)
        for leave in (20_000_000, 0):
            _fill(data, leave)
            time.sleep(3.5)  # So long a look at the disk is believed.
            assert program.sign_up("ben@example.org") == 503
        assert program.get("/healthz")[0] == 200
        (data / "fill").unlink()
        assert wait_until(lambda: program.sign_up("ben@example.org") == 202)
        assert wait_until(lambda: len(list(data.glob("outbox/**/*.eml"))) == 2)
