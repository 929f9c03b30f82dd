"""A test's own `nurture serve`, driven from outside like any user's."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from tests.servers.smtp import SmtpSink

PATIENCE = 25.0

SERVE = ("-m", "nurture", "serve")


class Running:
    """The program while it runs."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self.process, self.directory = process, directory
        self.url = ""
        self.said = ""

    def read_welcome(self) -> None:
        """Wait for the welcome message and extract the URL from it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Ctrl-C"):
                break
        found = re.search(r"(http://[^/]+)/webhooks/signup/", self.said)
        assert found, self.said
        self.url = found[1]

    def sign_up(self, address: str, form: str = "pain-guide", **fields: str) -> int:
        """Call the signup webhook with the token made at the first start."""
        token = dotenv_values(self.directory / "secrets.env")["NURTURE_SIGNUP_TOKEN"]
        return self.post(
            f"/webhooks/signup/{form}",
            json.dumps({"email": address, "first_name": "Ann"} | fields).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )[0]

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post a body; return the status and the answer."""
        return self._call(
            urllib.request.Request(self.url + path, body, dict(headers), method="POST")
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """Read a page; return the status and the answer."""
        return self._call(urllib.request.Request(self.url + path))

    def _call(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def processes(self) -> dict[str, list[int]]:
        """Return the tree's processes by role."""
        kinds = {"valkey": "redis"}
        kinds |= {f"nurture {name}": name for name in ("web", "worker", "beat")}
        found: dict[str, list[int]] = {name: [] for name in kinds.values()}
        for pid in processes_of(self.directory):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            name = next((name for word, name in kinds.items() if word in command), None)
            if name:
                found[name].append(pid)
        return {name: sorted(pids) for name, pids in found.items()}


def processes_of(directory: Path) -> list[int]:
    """Return every living process that was started for that data directory."""
    wanted = f"NURTURE_DATA_DIR={directory}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            told = (entry / "environ").read_bytes().split(b"\0")
            # The Redis server writes its title over its environment.
            named = str(directory).encode() in (entry / "cmdline").read_bytes()
            if state != "Z" and (wanted in told or named) and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except (OSError, ProcessLookupError):
            continue
    return found


def environment(directory: Path, **settings: str) -> dict[str, str]:
    """Return a process's environment, without any of this machine's own settings."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
    return bare | {
        "NURTURE_DATA_DIR": str(directory),
        "NURTURE_PORT": "0",
        "NURTURE_SWEEP_SECONDS": "0.5",
        **settings,
    }


@contextmanager
def running(
    directory: Path, sink: SmtpSink | None, command: Sequence[str] = SERVE, **settings: str
) -> Iterator[Running]:
    """Run the program during the block; without a sink, it writes to the outbox."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env=environment(directory, NURTURE_SMTP_URL=sink.url if sink else "", **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
    )
    program = Running(process, directory)
    try:
        program.read_welcome()
        yield program
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            for pid in processes_of(directory):
                os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Return whether a condition became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
