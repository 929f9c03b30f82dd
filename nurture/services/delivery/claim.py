"""Claiming: read what is due, decide each enrolment, and record the result."""

import secrets
from collections import abc
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nurture.domain.account.queue import in_order
from nurture.domain.messages.retries import is_behind, may_be_offered_again
from nurture.domain.reasons import OF_THE_ACCOUNT, Code, Reason
from nurture.domain.rights.account import Ground
from nurture.domain.scheduling.allowance import UNLIMITED, Allowance
from nurture.domain.scheduling.decision import (
    Decision,
    End,
    Look,
    SendNow,
    decide,
    next_look,
    progress_after,
)
from nurture.domain.scheduling.planner import due_at
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, RECURRING, Sequence, StepKind
from nurture.rendering.message import PreparedEmail, Recipient
from nurture.services.catalogue import Published
from nurture.services.delivery import precedence, sunset
from nurture.services.delivery.batch_facts import BatchFacts, gather
from nurture.services.delivery.grounds import grounds_of
from nurture.store.database import Connection
from nurture.store.queries.due import (
    Advance,
    DueEnrolment,
    advance,
    count_due,
    due_enrolments,
    due_for_probe,
    excuse,
)
from nurture.store.tables import enrolments, message_changes, messages, sequences
from nurture.store.tables.message_changes import Claim, NewMessage

#: How long a worker may be silent, on the real clock, before others take over its claims.
CLAIM_LEASE = timedelta(seconds=60)

#: Few may be sent, but whoever needs nothing sent is moved on as well.
_LOOKS_AT_LEAST = 50

_AT_THE_END = Ending(EnrolmentStatus.COMPLETED, EndReason.COMPLETED)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed message: its recipient and email, and the enrolment's state once it is sent."""

    recipient: Recipient
    email: PreparedEmail
    kind: StepKind
    due: DueEnrolment
    attempt: int
    doubts: int
    due_at: datetime
    after: Progress
    look_after: datetime
    broadcast: int | None = None


@dataclass(slots=True)
class Batch:
    """What one worker has claimed together; `looked_at` counts everything that was due.

    It is full if more is probably due that may be sent now. What the account may not send now is
    left as it was and keeps its place in the queue.
    """

    claim: Claim
    looked_at: int = 0
    claimed: list[Claimed] = field(default_factory=list)
    is_full: bool = False
    leaves_some_waiting: bool = False


@dataclass(slots=True)
class _Plan:
    """What will be recorded for a batch."""

    sends: list[tuple[DueEnrolment, SendNow]] = field(default_factory=list)
    advances: list[Advance] = field(default_factory=list)
    excused: dict[int, datetime] = field(default_factory=dict)
    ends: dict[Ending, list[int]] = field(default_factory=dict)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    going_on: list[tuple[int, str, str]] = field(default_factory=list)
    waiting: int = 0


def claim_due(
    connection: Connection,
    published: Published,
    now: datetime,
    real_now: datetime,
    limit: int,
    *,
    probing: bool = False,
    allowance: Allowance = UNLIMITED,
    going: Collection[int] = (),
) -> Batch:
    """Take up to `limit` due enrolments, decide each, and claim the messages to send.

    An email's way from being due to being recorded, wherever a worker may be killed:

    1. Lock the enrolments that are due, guides first, and read what deciding needs.
    2. Decide each: the planner says which step is next, the gate whether this person may be
       emailed now, the account's `allowance` whether it may send one more. What waits for the
       account is left untouched, and comes first next time.
    3. Insert a message for each step that is to be sent, `claimed` and with a lease; its
       enrolment is not looked at again while it is in hand.
    4. Record everything else together: waits, skipped steps, ends, moves to another sequence.
       Here the transaction ends, and with it what this function does.
    5. `batch` marks a window of messages as `sending` and commits, before it makes and offers
       the first of them. From now on a message whose worker is killed may be in doubt.
    6. `batch` records what the mail server said and moves each enrolment on, in the transaction
       that marks the next window; what was never offered is released.

    Call it in one writing transaction, with the broadcasts that are `going` to be sent, in their
    order, locked before anything was read. With `probing` it claims only one message, the
    best one for testing a held account. If a newer program has published more of a sequence
    than this one understands, the sequence is left to that program.
    """
    paused = sequences.paused_sequences(connection)
    most = _most_to_look_at(limit, allowance)
    found = _find_due(connection, published, now, most, allowance, probing, going)
    due = sunset.in_hand(connection, published, found, now)
    due = precedence.with_series_first(connection, published, due, paused)
    known = gather(connection, published, due, paused, now)
    plan = _decide_all(due, published, known, now, 1 if probing else limit, allowance)
    claim = Claim(secrets.token_hex(8), now, real_now + CLAIM_LEASE)
    batch = Batch(claim, len(due), is_full=len(due) == most and not plan.waiting)
    batch.leaves_some_waiting = bool(plan.waiting) or _leaves_some(connection, now, due, allowance)
    _claim_messages(connection, published, plan, batch, now)
    asked = sunset.asked_in_foot(connection, published, [one.due for one in batch.claimed], now)
    batch.claimed = [_asking(one) if one.due.id in asked else one for one in batch.claimed]
    _write_down(connection, plan, now)
    completed = plan.ends.get(_AT_THE_END, ())
    sunset.fall_silent(connection, published, [d for d in due if d.id in completed], now)
    return batch


def _most_to_look_at(limit: int, allowance: Allowance) -> int:
    """Return how many enrolments to look at: not many more than may be sent."""
    left = allowance.left_for_answers
    return limit if left is None else min(limit, max(left * 4, _LOOKS_AT_LEAST))


def _find_due(
    connection: Connection,
    published: Published,
    now: datetime,
    most: int,
    allowance: Allowance,
    probing: bool,
    going: Collection[int],
) -> list[DueEnrolment]:
    if allowance.left_for_answers == 0:
        return []
    if probing:
        return due_for_probe(connection, now, most, published.beyond, broadcasts=going)
    return due_enrolments(
        connection,
        now,
        most,
        published.beyond,
        asked_only=allowance.left == 0,
        broadcasts=going,
        room=allowance.left_for_broadcasts,
    )


def _leaves_some(
    connection: Connection, now: datetime, due: Collection[DueEnrolment], allowance: Allowance
) -> bool:
    """Return whether more is due of what the account may not send now."""
    if allowance.left != 0:
        return False
    return count_due(connection, now, most=len(due) + 1) > len(due)


def _decide_all(
    due: abc.Sequence[DueEnrolment],
    published: Published,
    known: BatchFacts,
    now: datetime,
    most: int,
    allowance: Allowance,
) -> _Plan:
    """Decide each enrolment; after `most` sends, leave those that would make another untouched."""
    plan = _Plan()
    for one in due:
        sequence = published.find_sequence(one.sequence)
        if sequence is None:
            plan.advances.append(_advance(one, one.progress, now + timedelta(days=1)))
            continue
        recent = known.mailed.setdefault(one.subscriber_id, [])
        decision = decide(
            sequence,
            one.progress,
            replace(one.standing, mailed_at=recent) if recent else one.standing,
            now,
            published.calendar,
            known.segments.get(one.subscriber_id, frozenset()),
            sequence_paused=one.sequence in known.paused,
            allowance=allowance,
        )
        if isinstance(decision, Look) and decision.why.code in OF_THE_ACCOUNT:
            plan.waiting += 1
            continue
        if isinstance(decision, Look) and allowance.waiting_since:
            decision = _keeping_its_place(decision, published)
        if isinstance(decision, SendNow):
            if len(plan.sends) == most:
                continue
            allowance = allowance.after_one()
            if decision.step.kind not in ANSWERS:
                recent.append(now)
        _note(plan, one, decision, sequence)
    return plan


def _keeping_its_place(look: Look, published: Published) -> Look:
    """Return a look at the next opening of the window at which the oldest promise comes first."""
    if look.step is None or look.why.code is not Code.OUTSIDE_HOURS:
        return look
    promised_at = due_at(look.step, look.progress, published.calendar)
    return replace(look, at=in_order(look.at, promised_at))


def _note(plan: _Plan, due: DueEnrolment, decision: Decision, sequence: Sequence) -> None:
    if not isinstance(decision, End):
        progress = decision.progress
        newly_passed = progress.passed - due.progress.passed
        plan.skipped += [(due.id, step) for step in newly_passed]
        if progress.excused_until and progress.excused_until != due.progress.excused_until:
            plan.excused[due.id] = progress.excused_until
    match decision:
        case SendNow():
            plan.sends.append((due, decision))
        case Look(at=at, progress=progress):
            plan.advances.append(_advance(due, progress, at))
        case End(reason=reason, then=then, because=because):
            plan.ends.setdefault(Ending(reason, because), []).append(due.id)
            covered_by = sequence.covers_next(due.progress.covered_by)
            plan.going_on += [(due.subscriber_id, then, covered_by)] if then else []


def _advance(due: DueEnrolment, progress: Progress, look_at: datetime | None) -> Advance:
    return Advance(due.id, progress, look_at, due.turn)


def _claim_messages(
    connection: Connection, published: Published, plan: _Plan, batch: Batch, now: datetime
) -> None:
    """Insert the messages; until a message is released, its enrolment is not looked at."""
    new = [_new_message(*send, published) for send in plan.sends]
    numbers = message_changes.add_messages(connection, new, batch.claim)
    keys = [one.key for one in new]
    there = messages.find_messages(connection, [key for key in keys if key not in numbers])
    grounds = grounds_of(connection, published, plan.sends)
    for (due, send), ground, one, key in zip(plan.sends, grounds, new, keys, strict=True):
        message, to_send = there.get(key), (due, send, ground)
        if message is None:
            batch.claimed.append(_claimed(*to_send, published, numbers[key], now))
        elif again := _claimed_again(
            connection, published, batch.claim, to_send, message, one.revision_id
        ):
            batch.claimed.append(again)
        elif is_behind(message.status):
            plan.advances.append(_advance(due, progress_after(send, now), now))
            continue
        plan.advances.append(_advance(due, send.progress, None))


def _claimed_again(
    connection: Connection,
    published: Published,
    claim: Claim,
    to_send: tuple[DueEnrolment, SendNow, Ground],
    message: messages.Message,
    revision: int,
) -> Claimed | None:
    """Claim an existing message again, but only if that cannot mean sending it twice."""
    if not may_be_offered_again(message.status, message.kind, message.doubts):
        return None
    if not message_changes.claim_again(connection, message, revision, claim):
        return None
    again = _claimed(*to_send, published, message.id, claim.claimed_at)
    to = replace(again.recipient, marked=message.marked)
    return replace(again, recipient=to, attempt=message.attempt + 1, doubts=message.doubts)


def _asking(claimed: Claimed) -> Claimed:
    return replace(claimed, recipient=replace(claimed.recipient, asks_to_stay=True))


def _write_down(connection: Connection, plan: _Plan, now: datetime) -> None:
    advance(connection, plan.advances, now)
    excuse(connection, plan.excused)
    message_changes.cancel_steps(connection, plan.skipped, Reason(Code.STEP_SKIPPED))
    for ending, ended in plan.ends.items():
        enrolments.end_enrolments(connection, ended, ending.status, now, ending.because)
        message_changes.cancel_open_of(connection, ended, Reason(Code.ENROLMENT_ENDED))
    enrolments.hand_over(connection, plan.going_on, now)


def _new_message(due: DueEnrolment, send: SendNow, published: Published) -> NewMessage:
    """Return the message; only requested emails and questions recur, other steps do not."""
    sequence = published.get_sequence(due.sequence)
    revision, _ = published.prepared(sequence, send.step)
    return NewMessage(
        enrolment_id=due.id,
        subscriber_id=due.subscriber_id,
        sequence=due.sequence,
        step=send.step.email,
        kind=send.step.kind,
        occasion=due.occasion if send.step.kind in RECURRING else 1,
        revision_id=revision,
        due_at=send.due_at,
    )


def _claimed(
    due: DueEnrolment,
    send: SendNow,
    ground: Ground,
    published: Published,
    message: int,
    now: datetime,
) -> Claimed:
    sequence = published.get_sequence(due.sequence)
    after = progress_after(send, now)
    return Claimed(
        recipient=Recipient(
            message=message,
            enrolment=due.id,
            subscriber=due.subscriber_id,
            address=due.address,
            first_name=due.first_name,
            tracking=due.may_be_followed,
            address_hash=due.address_hash,
            ground=ground,
        ),
        email=published.prepared(sequence, send.step)[1],
        kind=send.step.kind,
        due=due,
        attempt=1,
        doubts=0,
        due_at=send.due_at,
        after=after,
        look_after=next_look(sequence, after, now, published.calendar),
        broadcast=sequence.broadcast,
    )
