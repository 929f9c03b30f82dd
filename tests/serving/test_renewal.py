"""`kill -HUP` turns the running program into the version now installed, unnoticed by visitors."""

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

import pytest
from dotenv import dotenv_values

from tests.installation import SHIPPED
from tests.servers.smtp import SmtpSink
from tests.serving.running import Running, running, wait_until


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    """The emails, for a test to change."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "emails"))


@pytest.fixture
def program(tmp_path: Path, smtp_sink: SmtpSink, emails: Path) -> Iterator[Running]:
    """The program with emails of its own."""
    data = tmp_path / "data"
    data.mkdir()
    with running(data, smtp_sink, NURTURE_TEMPLATES_DIR=str(emails)) as started:
        yield started


def _renewed(program: Running, before: list[int]) -> bool:
    present = program.processes()["web"]
    return len(present) == 1 and present != before


def _ask_until(port: int, done: Event, told: Counter[object]) -> None:
    """Send requests over one connection, as a proxy does, until told to stop; count the answers."""
    visitor = HTTPConnection("127.0.0.1", port, timeout=20)
    while not done.is_set():
        try:
            visitor.request("GET", "/studio/sign-in")
            answer = visitor.getresponse()
            answer.read()
            told[answer.status] += 1
        except OSError as error:
            told[type(error)] += 1
            visitor.close()
        time.sleep(0.01)
    visitor.close()


def test_sighup_upgrades_the_program_without_dropping_a_request(
    program: Running, smtp_sink: SmtpSink, emails: Path
) -> None:
    practice = emails / "practice.toml"
    before, redis = program.processes()["web"], program.processes()["redis"]
    told: Counter[object] = Counter()
    done, port = Event(), int(program.url.rpartition(":")[2])
    with ThreadPoolExecutor(4) as visitors:
        for _ in range(4):
            visitors.submit(_ask_until, port, done, told)
        practice.write_text(practice.read_text().replace("Human Movement", "Moving Anew"))
        os.kill(program.process.pid, signal.SIGHUP)
        renewed = wait_until(lambda: _renewed(program, before), 90)
        time.sleep(0.5)
        done.set()
    assert renewed
    assert set(told) == {200}
    assert told[200] > 50
    program.read_welcome()
    assert "Moving Anew" in program.said
    assert program.processes()["redis"] == redis
    assert program.sign_up("ann@example.org") == 202
    assert wait_until(lambda: smtp_sink.mails_to("ann@example.org"))
    # What it has become can become another once more, and is as mortal as before.
    again = program.processes()["web"]
    os.kill(program.process.pid, signal.SIGHUP)
    assert wait_until(lambda: _renewed(program, again), 60)


def test_an_upgrade_that_cannot_start_does_not_take_over(program: Running, emails: Path) -> None:
    practice = emails / "practice.toml"
    assert wait_until(lambda: len(program.processes()["worker"]) == 3)
    right, before = practice.read_text(), program.processes()
    practice.write_text("name = ")
    os.kill(program.process.pid, signal.SIGHUP)
    assert program.process.stdout is not None
    for line in program.process.stdout:
        program.said += line
        if "goes on" in line:
            break
    assert "practice.toml" in program.said
    assert program.processes() == before
    token = dotenv_values(program.directory / "secrets.env")["NURTURE_SIGNUP_TOKEN"]
    assert token and program.sign_up("ann@example.org") == 202
    practice.write_text(right)
    os.kill(program.process.pid, signal.SIGHUP)
    assert wait_until(lambda: _renewed(program, before["web"]), 60)
