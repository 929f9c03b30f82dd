"""The whole program as real processes, with servers that can be taken away."""

import http.client
import json
import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import redis

from nurture.broker.embedded import EmbeddedRedis
from tests.faults.oracle import Oracle
from tests.faults.workers import Program, celery_beat, celery_worker, until
from tests.installation import SIGNUP_TOKEN, Installation
from tests.servers.clock import ClockFile
from tests.servers.ports import free_port

#: Between two sweeps of these trees, in seconds.
SWEEP = 0.5

#: How long the web side may take over an answer while Redis is away, in seconds.
AT_ONCE = 2.0

#: A sweep, and a moment for the task to come through and the mail to be sent.
ONE_SWEEP = SWEEP + 3.0


class RedisServer:
    """A Redis-protocol server that can be stopped and returns at the same address."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = EmbeddedRedis.start(directory)
        self.url = self._server.redis_url

    def kill(self) -> None:
        """Kill it as a power cut would."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()

    def start(self) -> None:
        """Start it again."""
        self._server = EmbeddedRedis.start(self._directory)

    def freeze(self) -> None:
        """Stop it from answering, though it accepts connections."""
        os.kill(self._server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it continue."""
        os.kill(self._server.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Flush all its data."""
        with redis.from_url(self.url) as connection:
            connection.flushall()

    def limit(self, memory: int) -> None:
        """Limit its memory to that many bytes; 0 means no limit."""
        with redis.from_url(self.url) as connection:
            connection.config_set("maxmemory", memory)

    def stop(self) -> None:
        """Stop it for good."""
        self.thaw()
        self._server.stop()


@dataclass
class Tree:
    """Web side, worker and beat of one installation, running during the block."""

    url: str
    directory: Path
    clock: ClockFile
    oracle: Oracle
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Start everything; the web side answers and the worker works when this returns.

        If that takes too long, everything started is stopped again.
        """
        try:
            return self._start()
        except BaseException:
            self._stack.close()
            raise

    def _start(self) -> Self:
        self.port = free_port()
        self.redis = RedisServer(self.directory / "redis")
        self._stack.callback(self.redis.stop)
        settings = {
            "NURTURE_REDIS_URL": self.redis.url,
            "NURTURE_SWEEP_SECONDS": str(SWEEP),
            "NURTURE_PORT": str(self.port),
            "NURTURE_WORKER_PROCESSES": "1",
        }
        self.home = Installation(self.url, self.directory, self.clock, self.oracle.url, settings)
        self.home.publish_shipped()
        self._stack.callback(self.home.close)
        self.programs = [Program(self.home, "web")]
        self.programs += [celery_worker(self.home), celery_beat(self.home)]
        for program in self.programs:
            self._stack.enter_context(program)
        until(self._answers)
        self._send_first_mail()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._stack.close()

    def sign_up(self, address: str) -> int:
        """Call the signup webhook; return the status of its answer."""
        body = json.dumps({"email": address})
        headers = {"Authorization": f"Bearer {SIGNUP_TOKEN}", "Content-Type": "application/json"}
        return self._call("POST", "/webhooks/signup/pain-guide", body, headers)[0]

    def click(self) -> tuple[int, str | None]:
        """Follow a link; return the status and the destination."""
        url = "https://example.org/an-article"
        return self._call("GET", f"/c/{self.home.context.tokens.click(1, url)}")

    def sent_to(self, addresses: list[str]) -> bool:
        """Return whether all of them have been sent an email."""
        return set(addresses) <= {one.recipient for one in self.oracle.taken()}

    def unharmed(self) -> bool:
        """Return whether every program is still the process that was started."""
        return all(program.alive() for program in self.programs)

    def _send_first_mail(self) -> None:
        assert self.sign_up("first@example.org") == 202
        until(lambda: self.sent_to(["first@example.org"]))

    def _answers(self) -> bool:
        try:
            return self._call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def _call(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("Location")
        finally:
            connection.close()
