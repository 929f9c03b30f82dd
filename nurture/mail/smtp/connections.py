"""The sessions kept between two offers, and the opening of new ones."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections import deque
from functools import cached_property

from nurture.mail.smtp.opening import Opening
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.session import Session

FRESH_SECONDS = 10.0
CAP_SECONDS = 600.0
GOODBYE_SECONDS = 2.0


class Connections:
    """The sessions with one mail server that are not in use right now.

    A forked child never touches what its parent opened: it starts with none. What nobody
    uses for a while is parted with, because many a server allows a client only a few.
    """

    def __init__(self, route: SmtpRoute, *, most: int, timeout: float) -> None:
        self._route = route
        self._timeout = timeout
        self._most = most
        self._process = 0
        self._lock = threading.Lock()
        self._uses, self._users = 0, 0
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._kept: deque[Session] = deque()
        self._arrived: deque[Opening] = deque()
        self._leaving: deque[Session] = deque()
        self._closing_timer: threading.Timer | None = None
        self._cap = self._most
        self._cap_until = 0.0
        self.openings: dict[Opening, float] = {}

    def use(self) -> None:
        """Make ready in this process, leaving alone what a parent process opened.

        Whoever has called this calls `rest` in the end.
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
        """Close this process's copies only; the parent goes on with the connections."""
        for session in [*self._kept, *self._leaving]:
            session.close()
        self.doorbell.close()
        self._button.close()

    @property
    def cap(self) -> int:
        """How many connections the server is taken to allow, in all."""
        if self._cap < self._most and time.monotonic() > self._cap_until:
            self._cap = self._most
        return self._cap

    def limit_to(self, count: int) -> None:
        """Ask for no more than `count` connections for a while: the server refused another."""
        self._cap = max(1, count)
        self._cap_until = time.monotonic() + CAP_SECONDS

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        """Trust what this machine trusts; reading all of that takes longer than many a mail."""
        return ssl.create_default_context() if self._route.may_encrypt else None

    def open_another(self) -> None:
        """Begin to open a session; the doorbell rings when `arrivals` has the result."""
        opening = Opening(self._route, self._timeout, self._tls, self._arrive)
        self.openings[opening] = time.monotonic() + self._timeout
        opening.start()

    def _arrive(self, opening: Opening) -> None:
        if opening not in self.openings:
            return opening.discard()
        self._arrived.append(opening)
        with contextlib.suppress(OSError):
            self._button.send(b"!")

    def arrivals(self) -> list[Opening]:
        """Return the openings that have ended since last asked."""
        with contextlib.suppress(OSError):
            self.doorbell.recv(4_096)
        arrived = []
        while self._arrived:
            opening = self._arrived.popleft()
            del self.openings[opening]
            arrived.append(opening)
        return arrived

    def hurry(self) -> None:
        """Cut short the openings that take longer than the timeout allows."""
        now = time.monotonic()
        for opening, deadline in self.openings.items():
            if now > deadline:
                opening.abandon()

    def keep(self, session: Session) -> None:
        """Keep a session that has nothing under way for the next offer."""
        session.rest()
        self._kept.append(session)

    def kept(self) -> list[Session]:
        """Return the sessions that may be used again, and part with those kept too long."""
        self._keep_arrivals()
        kept, self._kept = self._kept, deque()
        usable = []
        for session in kept:
            if time.monotonic() - session.quiet_since > FRESH_SECONDS:
                self.part_with(session)
            else:
                usable.append(session)
        return usable

    def _keep_arrivals(self) -> None:
        """Keep what came too late for the last offer; a refusal of then says nothing now."""
        for opening in self.arrivals():
            if opening.session is not None:
                opening.session.conversation.rest()
                self._kept.append(opening.session)

    def part_with(self, session: Session) -> None:
        """Say goodbye, and close once the server has had the time to answer."""
        session.say_goodbye()
        session.quiet_since = time.monotonic()
        self._leaving.append(session)
        while time.monotonic() - self._leaving[0].quiet_since > GOODBYE_SECONDS:
            self._leaving.popleft().close()

    def rest(self) -> None:
        """Keep what there is for as long as it may be used again, and no longer."""
        self._users -= 1
        self._closing_timer = threading.Timer(FRESH_SECONDS, self._part_unless_used, [self._uses])
        self._closing_timer.daemon = True
        try:
            self._closing_timer.start()
        except RuntimeError:  # Without a thread to spare, they are kept a little longer.
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
        """Part with everything, waiting for it for a moment at most; never raises."""
        if self._process != os.getpid():
            return
        with self._lock:
            self._uses += 1
        patience = time.monotonic() + GOODBYE_SECONDS
        if self._closing_timer is not None:
            self._closing_timer.cancel()
            self._closing_timer.join(GOODBYE_SECONDS)
        self._give_up_openings(patience)
        while self._kept:
            self.part_with(self._kept.popleft())
        while self._leaving:
            self._leaving.popleft().hear_goodbye(patience - time.monotonic())
        self.doorbell.close()
        self._button.close()
        self._process = 0

    def _give_up_openings(self, patience: float) -> None:
        for opening in self.openings:
            opening.abandon()
            opening.wait(max(0.0, patience - time.monotonic()))
        self._keep_arrivals()
        self.openings.clear()
