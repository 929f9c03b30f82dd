"""The waiting line: signups that were accepted and wait, let in fairly or by the owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.domain.door.waiting import (
    MOST_RELEASED,
    ROBOTS_KEPT_FOR,
    WAITING_KEPT_FOR,
    WhyWaiting,
    may_leave,
)
from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.services.catalogue import Catalogue
from nurture.services.door.admission import SignupArrival
from nurture.services.subscribers.signup import Signup, UnknownFormError, take_in
from nurture.store.database import Connection, Database
from nurture.store.tables import waiting_signups as line
from nurture.store.tables.subscribers import AddedMeanwhileError
from nurture.store.tables.waiting_signups import WaitingChoice, WaitingCounts, WaitingSignup

#: Those that leave in their turn.
_IN_TURN = frozenset(why for why in WhyWaiting if why.leaves_by_itself)

#: How many signups and groups the owner is shown.
_SHOWN, _GROUPS = 50, 10

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WaitingOverview:
    """What the owner sees: how many wait and why, the largest groups, and the first of them."""

    counts: WaitingCounts
    networks: Sequence[tuple[str, int]]
    domains: Sequence[tuple[str, int]]
    signups: Sequence[WaitingSignup]


def let_in(database: Database, catalogue: Catalogue, an_hour: int, now: datetime) -> int:
    """Take in the signups that the owner has let go, and those whose turn it is; return how many.

    `an_hour` is how many leave in their turn; with 0, only the owner lets any go. Each is taken in
    on its own, with the time at which it was made. Safe to run twice and at the same time.
    """
    with database.reading() as connection:
        if not line.is_anyone_waiting(connection, now):
            return 0
    with database.writing() as connection:
        numbers = line.marked_to_leave(connection, MOST_RELEASED)
        numbers += _next_in_turn(connection, an_hour, now)
    return sum(_let_in(database, catalogue, number, now) for number in numbers)


def survey_waiting(database: Database, choice: WaitingChoice, after: int = 0) -> WaitingOverview:
    """Return what waits; the signups are those chosen, beginning after a number."""
    with database.reading() as connection:
        return WaitingOverview(
            line.count_waiting(connection),
            line.largest_groups(connection, "site", _GROUPS),
            line.largest_groups(connection, "domain", _GROUPS),
            line.list_waiting(connection, choice, _SHOWN, after),
        )


def count_waiting(database: Database) -> WaitingCounts:
    """Count the signups that wait."""
    with database.reading() as connection:
        return line.count_waiting(connection)


def let_go(database: Database, choice: WaitingChoice, now: datetime) -> int:
    """Let signups go before all others, a few hundred each sweep; return how many."""
    with database.writing() as connection:
        return line.mark_to_leave(connection, choice, now)


def drop(database: Database, choice: WaitingChoice) -> int:
    """Delete signups that wait, without a trace of who they were; return how many."""
    with database.writing() as connection:
        return line.drop_chosen(connection, choice)


def forget_old_waiting(connection: Connection, now: datetime) -> int:
    """Delete the signups that have waited too long for anyone to remember; return how many."""
    robots = set(WhyWaiting) - _IN_TURN
    dropped = line.drop_older(connection, robots, now - ROBOTS_KEPT_FOR)
    return dropped + line.drop_older(connection, set(WhyWaiting), now - WAITING_KEPT_FOR)


def _next_in_turn(connection: Connection, an_hour: int, now: datetime) -> list[int]:
    last_left_at = line.hold_turns(connection, now)
    many = may_leave(now - last_left_at, an_hour)
    numbers = line.next_in_turn(connection, _IN_TURN, now, many) if many else []
    if numbers:
        line.keep_turn(connection, now)
    return numbers


def _let_in(database: Database, catalogue: Catalogue, number: int, now: datetime) -> bool:
    """Take in one signup that waits; return whether that was possible."""
    try:
        with database.writing() as connection:
            waiting = line.hold_waiting(connection, number)
            if waiting is None:
                return False
            published = catalogue.current(connection)
            take_in(connection, published, catalogue.tokens, as_signup(waiting), now)
            return line.drop_chosen(connection, WaitingChoice(number)) > 0
    except AddedMeanwhileError:
        return False
    except UnknownFormError:
        # The owner may bring the form back.
        with database.writing() as connection:
            line.put_off(connection, number, now + _DAY)
        return False


def as_signup(waiting: WaitingSignup) -> Signup:
    """Return the signup as it was sent."""
    return Signup(
        form=waiting.form,
        address=waiting.address,
        first_name=waiting.first_name,
        ticked=_purposes(waiting.ticked),
        time_zone=waiting.time_zone,
        utm=waiting.utm,
        evidence=Evidence(waiting.page_url, waiting.client, waiting.user_agent),
        said_at=waiting.signed_up_at,
        wordings=_wordings(waiting.wordings),
        arrival=SignupArrival(waiting.vouched, waiting.client if waiting.near else ""),
    )


def _purposes(words: frozenset[str]) -> tuple[Purpose, ...]:
    return tuple(purpose for purpose in Purpose if purpose in words)


def _wordings(stored: Mapping[str, str]) -> dict[Purpose, str]:
    read = {known(Purpose, word, None): wording for word, wording in stored.items()}
    return {purpose: wording for purpose, wording in read.items() if purpose}
