"""What `nurture serve` promises: it runs, it recovers, and it leaves nothing behind."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.smtp import SmtpSink
from tests.serving.running import (
    Running,
    environment,
    processes_of,
    running,
    wait_until,
)


@pytest.fixture(scope="module")
def mail_server() -> Iterator[SmtpSink]:
    """A real mail server."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, mail_server: SmtpSink) -> Iterator[Running]:
    """The program in a folder with other files, for tests that leave it running."""
    directory = tmp_path_factory.mktemp("serve")
    for name in ("tasks", "webhooks", "celeryconfig"):
        (directory / f"{name}.py").write_text(f"raise SystemExit('this is another {name}')\n")
    with running(directory, mail_server) as started:
        yield started


@pytest.fixture
def short_lived(tmp_path: Path, mail_server: SmtpSink) -> Iterator[Running]:
    """The program in its own directory, for tests that end it."""
    with running(tmp_path, mail_server) as started:
        yield started


def test_a_signup_gets_its_email_and_the_page_delivers_the_guide(
    program: Running, mail_server: SmtpSink
) -> None:
    assert program.sign_up("ann@example.org") == 202
    assert wait_until(lambda: mail_server.mails_to("ann@example.org"), 10)
    (mail,) = mail_server.mails_to("ann@example.org")
    body_part = mail.message.get_body(("plain",))
    assert body_part is not None
    text = body_part.get_content()
    path = next(word for word in text.split() if "/guide/" in word).removeprefix(program.url)
    status, body = program.post(path, b"", {})
    assert status == 200
    assert body.startswith(b"%PDF-")


def test_every_killed_process_restarts_and_the_next_email_is_still_sent(
    program: Running, mail_server: SmtpSink
) -> None:
    for name in ("worker", "redis", "web", "beat"):
        before = _kill(program, name)
        assert wait_until(lambda n=name, old=before: _is_back(program, n, old)), name  # type: ignore[misc]
    assert wait_until(lambda: _signed_up(program, "bob@example.org"))
    assert wait_until(lambda: mail_server.mails_to("bob@example.org"))


def test_a_restarted_process_is_reported_with_its_log(program: Running) -> None:
    _kill(program, "beat")
    assert program.process.stdout is not None
    told = (line for line in program.process.stdout if "started again" in line)
    said = next(line for line in told if "beat" in line)
    assert str(program.directory / "logs" / "beat.log") in said


def test_the_forking_process_keeps_a_single_thread_after_a_restart(program: Running) -> None:
    before = _kill(program, "beat")
    assert wait_until(lambda: _is_back(program, "beat", before))
    assert len(list(Path(f"/proc/{program.process.pid}/task").iterdir())) == 1


def test_other_files_in_the_starting_folder_are_not_run(
    program: Running, mail_server: SmtpSink
) -> None:
    assert (program.directory / "tasks.py").exists()
    assert program.sign_up("carol@example.org") == 202
    assert wait_until(lambda: mail_server.mails_to("carol@example.org"), 10)


def test_a_stopped_program_answers_requests_in_progress_and_leaves_nothing_running(
    short_lived: Running, tmp_path: Path
) -> None:
    program = short_lived
    with (
        closing(sqlite3.connect(tmp_path / "nurture.db", isolation_level=None)) as held,
        ThreadPoolExecutor() as caller,
    ):
        held.execute("BEGIN IMMEDIATE")
        answer = caller.submit(program.sign_up, "ann@example.org")
        time.sleep(0.5)
        program.process.terminate()
        time.sleep(0.5)
        assert not answer.done(), "a signup in hand is answered before it ends"
        held.execute("COMMIT")
        assert answer.result() == 202
    assert program.process.wait(30) == 0
    assert wait_until(lambda: not processes_of(tmp_path), 5)


def test_a_killed_program_leaves_nothing_running(short_lived: Running, tmp_path: Path) -> None:
    short_lived.process.kill()
    assert wait_until(lambda: not processes_of(tmp_path), 15)


def test_an_occupied_port_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "nurture", "serve"],
            env=environment(tmp_path, NURTURE_PORT=port),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1
    assert port in ended.stderr
    assert "NURTURE_PORT" in ended.stderr
    assert processes_of(tmp_path) == []


def _kill(program: Running, name: str) -> int:
    """Kill a process of the tree, which may just be restarting after an earlier test."""
    assert wait_until(lambda: program.processes()[name]), name
    victim = program.processes()[name][0]
    os.kill(victim, signal.SIGKILL)
    return victim


def _is_back(program: Running, name: str, old: int) -> bool:
    now = program.processes()[name]
    return bool(now) and old not in now


def _signed_up(program: Running, address: str) -> bool:
    try:
        return program.sign_up(address) == 202
    except OSError:
        return False
