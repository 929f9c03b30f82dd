"""Lost messages: provider events about emails that were sent after the backup.

Their rows were lost with the machine. The Message-ID still proves that the email was ours and
says which one it was; the recipient says who got it. So a held email that may have been sent is
now known to have been.
"""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.missed_steps import known_sent
from nurture.domain.sequences.sequence import Step
from nurture.services.backup.held import missed
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.tables import enrolments, holds, message_changes, messages, subscribers
from nurture.store.tables.enrolments import Enrolment
from nurture.tokens import TokenRefusedError, Tokens, find_step_mark


@dataclass(frozen=True, slots=True)
class _Settled:
    """A held email that turned out to have been sent."""

    enrolment: Enrolment
    step: Step


def is_lost(connection: Connection, tokens: Tokens, message_id: str | None) -> bool:
    """Return whether a Message-ID is one of ours but belongs to no row."""
    try:
        number = tokens.read_message_id(message_id or "")
    except TokenRefusedError:
        return False
    return messages.find_message(connection, number) is None


def settle(
    connection: Connection,
    published: Published,
    tokens: Tokens,
    person: int,
    message_id: str,
    at: datetime,
    now: datetime,
) -> None:
    """Treat as sent whatever a lost message to this person proves, if it is held; they are locked.

    If the Message-ID does not say which email it was, as in older versions, it settles a held
    email only if there is just one.
    """
    numbers = holds.held_numbers(connection, person)
    found = [enrolments.find_enrolment(connection, number) for number in numbers]
    held = [one for one in found if one and published.find_sequence(one.sequence)]
    proved = _proved(published, tokens, held, message_id, now)
    if proved is None:
        return
    _settle(connection, published, proved, at, now)


def _proved(
    published: Published, tokens: Tokens, held: list[Enrolment], message_id: str, now: datetime
) -> _Settled | None:
    owed = {one.id: missed(published, one, now) for one in held}
    steps = [
        _Settled(one, step) for one in held for step in published.get_sequence(one.sequence).steps
    ]
    if find_step_mark(message_id):
        named = (f"{one.enrolment.sequence}/{one.step.email}" for one in steps)
        bearing = zip(steps, named, strict=True)
        return next((one for one, email in bearing if tokens.bears_mark(email, message_id)), None)
    only = [one for one in steps if one.step.email in owed[one.enrolment.id]]
    return only[0] if len(only) == 1 else None


def _settle(
    connection: Connection, published: Published, proved: _Settled, at: datetime, now: datetime
) -> None:
    before, number = proved.enrolment, proved.enrolment.id
    sequence = published.get_sequence(before.sequence)
    progress = known_sent(sequence, before.progress, proved.step, at)
    if progress is None:
        return
    if progress.collected_at and not before.progress.collected_at:
        subscribers.confirm_address(connection, before.subscriber_id, at)
    message_changes.cancel_steps(
        connection, [(number, proved.step.email)], Reason(Code.SENT_BY_LOST_MACHINE)
    )
    columns = {"passed": progress.passed, **enrolments.columns_of(progress)}
    enrolments.change_enrolment(connection, number, now, **columns)
    after = enrolments.find_enrolment(connection, number)
    if after and not missed(published, after, now):
        holds.release(connection, [number], now)
