"""Taking over the messages of workers that died or fell silent.

A message that was only claimed was never offered and is claimed again. One marked as being
offered may have been accepted; the logbook of its claim tells, if it is on this machine. A
logbook here also shows immediately that its worker is dead; otherwise its lease has to expire.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from nurture.clock import real_now
from nurture.domain.messages.retries import fate_without_worker, is_behind
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.mail.logbook import LogbookReport, Logbooks
from nurture.store.database import Connection, Database
from nurture.store.queries import claims, locks
from nurture.store.queries.claims import InHand
from nurture.store.tables import message_changes, offers

_Key = TypeVar("_Key")

#: A mail server may accept what a killed worker had handed over a little after that is noticed.
_ACCEPTED_LATER = timedelta(seconds=30)

_WHY = {
    MessageStatus.DEFERRED: Reason(Code.WORKER_STOPPED_BEFORE),
    MessageStatus.IN_DOUBT: Reason(Code.WORKER_STOPPED_DURING),
    MessageStatus.FAILED: Reason(Code.WORKER_STOPPED_AFTER_REFUSAL),
}


def recover_silent(database: Database, logbooks: Logbooks, now: datetime, limit: int = 1000) -> int:
    """Take over from workers that fell silent; return the number of messages recovered."""
    told = _told_by_the_dead(logbooks)
    with database.reading() as connection:
        silent = claims.expired(connection, real_now(), _gone(told), told.keys(), limit)
    recovered = _take_over(database, told, silent, now) if silent else 0
    for claim in told:
        _wind_up(database, logbooks, claim, told[claim])
    return recovered


def _told_by_the_dead(logbooks: Logbooks) -> dict[str, LogbookReport]:
    """Return what the logbooks of dead workers say; a living one may still add to its own."""
    return {c: told for c in logbooks.claims() if (told := logbooks.read(c)) is not None}


def _gone(told: Mapping[str, LogbookReport]) -> list[str]:
    """Return the claims whose workers are certainly dead."""
    return [claim for claim, one in told.items() if one.gone]


def _take_over(
    database: Database, told: Mapping[str, LogbookReport], silent: list[InHand], now: datetime
) -> int:
    with database.writing() as connection:
        # A message that is deferred and then cancelled is changed twice, which needs its person.
        locks.hold_people(connection, {one.subscriber for one in silent})
        locks.hold_numbered(connection, _enrolments_of(silent))
        still = claims.still_expired(connection, silent, real_now(), _gone(told))
        for fate, of_fate in _by(lambda one: _fate_of(one, told), still).items():
            _settle(connection, fate, of_fate)
        _count(connection, still, told, now)
        behind = _enrolments_of(one for one in still if is_behind(_fate_of(one, told)))
        due_at = {one.enrolment: min(one.due_at, now) for one in still}
        claims.look_again(connection, due_at, behind)
        message_changes.cancel_ended(connection, _enrolments_of(still))
    return len(still)


def _count(
    connection: Connection, found: list[InHand], told: Mapping[str, LogbookReport], now: datetime
) -> None:
    """Count towards the account's limits what the mail server has, or may have."""
    handed_over = [one for one in found if _fate_of(one, told) is not MessageStatus.DEFERRED]
    of_broadcasts = sum(one.is_of_broadcast for one in handed_over)
    offers.add_offers(connection, len(handed_over), now + _ACCEPTED_LATER, of_broadcasts)


def _fate_of(one: InHand, told: Mapping[str, LogbookReport]) -> MessageStatus:
    logbook = told.get(one.claim)
    return fate_without_worker(one.status, logbook.fate(one.message) if logbook else None)


def _settle(connection: Connection, fate: MessageStatus, found: list[InHand]) -> None:
    if fate is not MessageStatus.ACCEPTED:
        return message_changes.set_status(
            connection, [one.message for one in found], fate, _WHY[fate]
        )
    for claim, of_claim in _by(lambda one: one.claim, found).items():
        message_changes.record_taken(connection, claim, [one.message for one in of_claim])


def _wind_up(database: Database, logbooks: Logbooks, claim: str, told: LogbookReport) -> None:
    """Let a dead worker's logbook settle messages that others put in doubt, then delete it.

    This happens if another machine took over, or if this one did while the writer slept.
    """
    with database.reading() as connection:
        left = claims.left_by(connection, claim)
    doubted = [one for one in left if one.status is MessageStatus.IN_DOUBT]
    accepted = [one for one in doubted if told.fate(one.message) is MessageStatus.ACCEPTED]
    if accepted:
        with database.writing() as connection:
            locks.hold_numbered(connection, _enrolments_of(accepted))
            _settle(connection, MessageStatus.ACCEPTED, accepted)
    if len(doubted) == len(left):
        logbooks.remove(claim)


def _enrolments_of(found: Iterable[InHand]) -> set[int]:
    return {one.enrolment for one in found}


def _by(key: Callable[[InHand], _Key], found: Iterable[InHand]) -> dict[_Key, list[InHand]]:
    sorted_out = defaultdict(list)
    for one in found:
        sorted_out[key(one)].append(one)
    return sorted_out
