"""The walk of one message, from the moment it was due to what its reader did with it.

    due → gate → claim → offer → answer → event, verdict → now

Everything is read from rows and, for the offer, from the logbook (the write-ahead log) of the claim
if it is on this machine. Nothing is changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known_or_none
from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.scheduling.gate import UNTIL_RESUMED
from nurture.domain.sequences.sequence import ANSWERS, StepKind
from nurture.domain.subscribers.consent import ConsentRecord, Purpose, said_where
from nurture.domain.tracking.verdict import Verdict
from nurture.mail.logbook import Logbooks
from nurture.store.database import Database
from nurture.store.queries.trace import TracedMessage, find_traced
from nurture.store.tables.consents import consent_records
from nurture.tokens import TokenRefusedError, Tokens

#: A claim that follows within this time is prompt: two sweeps and a busy worker.
_PROMPT = timedelta(minutes=1)


class NoMessageError(NurtureError):
    """No message has that number or Message-ID."""


class TraceStage(StrEnum):
    """The stages of a message's walk, in order."""

    ENROLLED = "enrolled"
    DUE = "due"
    GATE = "gate"
    CLAIM = "claim"
    OFFER = "offer"
    ANSWER = "answer"
    EVENT = "event"
    VERDICT = "verdict"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One stage of the walk: when, what happened, and the reasons that are on record.

    `at` is `None` for what has no time of its own, such as the logbook's lines.
    """

    stage: TraceStage
    at: datetime | None
    said: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One message and its walk, oldest entry first."""

    message: int
    message_id: str
    subscriber: int
    address: str | None
    email: str
    kind: str
    status: str
    entries: tuple[TraceEntry, ...]


def trace(
    database: Database, tokens: Tokens, logbooks: Logbooks, named: str, now: datetime
) -> Trace:
    """Trace a message named by its row number or its Message-ID; raise `NoMessageError`."""
    number = _number_of(named, tokens)
    with database.reading() as connection:
        found = find_traced(connection, number)
        if found is None:
            raise NoMessageError(
                f"There is no message {number}.",
                remedy="“nurture why ADDRESS --json” lists the messages of a person.",
            )
        consents = consent_records(connection, found.subscriber)
    return Trace(
        message=found.id,
        message_id=tokens.message_id(found.id),
        subscriber=found.subscriber,
        address=found.address,
        email=f"{found.sequence}/{found.step}",
        kind=found.kind,
        status=found.status,
        entries=tuple(_walk(found, consents, _logged(logbooks, found), now)),
    )


def _number_of(named: str, tokens: Tokens) -> int:
    if named.isascii() and named.isdigit() and len(named) < 19:
        return int(named)
    try:
        return tokens.read_message_id(named)
    except TokenRefusedError:
        raise NoMessageError(
            f"“{named}” is neither the number of a message nor a Message-ID of this program.",
            remedy="Copy the header Message-ID as it is, or take the number from "
            "“nurture why ADDRESS --json”.",
        ) from None


def _walk(
    found: TracedMessage, consents: list[ConsentRecord], logged: TraceEntry, now: datetime
) -> Iterator[TraceEntry]:
    yield TraceEntry(TraceStage.ENROLLED, found.enrolled_at, f"Enrolled in “{found.sequence}”")
    yield TraceEntry(TraceStage.DUE, found.due_at, f"“{found.step}” was due")
    yield TraceEntry(
        TraceStage.GATE,
        found.claimed_at,
        "The gate allowed it",
        tuple(allowed_by(found, consents)),
    )
    yield TraceEntry(
        TraceStage.CLAIM,
        found.claimed_at,
        f"Claimed by batch {found.claim}",
        (f"revision {found.revision} of the email, published {_moment(found.published_at)}",),
    )
    yield logged
    yield _answer(found)
    for event in found.events:
        yield from _event(event)
    yield _standing(found, now)


class ToExplain(Protocol):
    """What is needed of a message to say why it was allowed."""

    @property
    def kind(self) -> str:
        """The kind of its step, as it is stored."""

    @property
    def attempt(self) -> int:
        """How often it has been offered."""

    @property
    def due_at(self) -> datetime:
        """When it was due."""

    @property
    def claimed_at(self) -> datetime:
        """When the gate allowed it."""


def allowed_by(found: ToExplain, consents: Sequence[ConsentRecord]) -> Iterator[str]:
    """Yield why the gate let a message through, from the consents then on record."""
    kind = known_or_none(StepKind, found.kind)
    if kind is None:
        yield f"a newer version allowed it: this one does not know the kind “{found.kind}”"
        return
    needed = kind.rules.consent
    yield _consent(needed, consents, found.claimed_at) if needed else "needs no consent"
    if kind in ANSWERS:
        yield "it was asked for, so no pause and no frequency cap applies"
    else:
        yield "not suppressed, not paused, and within the frequency cap"
    late = found.claimed_at - found.due_at
    if found.attempt > 1:
        yield f"attempt {found.attempt}; earlier offers are not on record"
    elif late > _PROMPT:
        yield f"it had been due for {_length(late)}: the gate, a pause or a stop held it until then"


def _consent(needed: Purpose, consents: Sequence[ConsentRecord], at: datetime) -> str:
    given = [one for one in consents if one.purpose is needed and one.recorded_at <= at]
    if not given or not given[-1].granted:
        return f"no consent to “{needed}” is on record for that moment"
    last = given[-1]
    return f"consent to “{needed}” given {_moment(last.recorded_at)}, {said_where(last.source)}"


def _logged(logbooks: Logbooks, found: TracedMessage) -> TraceEntry:
    if found.claim not in logbooks.claims():
        return TraceEntry(
            TraceStage.OFFER,
            None,
            "No logbook of that batch is here",
            ("it is removed once its outcomes are recorded, and stays on the machine that sent",),
        )
    report = logbooks.read(found.claim)
    if report is None:
        return TraceEntry(TraceStage.OFFER, None, "A worker is offering this batch now")
    fate = report.known.get(found.id)
    said = "The logbook says nothing of it" if fate is None else _FATES[fate]
    whole = "the logbook is whole" if report.whole else "the logbook is not whole"
    return TraceEntry(TraceStage.OFFER, None, said, (whole,))


_FATES: Mapping[MessageStatus, str] = {
    MessageStatus.IN_DOUBT: "The content was handed over and no answer was read",
    MessageStatus.ACCEPTED: "The content was handed over and accepted",
    MessageStatus.DEFERRED: "The content was handed over and put off",
    MessageStatus.FAILED: "The content was handed over and refused",
}

_ANSWERED: Mapping[str, str] = {
    MessageStatus.CLAIMED: "Not offered to the mail server yet",
    MessageStatus.SENDING: "Being offered to the mail server",
    MessageStatus.DEFERRED: "Not accepted yet; it will be tried again",
    MessageStatus.FAILED: "The mail server refused it for good",
    MessageStatus.IN_DOUBT: "It is not known whether the mail server accepted it",
    MessageStatus.CANCELLED: "Cancelled before it was offered",
}


def _answer(found: TracedMessage) -> TraceEntry:
    code = (f"reply code {found.code}",) if found.code else ()
    if found.reason == KEPT:
        return TraceEntry(TraceStage.ANSWER, found.accepted_at, "Written to the outbox, not sent")
    if found.accepted_at:
        return TraceEntry(TraceStage.ANSWER, found.accepted_at, "The mail server accepted it", code)
    said = _ANSWERED.get(found.status, f"The status is “{found.status}”")
    if found.status == MessageStatus.CANCELLED and (found.code or found.attempt > 1):
        said = "Cancelled before it was offered again"
    return TraceEntry(TraceStage.ANSWER, None, said, code)


def _event(event: Mapping[str, Any]) -> Iterator[TraceEntry]:
    about = [f"from {event['source']}"]
    about += [f"link {event['link']}"] if event["link"] else []
    about += [f"{event['bounce']} bounce"] if event["bounce"] else []
    at = event["happened_at"]
    yield TraceEntry(TraceStage.EVENT, at, str(event["kind"]).capitalize(), tuple(about))
    if event["source"] != "hit":
        return
    if event["verdict"] is None:
        yield TraceEntry(TraceStage.VERDICT, at, "Held until it is judged")
        return
    reasons = tuple(str(reason) for reason in event["reasons"] or ())
    rules = (f"rules {event['rules']}",) if event["rules"] else ()
    said = _JUDGED.get(event["verdict"], str(event["verdict"]))
    yield TraceEntry(TraceStage.VERDICT, at, said, (*reasons, *rules))


_JUDGED: Mapping[str, str] = {
    Verdict.HUMAN: "Judged a person",
    Verdict.MACHINE: "Judged a machine",
    Verdict.UNSURE: "Judged unsure: a person or a machine",
}


def _standing(found: TracedMessage, now: datetime) -> TraceEntry:
    if found.held_at:
        next_look = "the enrolment is held since a restore; see “nurture held list”"
    elif found.ended_at:
        next_look = f"the enrolment ended {_moment(found.ended_at)}"
    elif found.next_look_at == UNTIL_RESUMED:
        next_look = "the enrolment waits until its sequence is resumed"
    elif found.next_look_at:
        next_look = f"the enrolment is looked at again {_moment(found.next_look_at)}"
    else:
        next_look = "the enrolment waits for this message's outcome"
    why = (found.reason,) if found.reason else ()
    return TraceEntry(TraceStage.NOW, now, f"The message is {found.status}", (*why, next_look))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _length(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, days = minutes // 60, span.days
    if days:
        return f"{days} days" if days > 1 else "a day"
    return f"{hours} hours" if hours > 1 else f"{minutes} minutes"
