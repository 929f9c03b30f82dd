"""The mail account: putting it on hold after a refusal, probing it, and opening it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from nurture.domain.account import hold as rules
from nurture.domain.account.hold import Hold, about_the_server
from nurture.domain.messages.refusal import Cause
from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Outcome
from nurture.store.database import Connection, Database
from nurture.store.queries.due import count_due
from nurture.store.tables import account, account_limits, sequences
from nurture.store.tables.account import FinalRefusal


@dataclass(frozen=True, slots=True)
class AccountState:
    """The state of the account: its hold, if any, and how many enrolments are due and waiting."""

    hold: Hold | None
    waiting: int


class Grounds(NamedTuple):
    """Why the account is put on hold, how long the server asks to wait, and the refusals' mark."""

    cause: Cause
    reason: str
    wait: timedelta | None = None
    mark: str = ""


def hold(
    connection: Connection,
    cause: Cause,
    reason: str,
    now: datetime,
    *,
    wait: timedelta | None = None,
    mark: str = "",
) -> None:
    """Hold the account: no one is emailed until a probe is accepted or the owner opens it.

    An existing hold stays as it is; a refused probe doubles it.
    """
    held = account.find_hold(connection, lock=True)
    if held is None:
        account.keep_hold(connection, rules.hold(cause, reason, now, wait, mark))
        account_limits.note_waiting(connection, now)


def note_probe(connection: Connection, held: Hold, now: datetime) -> None:
    """Record that a probe is being sent.

    No other is sent for as long as the last wait, even if this one is killed.
    """
    account.keep_hold(connection, rules.probed(held, now))


def note_outcomes(
    connection: Connection,
    probe_of: Hold | None,
    outcomes: Sequence[Outcome],
    refused: Sequence[FinalRefusal],
    now: datetime,
) -> None:
    """Record what offers revealed about the account.

    `refused` are the permanent refusals since the last acceptance. If the account is held, only its
    own probe may open it; results of sends that other workers had under way do not count.
    """
    accepted = any(one.status is MessageStatus.ACCEPTED for one in outcomes)
    told = next((one for one in outcomes if one.about_the_account), None)
    if not (accepted or told or refused or probe_of):
        return
    held = account.find_hold(connection, lock=True)
    if accepted and (held is None or probe_of is not None):
        account.forget_refusals(connection)
    account.add_refusals(connection, refused)
    grounds = _grounds(connection, told, refused, held.mark if held else "")
    if grounds is not None:
        _hold(connection, held, probe_of, grounds, now)
    elif probe_of is not None and held is not None and accepted:
        account.drop_hold(connection)
    elif probe_of is not None and held is not None:
        account.keep_hold(connection, rules.undecided(held, now))


def _grounds(
    connection: Connection, told: Outcome | None, refused: Sequence[FinalRefusal], held_for: str
) -> Grounds | None:
    """Return the grounds for a hold: an answer that says so, or a run of equal refusals.

    If such a run already holds the account, one more refusal of its kind is enough.
    """
    if told is not None and told.refusal is not None and told.refusal.cause is not None:
        return Grounds(told.refusal.cause, told.reason, told.refusal.wait)
    if not refused:
        return None
    again = any(one.mark == held_for for one in refused)
    mark = held_for if again else about_the_server(account.equal_refusals(connection))
    reason = next((one.reason for one in refused if one.mark == mark), refused[-1].reason)
    return Grounds(Cause.REFUSALS, reason, mark=mark) if mark else None


def _hold(
    connection: Connection,
    held: Hold | None,
    probe_of: Hold | None,
    grounds: Grounds,
    now: datetime,
) -> None:
    cause, reason, wait, mark = grounds
    if held is None:
        account.keep_hold(connection, rules.hold(cause, reason, now, wait, mark))
        account_limits.note_waiting(connection, now)
    elif probe_of is not None:
        account.keep_hold(connection, rules.held_again(held, cause, reason, now, wait))


def try_now(database: Database, now: datetime) -> bool:
    """Retry the account immediately, at the owner's request; return whether it was held."""
    with database.writing() as connection:
        held = account.find_hold(connection, lock=True)
        if held is None:
            return False
        if held.cause is Cause.BOUNCES:
            account.drop_hold(connection)
        else:
            account.keep_hold(connection, rules.tried_now(held, now))
    return True


def may_offer(connection: Connection, now: datetime) -> tuple[bool, Hold | None]:
    """Return whether emails may be offered now, and the hold that an offer would probe, if any.

    While one worker is about to probe, others wait for the result.
    """
    # Pausing a sequence waits for enrolments, and their owners may be waiting for the account. So
    # a worker must not wait for a sequence once it has locked the account.
    sequences.paused_sequences(connection)
    held = account.find_hold(connection)
    if held is not None and held.is_over(now):
        held = account.find_hold(connection, lock=True)
    return held is None or held.is_over(now), held


def state_of(connection: Connection, now: datetime) -> AccountState:
    """Return the state of the account, and how many enrolments are due and waiting for it."""
    held = account.find_hold(connection)
    return AccountState(held, count_due(connection, now) if held else 0)
