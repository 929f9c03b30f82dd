"""Signing up: from a filled-in form to an enrolment; the guide's page takes over from there."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from nurture.domain.door.networks import chain_of
from nurture.domain.errors import NurtureError
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EnrolmentStatus, Progress
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.awaited import AwaitedConsent
from nurture.domain.subscribers.bookings import booked_until
from nurture.domain.subscribers.consent import Evidence, Origin, Purpose
from nurture.domain.subscribers.late_signups import SignupTime, signup_time
from nurture.domain.subscribers.signup import (
    Earlier,
    Known,
    Subscribed,
    TickedBoxes,
    sign_up,
)
from nurture.domain.subscribers.suppression import Suppression
from nurture.services.catalogue import Catalogue, Published
from nurture.services.door.admission import (
    Intake,
    SignupArrival,
    SignupLimits,
    count_taken,
    let_wait,
    why_it_waits,
)
from nurture.store.database import Connection, Database
from nurture.store.queries import locks, spellings
from nurture.store.tables import (
    awaited_consents,
    bookings,
    consents,
    enrolments,
    message_changes,
    signups,
    subscribers,
)
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.restores import last_restored_at
from nurture.store.tables.subscribers import AddedMeanwhileError, Subscriber
from nurture.store.tables.suppressions import allow_guide, refusals_of_mailbox, suppressions_of
from nurture.store.tables.withdrawals import let_go_since
from nurture.tokens import Tokens

#: Two processes may add the same person at the same moment once, but not again and again.
_TRIES = 5

_log = logging.getLogger(__name__)


class UnknownFormError(NurtureError):
    """No sequence has a form with that key."""


class NotWrittenError(NurtureError):
    """The data could not be stored, although the database responded."""


class KeyReusedError(NurtureError):
    """An idempotency key was reused with a different body."""


@dataclass(frozen=True, slots=True)
class Signup:
    """A completed form. `key` and `digest` recognise a repetition of the same call.

    `said_at` is when it was completed, if the website says so. `wordings` are those of ticked boxes
    that are not the form's own.
    """

    form: str
    address: str
    first_name: str = ""
    ticked: tuple[Purpose, ...] = ()
    time_zone: str | None = None
    utm: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    key: str | None = None
    digest: str = ""
    said_at: datetime | None = None
    wordings: Mapping[Purpose, str] = field(default_factory=dict)
    arrival: SignupArrival = field(default_factory=SignupArrival)


class _Asked(NamedTuple):
    """What is asked for and when; `known_as` are the keyed hashes of the address.

    `mailbox` is that of the mailbox, if the address is one of several spellings of it.
    """

    signup: Signup
    sequence: Sequence
    known_as: tuple[str, ...]
    mailbox: str | None
    time: SignupTime
    again: bool = False


class _Found(NamedTuple):
    """The person and the enrolment as stored, and everything else the decision is based on."""

    person: Subscriber | None
    enrolment: Enrolment | None
    booked_before: bool
    known: Known


def subscribe(
    database: Database,
    catalogue: Catalogue,
    tokens: Tokens,
    limits: SignupLimits,
    signup: Signup,
    now: datetime,
) -> Intake:
    """Store a signup, its consents and the enrolment it starts, in one transaction.

    A suppressed address or a repeated call changes nothing; but after a bounce that is not recent,
    one guide may be sent to test whether the address works again. A signup from before a restore is
    held like the rest, as the lost machine may have sent its emails. Above the limits, a signup is
    stored as one that waits. May raise this module's errors or `ImpossibleTimeError`.
    """

    for _ in range(_TRIES):
        try:
            with database.writing() as connection:
                published = catalogue.current(connection)
                return subscribe_in(connection, published, tokens, limits, signup, now)
        except AddedMeanwhileError:
            continue
    _log.error(
        "A person was found neither new nor known, %d times. If rows were put into the table "
        "subscribers by hand, let its numbering begin after them (setval).",
        _TRIES,
    )
    raise NotWrittenError("This could not be written down.", remedy="Try again in a minute.")


def subscribe_in(
    connection: Connection,
    published: Published,
    tokens: Tokens,
    limits: SignupLimits,
    signup: Signup,
    now: datetime,
) -> Intake:
    """Do the same as `subscribe` in a transaction of the caller's.

    May also raise `AddedMeanwhileError`, after which the whole transaction can be tried again.
    """
    sequence = insist_on_form(published, signup.form)
    time = signup_time(signup.said_at, now, last_restored_at(connection))
    if _is_a_repeat(connection, signup, now):
        return Intake.REPEATED
    asked = _Asked(signup, sequence, *_hashes(tokens, signup.address), time)
    arrival, client = signup.arrival, signup.evidence.client
    taken = count_taken(connection, signup.form, arrival, client, limits, now)
    if why := why_it_waits(arrival, limits, taken, time):
        let_wait(connection, _as_waiting(asked), arrival, why, time)
        return Intake.WAITS
    _take_in(connection, published, asked._replace(again=taken.from_site > 0))
    return Intake.TAKEN


def take_in(
    connection: Connection, published: Published, tokens: Tokens, signup: Signup, now: datetime
) -> None:
    """Take in a signup that has waited, whatever the limits; `said_at` is when it was made.

    May raise `UnknownFormError`, `ImpossibleTimeError` or `AddedMeanwhileError`.
    """
    sequence = insist_on_form(published, signup.form)
    time = signup_time(signup.said_at, now, last_restored_at(connection))
    hashes = _hashes(tokens, signup.address)
    _take_in(connection, published, _Asked(signup, sequence, *hashes, time, again=True))


def _hashes(tokens: Tokens, address: str) -> tuple[tuple[str, ...], str | None]:
    return tokens.address_hashes(address), tokens.mailbox_hash(address)


def insist_on_form(published: Published, form: str) -> Sequence:
    """Return the sequence that a form leads into; raise `UnknownFormError`."""
    sequence = published.sequence_of_form(form)
    if sequence is None:
        raise UnknownFormError(
            f"There is no form “{form}”.",
            remedy=f"The forms are {', '.join(published.forms)}.",
        )
    return sequence


def _take_in(connection: Connection, published: Published, asked: _Asked) -> None:
    """Read what is known, have the domain decide, and store the result."""
    found = _find(connection, published, asked)
    arrival = asked.signup.arrival
    boxes = TickedBoxes(asked.signup.ticked, asked.signup.wordings, vouched=arrival.vouched)
    if decided := sign_up(asked.sequence, boxes, found.known, asked.time):
        _write(connection, published, asked, found, decided)


def _is_a_repeat(connection: Connection, signup: Signup, now: datetime) -> bool:
    if signup.key is None:
        return False
    before = signups.keep_key(connection, signup.key, signup.digest, now)
    if before not in (None, signup.digest):
        raise KeyReusedError(
            "This idempotency key was used before for another body.",
            remedy="Use a new key for a new signup.",
        )
    return before is not None


def _as_waiting(asked: _Asked) -> dict[str, Any]:
    """Return the columns of a signup that waits which say what was asked for."""
    signup = asked.signup
    return {
        "form": signup.form,
        "address": signup.address,
        "address_hash": asked.known_as[0],
        "first_name": signup.first_name,
        "ticked": frozenset(map(str, signup.ticked)),
        "wordings": {str(purpose): words for purpose, words in signup.wordings.items()},
        "time_zone": signup.time_zone,
        "page_url": signup.evidence.page_url,
        "utm": dict(signup.utm),
        "client": signup.evidence.client,
        "user_agent": signup.evidence.user_agent,
    }


def _find(connection: Connection, published: Published, asked: _Asked) -> _Found:
    """Lock the address and the person, and read everything the decision is based on."""
    signup, sequence, known_as, mailbox, time, _ = asked
    # Two spellings of one mailbox must not both find that the other has not asked.
    locks.hold_addresses(connection, {known_as[0], mailbox or known_as[0]})
    met = subscribers.find_by_address(connection, signup.address)
    person = locks.hold_subscriber(connection, met.id) if met else None
    number = person.id if person else None
    told_before = bookings.told_of_nobody(connection, known_as)
    known = Known(
        time_zone=signup.time_zone or published.practice.time_zone,
        suppressions=_suppressions(connection, known_as, mailbox),
        let_go=time.said_at is not None and let_go_since(connection, known_as, time.said_at),
        last_said=consents.last_said(connection, number, known_as) if time.said_at else {},
        booked_until=booked_until(told_before),
        asked_as_other_at=spellings.guide_wanted_at(
            connection, number, mailbox or known_as[0], sequence.key
        ),
    )
    if person is None:
        return _Found(None, None, bool(told_before), known)
    one = enrolments.find_enrolment_in(connection, person.id, sequence.key)
    told = [*told_before, *bookings.told_of(connection, person.id)] if told_before else []
    known = replace(
        known,
        time_zone=person.time_zone,
        confirmed=person.confirmed_at is not None,
        refused=consents.refused(connection, person.id),
        booked_until=booked_until(told) if told else person.booked_until,
        enrolment=_earlier(one) if one else None,
        agreed=person.consents,
    )
    return _Found(person, one, bool(told_before), known)


def _suppressions(
    connection: Connection, known_as: tuple[str, ...], mailbox: str | None
) -> list[Suppression]:
    """Return each reason once, as the address gives it or else the other spellings."""
    of_mailbox = refusals_of_mailbox(connection, mailbox)
    own = [one for each in known_as for one in suppressions_of(connection, each)]
    reasons = {one.reason for one in own}
    return [*own, *(one for one in of_mailbox if one.reason not in reasons)]


def _earlier(one: Enrolment) -> Earlier:
    return Earlier(one.ending, one.progress, one.guide_wanted_at, one.ended_at)


def _write(
    connection: Connection, published: Published, asked: _Asked, found: _Found, decided: Subscribed
) -> None:
    signup, known_as, time = asked.signup, asked.known_as, asked.time
    number = found.person.id if found.person else _add(connection, asked, found.known.time_zone)
    if found.booked_before:
        bookings.give_bookings_to(connection, known_as, number)
        until = found.known.booked_until
        subscribers.change_subscriber(connection, number, booked_until=until)
    # A signup that is reported late may be stored already.
    if not (time.said_at and signups.is_signup(connection, number, signup.form, time.said_at)):
        signups.add_signup(
            connection,
            subscriber_id=number,
            form=signup.form,
            page_url=signup.evidence.page_url,
            utm=signup.utm,
            client=signup.evidence.client,
            now=time.asked_at,
            received_at=time.told_at if time.said_at else None,
            networks=chain_of(signup.arrival.visitor),
            again=asked.again,
        )
    where = Origin(f"form:{signup.form}", published.practice.privacy_version, signup.evidence)
    consents.record_consents(connection, number, decided.granted, where, time.told_at, time.said_at)
    _await(connection, number, decided, where, signup.form, time)
    if decided.confirms:
        subscribers.confirm_address(connection, number, time.told_at)
    if decided.progress:
        enrolment = _enrol(connection, asked, found, number, decided.progress)
        if decided.guide_on_trial:
            address_hash = found.person.address_hash if found.person else known_as[0]
            allow_guide(connection, address_hash, enrolment, time.told_at)


def _await(
    connection: Connection,
    number: int,
    decided: Subscribed,
    where: Origin,
    form: str,
    time: SignupTime,
) -> None:
    """Keep the ticks that count once the person confirms them."""
    said_at = time.said_at or time.told_at
    ticked = [
        AwaitedConsent(
            one.purpose, one.wording, form, said_at, where.privacy_version, where.evidence
        )
        for one in decided.awaited
    ]
    awaited_consents.await_consents(connection, number, ticked)


def _add(connection: Connection, asked: _Asked, time_zone: str) -> int:
    return subscribers.add_subscriber(
        connection,
        address=asked.signup.address,
        address_hash=asked.known_as[0],
        first_name=asked.signup.first_name,
        time_zone=time_zone,
        now=asked.time.told_at,
        mailbox_hash=asked.mailbox,
    )


def _enrol(
    connection: Connection, asked: _Asked, found: _Found, number: int, progress: Progress
) -> int:
    """Start the series or, for a person who asks again, offer the guide's email again."""
    if found.enrolment:
        return _offer_again(connection, found.enrolment, progress, asked.time)
    enrolment = enrolments.add_enrolment(
        connection,
        subscriber_id=number,
        sequence=asked.sequence.key,
        now=asked.time.told_at,
        ends_as=progress.ends_as,
        asked_at=asked.time.due_at,
        held_at=asked.time.held_since,
        must_collect=not asked.signup.arrival.vouched,
    )
    assert enrolment is not None  # The person is locked and was not in the sequence.
    return enrolment


def _offer_again(
    connection: Connection, enrolment: Enrolment, progress: Progress, time: SignupTime
) -> int:
    message_changes.cancel_open_of(connection, [enrolment.id], Reason(Code.GUIDE_ASKED_AGAIN))
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        time.told_at,
        status=EnrolmentStatus.ACTIVE,
        ended_at=None,
        ended_because=None,
        guide_wanted_at=time.due_at,
        occasion=enrolment.occasion + 1,
        **({"held_at": time.held_since} if time.before_restore else {}),
        **enrolments.columns_of(progress),
    )
    return enrolment.id
