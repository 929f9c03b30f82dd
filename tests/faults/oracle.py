"""A test's view of the witness: giving it orders and reading what it has accepted."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from nurture.lifeline import tied_to_us
from tests.faults.oracle_server import HOST, Fault

__all__ = ["Fault", "Oracle", "Taken"]

PIPELINING = ("PIPELINING", "8BITMIME", "SMTPUTF8")


@dataclass(frozen=True)
class Taken:
    """One accepted message, as it was recorded.

    `at` is what the program's clock showed, if the oracle reads it, and `heard_at` is on the real,
    monotonic clock of this machine. `open` is how many connections there were,
    and `subject` the first line of the subject as it was encoded.
    """

    message_id: str
    recipient: str
    digest: str
    at: str = ""
    heard_at: float = 0.0
    open: int = 1
    subject: str = ""

    @property
    def moment(self) -> datetime:
        """When it was accepted by the program's clock."""
        return datetime.fromisoformat(self.at)


class Oracle:
    """The mail server of these tests, in a separate process that runs during the block."""

    def __init__(self, journal: Path, clock: Path | None = None) -> None:
        self._journal = journal
        self._clock = [str(clock)] if clock else []

    def __enter__(self) -> Self:
        """Start it; `url` accepts email when this returns."""
        self._journal.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", oracle_server(), str(self._journal), *self._clock],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=tied_to_us(),
        )
        assert self._process.stdout is not None
        self.port, orders = map(int, self._process.stdout.readline().split())
        self._orders = socket.create_connection((HOST, orders))
        self._answers = self._orders.makefile("rb")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it; the journal remains."""
        self._answers.close()
        self._orders.close()
        self._process.kill()
        self._process.communicate()

    @property
    def url(self) -> str:
        """The URL for NURTURE_SMTP_URL."""
        return f"smtp://{HOST}:{self.port}"

    def show(self, *faults: Fault) -> None:
        """Show these faults from now on, and no others."""
        self._order(faults=[asdict(fault) for fault in faults])

    def behave(self) -> None:
        """Show no faults, answer immediately, and listen."""
        self._order(faults=[], delay=0.0, extensions=PIPELINING)

    def delay(self, seconds: float) -> None:
        """Wait that long before every answer."""
        self._order(delay=seconds)

    def make_room(self, connections: int) -> None:
        """Allow that many connections at a time, and turn others away."""
        self._order(room=connections)

    def crowd(self) -> tuple[int, int]:
        """Return how many connections were open at once at most, and how many turned away."""
        answer = self._order()
        return answer["most_open"], answer["turned_away"]

    def offer_extensions(self, *names: str) -> None:
        """Announce these extensions and no others."""
        self._order(extensions=names)

    def stop_listening(self) -> None:
        """Refuse connections, and hang up on existing ones."""
        self._order(listen=False)

    def listen_again(self) -> None:
        """Accept connections again, on the same port."""
        self._order(listen=True)

    def taken(self) -> Sequence[Taken]:
        """Return everything that has been accepted so far, in order."""
        with self._journal.open("rb") as lines:
            whole = [line for line in lines if line.endswith(b"\n")]
        return [Taken(**json.loads(line)) for line in whole]

    def count(self) -> int:
        """Return how many messages have been accepted so far."""
        return self._journal.read_bytes().count(b"\n")

    def _order(self, **order: Any) -> dict[str, int]:
        self._orders.sendall(json.dumps(order).encode() + b"\n")
        answer = self._answers.readline()
        assert answer, "the oracle has ended"
        found: dict[str, int] = json.loads(answer)
        return found


def oracle_server() -> str:
    """Return the program's file."""
    return str(Path(__file__).with_name("oracle_server.py"))
