"""The sessions kept open between two offers, and the opening of new ones."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections import deque
from functools import cached_property

from nurture.mail.login import RenewableTokens
from nurture.mail.smtp.opening import Opening
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.session import SmtpSession

FRESH_SECONDS = 10.0
CAP_SECONDS = 600.0
GOODBYE_SECONDS = 2.0


class Connections:
    """The sessions with one mail server that are not currently in use.

    A forked child never touches what its parent opened: it starts with none. Sessions unused for
    a while are closed, because many servers allow a client only a few.
    """

    def __init__(
        self,
        route: SmtpRoute,
        *,
        most: int,
        timeout: float,
        tokens: RenewableTokens | None = None,
    ) -> None:
        self._route, self._tokens = route, tokens
        self._timeout = timeout
        self._most = most
        self._process = 0
        self._lock = threading.Lock()
        self._uses, self._users = 0, 0
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._kept: deque[SmtpSession] = deque()
        self._arrived: deque[Opening] = deque()
        self._leaving: deque[SmtpSession] = deque()
        self._closing_timer: threading.Timer | None = None
        self._cap = self._most
        self._cap_until = 0.0
        self.openings: dict[Opening, float] = {}

    def use(self) -> None:
        """Prepare for use in this process, without touching what a parent process opened.

        The caller must call `rest` in the end.
        """
        with self._lock:
            self._uses += 1
            self._users += 1
        if self._process == os.getpid():
            if self._closing_timer is not None:
                self._closing_timer.cancel()
            return
        if self._process:
            self._disown()
        self._start_afresh()
        self._process = os.getpid()
        self.doorbell, self._button = socket.socketpair()
        self.doorbell.setblocking(False)
        self._button.setblocking(False)

    def _disown(self) -> None:
        """Close this process's copies only; the parent keeps using the connections."""
        for session in [*self._kept, *self._leaving]:
            session.close()
        self.doorbell.close()
        self._button.close()

    @property
    def cap(self) -> int:
        """How many connections in total the server is assumed to allow."""
        if self._cap < self._most and time.monotonic() > self._cap_until:
            self._cap = self._most
        return self._cap

    def limit_to(self, count: int) -> None:
        """Open no more than `count` connections for a while, as the server refused another."""
        self._cap = max(1, count)
        self._cap_until = time.monotonic() + CAP_SECONDS

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        """The TLS context trusting this machine's CAs, cached because loading it is slow."""
        return ssl.create_default_context() if self._route.may_encrypt else None

    def open_another(self) -> None:
        """Begin to open a session; the doorbell socket wakes the caller once `arrivals` has it."""
        opening = Opening(self._route, self._timeout, self._tls, self._arrive, self._tokens)
        self.openings[opening] = time.monotonic() + self._timeout
        opening.start()

    def _arrive(self, opening: Opening) -> None:
        if opening not in self.openings:
            return opening.discard()
        self._arrived.append(opening)
        with contextlib.suppress(OSError):
            self._button.send(b"!")

    def arrivals(self) -> list[Opening]:
        """Return the openings that have ended since the last call."""
        with contextlib.suppress(OSError):
            self.doorbell.recv(4_096)
        arrived = []
        while self._arrived:
            opening = self._arrived.popleft()
            del self.openings[opening]
            arrived.append(opening)
        return arrived

    def hurry(self) -> None:
        """Abandon the openings that take longer than the timeout allows."""
        now = time.monotonic()
        for opening, deadline in self.openings.items():
            if now > deadline:
                opening.abandon()

    def keep(self, session: SmtpSession) -> None:
        """Keep a session with nothing in progress for the next offer."""
        session.rest()
        self._kept.append(session)

    def kept(self, most: int | None = None) -> list[SmtpSession]:
        """Return the sessions that may be used again, and close those idle for too long.

        At most that many are returned, if a number is given, and the others are closed by then.
        """
        self._keep_arrivals()
        kept, self._kept = self._kept, deque()
        usable: list[SmtpSession] = []
        for session in kept:
            is_old = time.monotonic() - session.quiet_since > FRESH_SECONDS
            if is_old or len(usable) == most:
                self.part_with(session)
            else:
                usable.append(session)
        if most is not None:
            self.see_off()
        return usable

    def _keep_arrivals(self) -> None:
        """Keep sessions that opened too late for the last offer; ignore outdated refusals."""
        for opening in self.arrivals():
            if opening.session is not None:
                opening.session.conversation.rest()
                self._kept.append(opening.session)

    def part_with(self, session: SmtpSession) -> None:
        """Send QUIT, and close once the server has had time to answer."""
        session.say_goodbye()
        session.quiet_since = time.monotonic()
        self._leaving.append(session)
        while time.monotonic() - self._leaving[0].quiet_since > GOODBYE_SECONDS:
            self._leaving.popleft().close()

    def part_with_all(self) -> None:
        """Close every session, so that another process may open as many; wait only a moment."""
        self._give_up_openings(time.monotonic() + GOODBYE_SECONDS)
        while self._kept:
            self.part_with(self._kept.popleft())
        self.see_off()

    def see_off(self) -> None:
        """Close the sessions that are leaving, after a moment for the server to answer QUIT."""
        patience = time.monotonic() + GOODBYE_SECONDS
        while self._leaving:
            self._leaving.popleft().hear_goodbye(patience - time.monotonic())

    def rest(self) -> None:
        """Keep the open sessions for as long as they may be reused, and then close them."""
        self._users -= 1
        self._closing_timer = threading.Timer(FRESH_SECONDS, self._part_unless_used, [self._uses])
        self._closing_timer.daemon = True
        try:
            self._closing_timer.start()
        except RuntimeError:  # If no thread can be started, they stay open a little longer.
            self._closing_timer = None

    def _part_unless_used(self, uses: int) -> None:
        with self._lock:
            if self._users or self._uses != uses or self._process != os.getpid():
                return
            self._keep_arrivals()
            unused = [*self._leaving, *self._kept]
            self._leaving.clear()
            self._kept.clear()
        patience = time.monotonic() + GOODBYE_SECONDS
        for session in unused:
            session.say_goodbye()
        for session in unused:
            session.hear_goodbye(patience - time.monotonic())

    def close(self) -> None:
        """Close everything, waiting only a moment for the server; never raise."""
        if self._process != os.getpid():
            return
        with self._lock:
            self._uses += 1
        if self._closing_timer is not None:
            self._closing_timer.cancel()
            self._closing_timer.join(GOODBYE_SECONDS)
        self.part_with_all()
        self.doorbell.close()
        self._button.close()
        self._process = 0

    def _give_up_openings(self, patience: float) -> None:
        for opening in self.openings:
            opening.abandon()
            opening.wait(max(0.0, patience - time.monotonic()))
        self._keep_arrivals()
        self.openings.clear()
