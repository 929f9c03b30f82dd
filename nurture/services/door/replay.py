"""Replay: kept calls are taken in once something can read them, each with its own time."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from nurture import builders
from nurture.builders.fields.signup_body import InvalidSignupError, read_signup
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.late_signups import ImpossibleTimeError
from nurture.services.door.admission import Intake, SignupArrival, TooManySignupsError
from nurture.services.door.kept_calls import OpenedCall, find_mappings, open_call
from nurture.services.door.reception import Door, SentForm, as_signup
from nurture.services.subscribers.signup import (
    KeyReusedError,
    Signup,
    UnknownFormError,
    subscribe_in,
)
from nurture.store.database import Connection
from nurture.store.tables.kept_calls import numbers_of_kept_calls, take_kept_call
from nurture.store.tables.subscribers import AddedMeanwhileError

#: Two processes may add the same person at the same moment once, but not again and again.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many kept calls were taken in, how many of them wait, and how many stay kept."""

    taken: int = 0
    waiting: int = 0
    left: int = 0


class _Fate(StrEnum):
    TAKEN = "taken"
    WAITS = "waits"
    LEFT = "left"
    GONE = "gone"


class _UnreadableError(NurtureError):
    """A kept call that nothing can read yet."""


def replay(door: Door, form: str, now: datetime) -> Replayed:
    """Take in everything kept for a form that can be read now; the rest stays.

    Each call is deleted in the transaction that takes it in, so it is safe to run this twice, and
    beside another process. The person signed up when the call was received. What the caller has
    repeated meanwhile, and repeats later, counts once.
    """
    with door.database.reading() as connection:
        numbers = numbers_of_kept_calls(connection, form)
    fates = Counter(_replay(door, number, now) for number in numbers)
    taken = fates[_Fate.TAKEN] + fates[_Fate.WAITS]
    return Replayed(taken, fates[_Fate.WAITS], fates[_Fate.LEFT])


def _replay(door: Door, number: int, now: datetime) -> _Fate:
    for _ in range(_TRIES):
        try:
            with door.database.writing() as connection:
                return _take(connection, door, number, now)
        except AddedMeanwhileError:
            continue
        except _KEPT_FOR:
            break
    return _Fate.LEFT


def _take(connection: Connection, door: Door, number: int, now: datetime) -> _Fate:
    kept = take_kept_call(connection, number)
    if kept is None:
        return _Fate.GONE
    signup = _signup(connection, open_call(door.seal, kept))
    published = door.catalogue.current(connection)
    taken = subscribe_in(connection, published, door.tokens, door.limits, signup, now)
    return _Fate.WAITS if taken is Intake.WAITS else _Fate.TAKEN


def _signup(connection: Connection, call: OpenedCall) -> Signup:
    """Return the signup that a kept call asks for, at the time of the call."""
    read = builders.read_form(call.fields, find_mappings(connection, call.form))
    if read is None:
        raise _UnreadableError("Nothing can read this form.")
    sent = SentForm(
        form=call.form,
        fields=call.fields,
        arrival=SignupArrival(call.vouched, "" if call.vouched else call.client),
        client=call.client,
        user_agent=call.user_agent,
        key=call.key or None,
        digest=call.body,
        site_id=call.site_id,
    )
    signup = as_signup(sent, read, read_signup(read.fields))
    return replace(signup, said_at=signup.said_at or call.received_at)


#: What leaves a call where it is: the next program or mapping may read it, or the owner drops it.
_KEPT_FOR = (
    _UnreadableError,
    InvalidSignupError,
    UnknownFormError,
    ImpossibleTimeError,
    KeyReusedError,
    TooManySignupsError,
)
