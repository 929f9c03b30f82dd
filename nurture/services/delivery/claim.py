"""Advancing enrolments: claim what is due, decide, and record the result."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from nurture.domain.messages.status import SETTLED, MessageStatus
from nurture.domain.scheduling.decision import (
    Decision,
    End,
    Look,
    Offer,
    decide,
    next_look,
    progress_after,
)
from nurture.domain.scheduling.pause import UNTIL_RESUMED
from nurture.domain.scheduling.planner import segments_asked
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import ANSWERS, RECURRING, StepKind
from nurture.rendering.message import PreparedEmail, Recipient
from nurture.services.catalogue import Published
from nurture.services.delivery import sunset
from nurture.store.database import Connection
from nurture.store.queries import claims
from nurture.store.queries.due import DueEnrolment, Step, advance, due_enrolments, due_for_probe
from nurture.store.queries.facts import facts_of
from nurture.store.tables import enrolments, messages, sequences

#: How long a worker may be silent, on the real clock, before its claims are taken from it.
CLAIM_LEASE = timedelta(seconds=60)

#: A guide in doubt is offered this often in all; anything else once.
GUIDE_OFFERS = 2

_AT_THE_END = Ending(EnrolmentStatus.COMPLETED, EndReason.COMPLETED)

MessageKey = tuple[int, str, int]


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


@dataclass(slots=True)
class Batch:
    """What one worker has claimed together; `looked_at` counts everything that was due."""

    claim: str
    looked_at: int = 0
    claimed: list[Claimed] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """What will be recorded for a batch."""

    offers: list[tuple[DueEnrolment, Offer]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ends: dict[Ending, list[int]] = field(default_factory=dict)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    going_on: list[tuple[int, str]] = field(default_factory=list)


def claim_due(
    connection: Connection,
    published: Published,
    now: datetime,
    real_now: datetime,
    limit: int,
    *,
    probing: bool = False,
) -> Batch:
    """Take up to `limit` due enrolments, decide each, and claim the messages to send.

    `probing` claims a single message, the best one for trying a held account. An enrolment that
    contains something from a newer version is left to that version.

    Anything that is not sent is recorded immediately: waits, skipped steps, ends. Call it in one
    writing transaction, and commit before offering anything to a mail server.
    """
    paused = sequences.paused_sequences(connection)
    due_now = due_for_probe if probing else due_enrolments
    due_here = due_now(connection, now, limit, published.beyond)
    found = sunset.in_hand(connection, published, due_here)
    due = _held(found, paused)
    mailed = _with_recent_mails(connection, due, published, now)
    segments = _segments(connection, due, published, now)
    plan = _decide_all(due, published, mailed, segments, now, 1 if probing else limit)
    batch = Batch(claim=secrets.token_hex(8), looked_at=len(due))
    _claim_offers(connection, published, plan, batch, now, real_now + CLAIM_LEASE)
    advance(connection, plan.steps, now)
    messages.cancel_steps(connection, plan.skipped, "the step was skipped")
    for ending, ended in plan.ends.items():
        enrolments.end_enrolments(connection, ended, ending.status, now, ending.because)
        messages.cancel_open_of(connection, ended, "the enrolment ended")
    enrolments.hand_over(connection, plan.going_on, now)
    completed = plan.ends.get(_AT_THE_END, ())
    sunset.fall_silent(connection, published, [d for d in due if d.id in completed], now)
    return batch


def _held(due: Sequence[DueEnrolment], paused: Collection[str]) -> list[DueEnrolment]:
    """Put everyone in a paused sequence under a pause of their own: nothing but guides is sent."""
    return [
        replace(one, standing=replace(one.standing, paused_until=UNTIL_RESUMED))
        if one.sequence in paused
        else one
        for one in due
    ]


def _with_recent_mails(
    connection: Connection, due: Sequence[DueEnrolment], published: Published, now: datetime
) -> dict[int, list[datetime]]:
    people = {one.subscriber_id for one in due}
    since = now - published.calendar.caps.longest
    return messages.mailed_since(connection, people, since) if people else {}


def _segments(
    connection: Connection, due: Sequence[DueEnrolment], published: Published, now: datetime
) -> dict[int, frozenset[str]]:
    """Return people's segments, for those whose next step depends on them."""
    asking = {
        one.subscriber_id
        for one in due
        if one.sequence in published.sequences
        and segments_asked(published.sequences[one.sequence], one.progress)
    }
    found = facts_of(connection, asking) if asking else {}
    return {person: published.segments.of(facts, now) for person, facts in found.items()}


def _decide_all(
    due: Sequence[DueEnrolment],
    published: Published,
    mailed: dict[int, list[datetime]],
    segments: Mapping[int, frozenset[str]],
    now: datetime,
    most: int,
) -> _Plan:
    """Decide each enrolment; after `most` offers, leave those that would make another untouched."""
    plan = _Plan()
    for one in due:
        sequence = published.sequences.get(one.sequence)
        if sequence is None:
            plan.steps.append(_step(one, one.progress, now + timedelta(days=1)))
            continue
        recent = mailed.setdefault(one.subscriber_id, [])
        standing = replace(one.standing, mailed_at=recent) if recent else one.standing
        belongs_to = segments.get(one.subscriber_id, frozenset())
        decision = decide(sequence, one.progress, standing, now, published.calendar, belongs_to)
        if isinstance(decision, Offer) and len(plan.offers) == most:
            continue
        _note(plan, one, decision)
        if isinstance(decision, Offer) and decision.step.kind not in ANSWERS:
            recent.append(now)
    return plan


def _note(plan: _Plan, due: DueEnrolment, decision: Decision) -> None:
    if not isinstance(decision, End):
        newly_passed = decision.progress.passed - due.progress.passed
        plan.skipped += [(due.id, step) for step in newly_passed]
    match decision:
        case Offer():
            plan.offers.append((due, decision))
        case Look(at=at, progress=progress):
            plan.steps.append(_step(due, progress, at))
        case End(reason=reason, then=then, because=because):
            plan.ends.setdefault(Ending(reason, because), []).append(due.id)
            plan.going_on += [(due.subscriber_id, then)] if then else []


def _step(due: DueEnrolment, progress: Progress, look_at: datetime | None) -> Step:
    return Step(due.id, progress, look_at, due.turn)


def _claim_offers(
    connection: Connection,
    published: Published,
    plan: _Plan,
    batch: Batch,
    now: datetime,
    lease_until: datetime,
) -> None:
    """Insert the messages; until a message is released, its enrolment is not looked at."""
    rows = {_key(*offer): _new_message(*offer, published) for offer in plan.offers}
    claim = {"claim": batch.claim, "claimed_at": now, "lease_until": lease_until}
    numbers = claims.add_messages(connection, list(rows.values()), claim)
    known = messages.find_messages(connection, [key for key in rows if key not in numbers])
    for due, offer in plan.offers:
        key = _key(due, offer)
        if key in numbers:
            batch.claimed.append(_claimed(due, offer, published, numbers[key], now))
            plan.steps.append(_step(due, offer.progress, None))
        else:
            again = claim | {"revision_id": rows[key].revision_id}
            _take_up_again(connection, published, plan, batch, (due, offer), known[key], again)


def _take_up_again(
    connection: Connection,
    published: Published,
    plan: _Plan,
    batch: Batch,
    offered: tuple[DueEnrolment, Offer],
    message: messages.Message,
    claim: Mapping[str, Any],
) -> None:
    """Claim an existing message again, but only if that cannot mean sending it twice."""
    due, offer = offered
    now = claim["claimed_at"]
    if _may_be_offered_again(message) and claims.claim_again(connection, message, **claim):
        again = _claimed(due, offer, published, message.id, now)
        to = replace(again.recipient, marked=message.marked)
        again = replace(again, recipient=to, attempt=message.attempt + 1, doubts=message.doubts)
        batch.claimed.append(again)
        plan.steps.append(_step(due, offer.progress, None))
    elif message.status in SETTLED or message.status is MessageStatus.IN_DOUBT:
        plan.steps.append(_step(due, progress_after(offer, now), now))
    else:
        plan.steps.append(_step(due, offer.progress, None))


def _may_be_offered_again(message: messages.Message) -> bool:
    if message.status is MessageStatus.IN_DOUBT:
        return message.kind in ANSWERS and message.doubts < GUIDE_OFFERS
    return message.status in (MessageStatus.DEFERRED, MessageStatus.CANCELLED)


def _key(due: DueEnrolment, offer: Offer) -> MessageKey:
    """Return the message key: only requested emails and questions recur; other steps do not."""
    occasion = due.occasion if offer.step.kind in RECURRING else 1
    return due.id, offer.step.email, occasion


def _new_message(due: DueEnrolment, offer: Offer, published: Published) -> claims.NewMessage:
    enrolment, step, occasion = _key(due, offer)
    sequence = published.sequences[due.sequence]
    revision, _ = published.prepared(sequence, offer.step)
    return claims.NewMessage(
        enrolment_id=enrolment,
        subscriber_id=due.subscriber_id,
        sequence=due.sequence,
        step=step,
        kind=offer.step.kind,
        occasion=occasion,
        revision_id=revision,
        due_at=offer.due_at,
    )


def _claimed(
    due: DueEnrolment,
    offer: Offer,
    published: Published,
    message: int,
    now: datetime,
) -> Claimed:
    sequence = published.sequences[due.sequence]
    after = progress_after(offer, now)
    return Claimed(
        recipient=Recipient(
            message=message,
            enrolment=due.id,
            subscriber=due.subscriber_id,
            address=due.address,
            first_name=due.first_name,
            tracking=due.may_be_followed,
            address_hash=due.address_hash,
        ),
        email=published.prepared(sequence, offer.step)[1],
        kind=offer.step.kind,
        due=due,
        attempt=1,
        doubts=0,
        due_at=offer.due_at,
        after=after,
        look_after=next_look(sequence, after, now, published.calendar),
    )
