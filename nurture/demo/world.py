"""The demonstration's environment: the running program, its clock, and what is sent to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from nurture.bootstrap import Context, build
from nurture.domain.errors import NurtureError
from nurture.services.reports import status as status_report
from nurture.settings import load_settings
from nurture.signatures import new_secret, sign_standard_webhook

#: Real seconds that anything in the story may take before it counts as broken.
_PATIENCE = 30.0

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


class DemoError(NurtureError):
    """The demonstration could not be played."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The program's answer to an HTTP request."""

    status: int
    body: bytes
    content_type: str


class DemoProgram:
    """The real program, running in its own directory; leaving the block stops it."""

    def __init__(self, directory: Path, start: datetime) -> None:
        self.directory = directory
        self.clock_file = directory / "clock"
        self.set_clock(start)
        self.port = _free_port()
        self.environment = _environment(directory, self.clock_file, self.port)
        self.context: Context = build(load_settings(self.environment))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        log = (self.directory / "serve.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nurture", "serve"],
            env=os.environ | self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self.context.database.close()

    @property
    def url(self) -> str:
        """The URL at which the program answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def now(self) -> datetime:
        """The time in the story."""
        return self.context.clock()

    def set_clock(self, moment: datetime) -> None:
        """Move the clock of every process together."""
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(moment.isoformat())
        draft.replace(self.clock_file)

    def standing(self) -> dict[str, Any]:
        """Return the program's status."""
        return status_report.status(
            self.context.database,
            self.context.fingerprint,
            self.context.witness,
            self.now,
            self.context.settings.account_choices,
        )

    def settle(self) -> dict[str, Any]:
        """Wait until nothing is due or in progress; return the program's status."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            standing = self.standing()
            if not standing["due_now"]:
                return standing
            time.sleep(0.05)
        raise DemoError("The program did not do what was due.", remedy=self._see_the_log())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until the program has done something that it does unprompted."""
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise DemoError("The program did not come that far.", remedy=self._see_the_log())
            time.sleep(0.05)

    def sign_up(self, form: str, fields: Mapping[str, Any]) -> HttpAnswer:
        """Call the signup webhook as the website does, with a signature."""
        body = json.dumps(fields).encode()
        secret = self.context.settings.signup_secret[0]
        signed = sign_standard_webhook(secret, f"demo-{fields['email']}", self.now, body)
        return self.post(f"{self.url}/webhooks/signup/{form}", body, "application/json", signed)

    def book(self, email: str) -> HttpAnswer:
        """Report a booked session as a calendar does, with a signature."""
        body = json.dumps({"type": "booked", "email": email}).encode()
        secret = self.environment["NURTURE_BOOKINGS_SECRET"]
        signed = sign_standard_webhook(secret, f"demo-booking-{email}", self.now, body)
        return self.post(f"{self.url}/webhooks/bookings/generic", body, "application/json", signed)

    def submit(self, url: str, fields: Mapping[str, str]) -> HttpAnswer:
        """Press a button on a page."""
        kind = "application/x-www-form-urlencoded"
        return self.post(url, urlencode(fields).encode(), kind, {"User-Agent": BROWSER})

    def post(self, url: str, body: bytes, kind: str, headers: Mapping[str, str]) -> HttpAnswer:
        """Post a body."""
        return _ask("POST", url, body, {"Content-Type": kind, **headers})

    def get(self, url: str, agent: str, method: str = "GET") -> HttpAnswer:
        """Fetch a URL without following redirects."""
        return _ask(method, url, None, {"User-Agent": agent})

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._ready():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise DemoError("The program did not start.", remedy=self._see_the_log())
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return self.get(f"{self.url}/readyz", "demo").status == 200
        except OSError:
            return False

    def _see_the_log(self) -> str:
        return f"See {self.directory / 'serve.log'}."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A handler that follows no redirects: clicks lead to websites outside the demonstration."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _ask(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310
    try:
        with _opener.open(request, timeout=_PATIENCE) as response:
            kind = response.headers.get_content_type()
            return HttpAnswer(response.status, response.read(), kind)
    except urllib.error.HTTPError as error:
        with error:
            return HttpAnswer(error.code, error.read(), error.headers.get_content_type())


def _environment(directory: Path, clock_file: Path, port: int) -> dict[str, str]:
    return {
        "NURTURE_DATA_DIR": str(directory),
        "NURTURE_CLOCK": str(clock_file),
        "NURTURE_PORT": str(port),
        "NURTURE_SWEEP_SECONDS": "0.2",
        "NURTURE_BOOKINGS_SECRET": new_secret(),
        # Any other settings in the environment are for the real installation.
        "NURTURE_BASE_URL": "",
        "NURTURE_DATABASE_URL": "",
        "NURTURE_REDIS_URL": "",
        "NURTURE_SMTP_URL": "",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
