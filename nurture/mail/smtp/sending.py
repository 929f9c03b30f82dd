"""Sending through a mail server over several connections at a time.

A relay answers after tens of milliseconds, so one connection spends most of its time waiting.
Another connection is opened while there is more to send and all are busy, and a large number
only if all are also waiting for the server. They are kept open for the next offer.
"""

import selectors
import time
from collections import Counter, deque
from collections.abc import Iterator

from nurture.domain.messages.refusal import Blame, Refusal
from nurture.domain.messages.status import MessageStatus
from nurture.mail.login import RenewableTokens
from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp.addresses import refused_unseen
from nurture.mail.smtp.connections import Connections
from nurture.mail.smtp.conversation import Conversation
from nurture.mail.smtp.opening import Opening
from nurture.mail.smtp.route import RouteError, SmtpRoute, StartTls
from nurture.mail.smtp.session import SmtpSession

__all__ = ["RouteError", "SmtpMailer", "SmtpRoute", "StartTls"]

FRUITLESS_SESSIONS = 3

#: How often a message is offered on yet another session while sessions are turned away.
MOST_TURNED_AWAY = 4

#: Takes the place of a reply code if a server turned every session away (RFC 5321 §4.2.3).
ASKED_TO_WAIT = 450

#: This many connections keep a fast server busy; more only help if it is far away.
USUAL_CONNECTIONS = 16

#: A server that leaves every connection without a reply for this many seconds is far away.
FAR_AWAY = 0.005


class SmtpMailer:
    """A `Mailer` that sends through one mail server.

    `connections` is how many may be open at a time, `timeout` how many seconds the server may
    need for a single answer, and `messages_per_connection` how many messages a connection
    carries before a new one replaces it. `tokens` are for a route that logs in with access tokens.
    """

    def __init__(
        self,
        route: SmtpRoute,
        *,
        connections: int = 8,
        timeout: float = 60.0,
        messages_per_connection: int = 100,
        tokens: RenewableTokens | None = None,
    ) -> None:
        self._connections = Connections(route, most=connections, timeout=timeout, tokens=tokens)
        self._messages_per_connection = messages_per_connection

    def offer(
        self, envelopes: Iterator[Envelope], connections: int | None = None
    ) -> Iterator[Outcome]:
        """Offer envelopes and yield one outcome for each that was pulled.

        If no session can be opened, or sessions fail one after another without a single message
        being answered, what was pulled is `deferred` and no more is pulled: the rest is left to
        the caller, untouched. An exception raised by `envelopes` is raised again once everything
        in progress is settled.
        """
        self._connections.use()
        offer = _Offer(self._connections, envelopes, self._messages_per_connection, connections)
        return offer.run()

    def close(self) -> None:
        """Send QUIT on every connection; never raise and never change an outcome."""
        self._connections.close()


class _Supply:
    """The caller's envelopes, of which a few at most have been pulled but not offered."""

    def __init__(self, envelopes: Iterator[Envelope], outcomes: list[Outcome]) -> None:
        self._envelopes = envelopes
        self._outcomes = outcomes
        self._hand: deque[Envelope] = deque()
        self._trouble: Exception | None = None
        self._ended = False
        self._stopped: tuple[str, Refusal | None] | None = None
        self._turned_away: Counter[int] = Counter()

    def take(self) -> Envelope | None:
        """Return the next envelope that can be offered at all, or None at the end."""
        if self._hand:
            return self._hand.popleft()
        while not self._ended:
            envelope = self._pull()
            if envelope is None:
                break
            refused = refused_unseen(envelope)
            if refused is None:
                return envelope
            self._outcomes.append(refused)
        return None

    def _pull(self) -> Envelope | None:
        """Pull one envelope; hold back an exception until everything in progress is settled."""
        try:
            return next(self._envelopes)
        except StopIteration:
            self._ended = True
        except Exception as trouble:
            self._ended = True
            self._trouble = trouble
        return None

    def has_more(self) -> bool:
        """Return whether there is another envelope, pulling one in advance if necessary."""
        envelope = self.take()
        if envelope is not None:
            self._hand.appendleft(envelope)
        return envelope is not None

    def give_back(self, envelopes: list[Envelope]) -> None:
        """Take back envelopes that no server has refused; they go out first."""
        if self._stopped is not None:
            return self._defer(envelopes)
        self._hand.extendleft(reversed(envelopes))

    def give_back_turned_away(self, envelopes: list[Envelope], reason: str) -> None:
        """Take back envelopes that another session may accept, each a few times at most."""
        for envelope in envelopes:
            self._turned_away[envelope.message] += 1
        again = [e for e in envelopes if self._turned_away[e.message] < MOST_TURNED_AWAY]
        for envelope in envelopes:
            if envelope not in again:
                refusal = Refusal(Blame.CONNECTION)
                outcome = Outcome(
                    envelope.message, MessageStatus.DEFERRED, reason, ASKED_TO_WAIT, refusal
                )
                self._outcomes.append(outcome)
        self.give_back(again)

    def stop(self, reason: str, refusal: Refusal | None = None) -> None:
        """Pull no more, and defer the envelopes already pulled; the first reason counts."""
        self._ended = True
        if self._stopped is None:
            self._stopped = reason, refusal
        self._defer(list(self._hand))
        self._hand.clear()

    def _defer(self, envelopes: list[Envelope]) -> None:
        assert self._stopped is not None
        reason, refusal = self._stopped
        for envelope in envelopes:
            outcome = Outcome(envelope.message, MessageStatus.DEFERRED, reason, refusal=refusal)
            self._outcomes.append(outcome)

    def raise_trouble(self) -> None:
        """Raise the exception that the caller's iterator raised, if any."""
        if self._trouble is not None:
            raise self._trouble


class _Offer:
    """One call of `offer`: the sessions in use and the outcomes not yet yielded."""

    def __init__(
        self,
        connections: Connections,
        envelopes: Iterator[Envelope],
        messages_per_connection: int,
        most: int | None = None,
    ) -> None:
        self._connections = connections
        self._most = most
        self._messages_per_connection = messages_per_connection
        self._outcomes: list[Outcome] = []
        self._supply = _Supply(envelopes, self._outcomes)
        self._selector = selectors.DefaultSelector()
        self._sessions: set[SmtpSession] = set()
        self._fruitless = 0
        self._all_waited = False

    def run(self) -> Iterator[Outcome]:
        """Yield outcomes until everything pulled is settled and nothing is left to pull."""
        try:
            self._selector.register(self._connections.doorbell, selectors.EVENT_READ)
            for session in self._connections.kept(self._most):
                self._admit(session)
            while self._goes_on():
                yield from self._known()
                self._wait()
            yield from self._known()
        finally:
            self._leave()
        self._supply.raise_trouble()

    def _known(self) -> Iterator[Outcome]:
        while self._outcomes:
            outcomes = self._outcomes.copy()
            self._outcomes.clear()
            yield from outcomes

    def _note(self, outcomes: list[Outcome]) -> None:
        """Store outcomes, and stop offering if the server accepts nothing from us at all."""
        self._outcomes += outcomes
        told = next((one for one in outcomes if one.about_the_account), None)
        if told is not None:
            self._supply.stop(told.reason, told.refusal)

    def _goes_on(self) -> bool:
        """Give idle sessions work, open another if all are busy, and return whether to continue."""
        for session in list(self._sessions):
            if session.conversation.idle:
                self._feed(session)
        if self._may_open() and self._supply.has_more():
            self._open_more()
            return True
        if not all(session.conversation.idle for session in self._sessions):
            return True
        return self._supply.has_more()

    def _open_more(self) -> None:
        """Open one more connection, or several if each one would wait a whole round trip."""
        self._connections.open_another()
        while self._all_waited and self._may_open():
            self._connections.open_another()

    def _may_open(self) -> bool:
        """Return whether to open another connection, at most doubling their number.

        A quick server must not get them all together. More than the usual number are opened
        only if the server has just kept all of them waiting.
        """
        opening, open_now = len(self._connections.openings), len(self._sessions)
        if open_now + opening >= USUAL_CONNECTIONS and not self._all_waited:
            return False
        cap = self._connections.cap
        if self._most is not None:
            cap = min(cap, self._most)
        return open_now + opening < cap and opening <= open_now // 2

    def _wait(self) -> None:
        began = time.monotonic()
        ready = self._selector.select(self._patience())
        self._all_waited = time.monotonic() - began > FAR_AWAY
        for key, _ in ready:
            if key.data is None:
                self._welcome()
            elif key.data in self._sessions:
                self._attend(key.data)
        self._expire()

    def _patience(self) -> float:
        deadlines = [s.deadline for s in self._sessions if not s.conversation.idle]
        deadlines += self._connections.openings.values()
        return max(0.0, min(deadlines, default=0.0) - time.monotonic()) + 0.01

    def _welcome(self) -> None:
        for opening in self._connections.arrivals():
            if opening.session is not None:
                self._admit(opening.session)
            else:
                self._do_without(opening)

    def _admit(self, session: SmtpSession) -> None:
        self._sessions.add(session)
        self._selector.register(session.sock, selectors.EVENT_READ, session)
        self._feed(session)

    def _do_without(self, opening: Opening) -> None:
        """Continue with the sessions already open; if there are none, offer nothing more."""
        under_way = len(self._sessions) + len(self._connections.openings)
        if under_way:
            self._connections.limit_to(under_way)
        else:
            self._supply.stop(opening.refusal, opening.about)

    def _attend(self, session: SmtpSession) -> None:
        self._note(session.exchange())
        self._feed(session)

    def _feed(self, session: SmtpSession) -> None:
        """Give a session what it can write now, write it, and check whether it has ended."""
        conversation = session.conversation
        while conversation.wants_envelope and session.taken < self._messages_per_connection:
            envelope = self._supply.take()
            if envelope is None:
                break
            refused = session.take(envelope)
            if refused is not None:
                self._outcomes.append(refused)
        self._note(session.write())
        if conversation.ended is not None:
            self._close_ended(session)
        elif conversation.idle and session.taken >= self._messages_per_connection:
            self._dismiss(session)
            self._connections.part_with(session)
            if self._most is not None:  # The server counts it until it has gone.
                self._connections.see_off()
        else:
            self._listen(session)

    def _listen(self, session: SmtpSession) -> None:
        if session.wants_to_write == session.watched_for_writing:
            return
        session.watched_for_writing = session.wants_to_write
        events = selectors.EVENT_READ
        if session.wants_to_write:
            events |= selectors.EVENT_WRITE
        self._selector.modify(session.sock, events, session)

    def _close_ended(self, session: SmtpSession) -> None:
        """Close a session that has ended; end the offer after several that achieved nothing."""
        self._dismiss(session)
        session.close()
        conversation = session.conversation
        if conversation.turned_away is not None:
            self._do_with_fewer(conversation, conversation.turned_away)
        else:
            self._go_on_without(session)
        if self._fruitless >= FRUITLESS_SESSIONS:
            self._supply.stop(f"Not offered, as sessions keep failing: {conversation.ended}.")

    def _go_on_without(self, session: SmtpSession) -> None:
        conversation = session.conversation
        self._supply.give_back(conversation.unmet)
        if conversation.fruitful:
            self._fruitless = 0
        elif session.taken and (conversation.closed or not conversation.unmet):
            self._fruitless += 1

    def _do_with_fewer(self, conversation: Conversation, refusal: Refusal) -> None:
        """Offer what was turned away on other sessions, and open no more than there are."""
        reason = f"Put off, as {conversation.ended}."
        self._supply.give_back_turned_away(conversation.unmet, reason)
        if refusal.crowded:
            self._connections.limit_to(len(self._sessions))
        if conversation.accepted:
            self._fruitless = 0
        elif not self._sessions:
            self._fruitless += 1

    def _dismiss(self, session: SmtpSession) -> None:
        self._sessions.discard(session)
        self._selector.unregister(session.sock)

    def _expire(self) -> None:
        now = time.monotonic()
        for session in list(self._sessions):
            if session.deadline < now and not session.conversation.idle:
                self._note(session.expire())
                self._close_ended(session)
        self._connections.hurry()

    def _leave(self) -> None:
        """Keep the free sessions; one with a message in progress cannot be reused."""
        self._selector.close()
        for session in self._sessions:
            if session.conversation.idle and session.conversation.ended is None:
                self._connections.keep(session)
            else:
                session.close()
        self._sessions.clear()
        if self._most is not None:
            self._connections.part_with_all()
        self._connections.rest()
