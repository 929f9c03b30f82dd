"""A separate web side or worker starts with the database's keys, or with none to compare."""

import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.installations import home, smtp_sink, sqlite_home
from tests.servers.ports import free_port
from tests.serving.running import environment, wait_until

__all__ = ["home", "smtp_sink", "sqlite_home"]

OTHERS = {"NURTURE_SECRET_KEY": "a key that was made on another machine"}


def start(program: str, settings: Mapping[str, str], directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "nurture", program],
        env={**environment(directory / "var"), **settings},
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("program", ["web", "worker"])
def test_a_program_with_other_keys_exits_with_one_sentence(
    sqlite_home: Installation, program: str
) -> None:
    sqlite_home.subscribe("anna@example.org")
    process = start(program, sqlite_home.environment | OTHERS, sqlite_home.directory)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("nurture: This database was filled with other keys")
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["away", "empty", "fitting"])
def test_the_web_side_starts_if_keys_match_or_cannot_be_compared(
    sqlite_home: Installation, what: str
) -> None:
    home = sqlite_home
    settings = home.environment | {"NURTURE_PORT": str(free_port())}
    if what == "away":
        settings["NURTURE_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    if what == "empty":
        settings["NURTURE_DATABASE_URL"] = f"sqlite:///{home.directory}/none.db"
    process = start("web", settings, home.directory)
    try:
        port = int(settings["NURTURE_PORT"])
        assert wait_until(lambda: is_alive(port), 60)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert not (home.directory / "none.db").exists()


def is_alive(port: int) -> bool:
    try:
        visitor = HTTPConnection("127.0.0.1", port, timeout=2)
        visitor.request("GET", "/healthz")
        return visitor.getresponse().status == 200
    except OSError:
        return False
