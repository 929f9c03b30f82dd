"""Delivering: claim a batch, offer it to the mail server, record the outcome.

    deliver_batch               claims a batch, then pulls outcomes out of
     `- Mailer.offer            which speaks to the mail server and pulls envelopes out of
         `- _Run._envelopes     which makes the emails of one window after another out of
             `- _Run._begin     which records what is known and marks 64 more as `sending`
    deliver_batch               records the rest and releases what was never offered

No transaction is open while the mail server is spoken to. A message is marked
`sending`, durably, before its first byte leaves, so that whatever is killed, a message
either was never offered or is known to be in doubt.
"""

import logging
import math
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nurture.clock import real_now
from nurture.domain.account.hold import Equal, Hold, about_the_server
from nurture.domain.messages.retries import AWAY, Offered, fate_after
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.mail.logbook import NO_LOGBOOK, Logbook, NoLogbook
from nurture.mail.mailer import Envelope, Outcome
from nurture.services.account import hold as accounts
from nurture.services.account import limits as account_limits
from nurture.services.delivery.claim import Batch, Claimed, claim_due
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.delivery.refusals import as_refused, note_bounce, settle_refusals
from nurture.services.delivery.stops import StopWatch
from nurture.services.subscribers.suppression import suppress_address
from nurture.store.database import Connection, DatabaseUnavailableError
from nurture.store.queries import locks
from nurture.store.queries.due import Advance, advance, count_due, look_again
from nurture.store.tables import account, broadcasts, enrolments, message_changes, messages, offers
from nurture.store.tables.account import FinalRefusal
from nurture.store.tables.instance import armed_for, how_far, is_armed

#: This many messages are marked `sending` together, so at most this many are in doubt after a kill.
WINDOW = 64

#: How long a worker may be silent, on the real clock, about messages it is offering.
SENDING_LEASE = timedelta(seconds=90)

#: How often a worker reports that it is alive while a window takes longer than usual.
_RENEW_SECONDS = 20.0

#: A batch begins no window later than this, so that a worker told to stop can stop soon; and none
#: sends for longer, so that a guide need not wait long for the connections.
_BATCH_SECONDS = 15.0

#: How long to wait before each further attempt to record, if the database is unavailable.
_RECORD_AGAIN = (0.5, 1.0, 2.0, 4.0, 8.0)

#: Takes the place of a reply code if a message never reached a mail server.
_NOT_MADE = 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The result of one batch. `full` means that more is probably due now."""

    looked_at: int = 0
    offered: int = 0
    full: bool = False


def deliver_batch(dispatch: Dispatch) -> Delivered:
    """Claim, send and record a batch of due enrolments.

    It is safe to call from any number of workers in parallel, and to be killed at any point.
    Nothing is sent from a database armed for another instance, nor more than the account's limits
    allow; while the account is held, only one message is sent at a time.
    """
    now, began_at = dispatch.clock(), time.monotonic()
    with dispatch.database.reading() as connection:
        if not count_due(connection, now, most=1):
            return Delivered()
    run = _claim(dispatch, now, began_at)
    if run is None:
        return Delivered()
    run.offer_all()
    if run.tells_of_the_account:
        settle_refusals(dispatch.database, dispatch.catalogue, now)
    looked_at, offered = run.batch.looked_at, len(run.batch.claimed)
    return Delivered(looked_at, offered, run.batch.is_full and not run.stopped)


def _claim(dispatch: Dispatch, now: datetime, began_at: float) -> "_Run | None":
    """Claim a batch in one transaction; `None` if nothing may currently be sent from here."""
    seen, run = dispatch.witness.seen(), None
    try:
        with dispatch.database.writing() as connection:
            if not is_armed(connection, dispatch.fingerprint, seen):
                return None
            armed_for(connection, dispatch.fingerprint, now)
            # Stopping waits for enrolments, and their owners for the account, so it comes after. So
            # does the catalogue: what is resumed meanwhile is sent with its corrected text.
            going = broadcasts.sending(connection, claiming=True)
            may_offer, held = accounts.may_offer(connection, now)
            if not may_offer:
                return None
            stock = account_limits.take_stock(connection, dispatch.fixed, now, claiming=True)
            if stock.connections == 0:
                return None
            published = dispatch.catalogue.current(connection)
            batch = claim_due(
                connection,
                published,
                now,
                real_now(),
                dispatch.batch,
                probing=held is not None,
                allowance=stock.allowance,
                going=going,
            )
            if held is None:
                account_limits.note_claim(connection, batch, stock, now)
            elif batch.claimed:
                accounts.note_probe(connection, held, now)
            refused, come = account.equal_refusals(connection), how_far(connection)
            sender = published.practice.sender_address
            run = _Run(dispatch, batch, now, sender, began_at, held, refused, stock.connections)
            run.begin_notes()
    except BaseException:
        if run is not None:
            run.end_notes(served=False)
        raise
    dispatch.witness.note(come)
    return run


@dataclass
class _Run:
    """One batch being sent."""

    dispatch: Dispatch
    batch: Batch
    now: datetime
    sender: str
    began_at: float
    probe_of: Hold | None = None
    refused: list[Equal] = field(default_factory=list)
    connections: int | None = None
    server_is_away: bool = False
    account_is_shut: bool = False
    _known: dict[int, Claimed] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _renewed_at: float = 0.0
    _sending_since: float = math.inf
    _heard_at: dict[int, datetime] = field(default_factory=dict)
    _outcomes: list[Outcome] = field(default_factory=list)
    _notes: Logbook | NoLogbook = NO_LOGBOOK

    def offer_all(self) -> None:
        """Offer what was claimed, window by window; hand back what could not be offered."""
        if not self.batch.claimed:
            return
        self._known = {one.recipient.message: one for one in self.batch.claimed}
        recorded = False
        try:
            self._offer()
        finally:
            try:
                recorded = self._finish()
            finally:
                self.end_notes(served=recorded)

    def begin_notes(self) -> None:
        """Open the logbook before the claim is committed, so that every abandoned claim has one."""
        if self.batch.claimed:
            self._notes = self.dispatch.logbooks.begin(self.batch.claim.name)

    def end_notes(self, *, served: bool) -> None:
        """Close the logbook, and delete it if all of it is recorded."""
        self._notes.end(served=served)

    @property
    def stopped(self) -> bool:
        """Whether the server currently accepts nothing, whatever the recipient."""
        return self.server_is_away or self.account_is_shut

    @property
    def _keeps_others_waiting(self) -> bool:
        """Whether the batch has been sending for so long that it ends in the midst of a window.

        The time a server takes to greet does not count: nothing would have been gained by it.
        """
        return time.monotonic() - self._sending_since > _BATCH_SECONDS

    @property
    def tells_of_the_account(self) -> bool:
        """Whether refusals may have to be reversed, or to count after all."""
        return self.account_is_shut or self.probe_of is not None

    def _offer(self) -> None:
        for outcome in self.dispatch.mailer.offer(self._envelopes(), self.connections):
            self._sending_since = min(self._sending_since, time.monotonic())
            self._heard_at[outcome.message] = self._business_time()
            self._outcomes.append(outcome)
            self._heed(outcome)

    def _business_time(self) -> datetime:
        """Return the time of the claim plus the time elapsed since, unaffected by clock changes."""
        return self.now + timedelta(seconds=time.monotonic() - self.began_at)

    def _known_at(self) -> datetime:
        """Return a moment that is not before anything became known, even if a clock went ahead."""
        return max(self._business_time(), self.dispatch.clock())

    def _heed(self, outcome: Outcome) -> None:
        """Stop if the server is unavailable, or refuses everyone whatever its reply says."""
        if outcome.status is MessageStatus.ACCEPTED:
            self.refused.clear()
            return
        self.server_is_away |= outcome.answer.is_silence
        self.account_is_shut |= outcome.about_the_account
        if outcome.counts_towards_a_run:
            subscriber = self._known[outcome.message].due.subscriber_id
            self.refused.append(Equal(subscriber, outcome.mark))
            self.account_is_shut |= bool(about_the_server(self.refused))

    def _finish(self) -> bool:
        """Record what is known, retrying so that a brief database outage loses nothing."""
        for pause in _RECORD_AGAIN:
            with suppress(DatabaseUnavailableError), self.dispatch.database.writing() as connection:
                self._hold(connection, self._known)
                self._record(connection)
                self._hand_back(connection)
                return True
            time.sleep(pause)
        return False

    def _envelopes(self) -> Iterator[Envelope]:
        stops = StopWatch.over(
            self.dispatch.database, (one.broadcast for one in self.batch.claimed)
        )
        for start in range(0, len(self.batch.claimed), WINDOW):
            window = self.batch.claimed[start : start + WINDOW]
            if self.stopped or time.monotonic() - self.began_at > _BATCH_SECONDS:
                return
            self._begun |= self._begin([one.recipient.message for one in window])
            for one in window:
                self._renew_if_slow()
                if self.stopped or self._keeps_others_waiting:
                    return
                is_ours = one.recipient.message in self._begun
                if is_ours and not stops.has_stopped(one.broadcast):
                    self._begun.remove(one.recipient.message)
                    yield from self._made(one)

    def _begin(self, window: list[int]) -> set[int]:
        """Record what is known so far and mark the next window, in one transaction."""
        recorded = len(self._outcomes)
        with self.dispatch.database.writing() as connection:
            self._hold(connection, {outcome.message for outcome in self._outcomes})
            self._record(connection)
            lease_until = real_now() + SENDING_LEASE
            begun = message_changes.begin_sending(
                connection, self.batch.claim.name, window, lease_until
            )
        for outcome in self._outcomes[:recorded]:
            del self._known[outcome.message]
        del self._outcomes[:recorded]
        self._renewed_at = time.monotonic()
        return begun

    def _renew_if_slow(self) -> None:
        """Renew the lease if the mail server is slow, and see which messages are still ours."""
        if time.monotonic() - self._renewed_at < _RENEW_SECONDS:
            return
        with self.dispatch.database.writing() as connection:
            lease_until = real_now() + SENDING_LEASE
            self._begun &= message_changes.renew(connection, self.batch.claim.name, lease_until)
        self._renewed_at = time.monotonic()

    def _made(self, one: Claimed) -> Iterator[Envelope]:
        """Yield the envelope, or nothing if it cannot be built, which must not stop the others."""
        try:
            envelope = self._envelope(one)
        except Exception as error:
            _log.exception("message %d cannot be made", one.recipient.message)
            reason = f"it cannot be made: {error}"
            self._outcomes.append(
                Outcome(one.recipient.message, MessageStatus.DEFERRED, reason, code=_NOT_MADE)
            )
            return
        yield envelope

    def _envelope(self, one: Claimed) -> Envelope:
        data = one.email.message(one.recipient, self.now)
        signed = self.dispatch.sign(data) + data
        to, paths = one.recipient, self.dispatch.return_paths
        sender = paths.of(to.message, self.sender, marked=to.marked) if paths else self.sender
        return Envelope(to.message, sender, to.address, signed, True, self._notes)

    def _hold(self, connection: Connection, messages: Collection[int]) -> None:
        """Lock all that recording changes: first the people who were refused, then enrolments."""
        failed = [o for o in self._outcomes if o.status is not MessageStatus.ACCEPTED]
        people = {o.message: self._known[o.message].due.subscriber_id for o in failed}
        locks.hold_people(connection, people.values())
        refused = {people[o.message] for o in failed if o.address_refused}
        held = {self._known[message].due.id for message in messages}
        held |= enrolments.numbers_of(connection, refused) if refused else set()
        if held:
            locks.hold_numbered(connection, held)

    def _record(self, connection: Connection) -> None:
        outcomes = self._outcomes
        taken = [o for o in outcomes if o.status is MessageStatus.ACCEPTED]
        accepted = [o.message for o in taken]
        kept = all(o.code is None for o in taken)  # A mail server's reply has a code.
        heard_at = {m: self._heard_at[m] for m in accepted}
        message_changes.record_accepted(connection, self.batch.claim.name, heard_at, kept=kept)
        advance(connection, [self._passed(m) for m in accepted], self.now)
        others = [o for o in outcomes if o.status is not MessageStatus.ACCEPTED]
        for outcome in others:
            self._record_other(connection, outcome)
        if others:
            message_changes.cancel_ended(
                connection, {self._known[o.message].due.id for o in others}
            )
        if outcomes:
            accounts.note_outcomes(connection, self.probe_of, outcomes, self._refused(), self.now)
        counted = [o for o in outcomes if o.counts]
        of_broadcasts = sum(self._known[o.message].broadcast is not None for o in counted)
        offers.add_offers(connection, len(counted), self._known_at(), of_broadcasts)

    def _refused(self) -> list[FinalRefusal]:
        """Return the permanent refusals since the last acceptance, of the outcomes to record."""
        refused: list[FinalRefusal] = []
        for outcome in self._outcomes:
            if outcome.status is MessageStatus.ACCEPTED:
                refused.clear()
            elif outcome.counts_towards_a_run:
                refused.append(as_refused(self._known[outcome.message].due, outcome))
        return refused

    def _record_other(self, connection: Connection, outcome: Outcome) -> None:
        one = self._known[outcome.message]
        offered = Offered(one.kind, one.attempt, one.doubts, one.due_at)
        fate = fate_after(offered, outcome.answer, self.now)
        message_changes.record_refused(
            connection,
            self.batch.claim.name,
            outcome.message,
            fate.status,
            outcome.reason,
            outcome.code,
        )
        if fate.address_is_dead:
            self._suppress(connection, one, outcome)
        elif fate.again_at is not None:
            self._look_later(connection, one, fate.again_at)
        else:
            advance(connection, [self._passed(outcome.message)], self.now)

    def _suppress(self, connection: Connection, one: Claimed, outcome: Outcome) -> None:
        message = messages.find_message(connection, outcome.message)
        assert message is not None  # It has just been recorded.
        suppress_address(
            connection, one.due.subscriber_id, one.due.address_hash, outcome.reason, self.now
        )
        note_bounce(connection, message, outcome.reason, outcome.code, self.now)

    def _passed(self, message: int) -> Advance:
        one = self._known[message]
        return Advance(one.due.id, one.after, one.look_after, one.due.turn)

    def _look_later(self, connection: Connection, one: Claimed, at: datetime) -> None:
        look = Advance(one.due.id, one.due.progress, at, one.due.turn)
        look_again(connection, [look], self.now)

    def _hand_back(self, connection: Connection) -> None:
        """Release what was never offered: it waits for the mail server, or keeps its turn."""
        why = Reason(Code.BATCH_TOOK_TOO_LONG)
        if self.stopped:
            why = Reason(Code.SERVER_TAKES_NONE)
        for message in message_changes.release_unoffered(
            connection, self.batch.claim.name, self._begun, why
        ):
            one = self._known[message]
            at = self.now + AWAY if self.server_is_away else min(one.due_at, self.now)
            self._look_later(connection, one, at)
