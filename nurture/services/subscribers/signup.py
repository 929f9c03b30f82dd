"""Signing up: from a completed form to an enrolment; `collecting` continues from there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import OptIn, Sequence
from nurture.domain.subscribers.consent import Evidence, Purpose, granted_at_signup
from nurture.domain.subscribers.guide_requests import ask_again, begin, is_too_soon
from nurture.domain.subscribers.late_signups import (
    SignupTime,
    is_overtaken,
    not_overtaken,
    signup_time,
)
from nurture.domain.subscribers.suppression import may_ask_again
from nurture.services.catalogue import Catalogue, Published
from nurture.services.inbound.goal import is_over_by_booking, know_earlier_bookings
from nurture.services.subscribers.vanished import find_anew
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import consents, enrolments, messages, signups, subscribers
from nurture.store.tables.enrolments import Enrolment
from nurture.store.tables.restores import last_restored_at
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.suppressions import allow_guide, suppressions_of
from nurture.store.tables.withdrawals import let_go_since
from nurture.tokens import Tokens

_HOUR = timedelta(hours=1)


class UnknownFormError(NurtureError):
    """No sequence has a form with that key."""


class KeyReusedError(NurtureError):
    """An idempotency key was reused with a different body."""


class TooManySignupsError(NurtureError):
    """More signups than a practice's website should produce; try again in an hour."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many signups per hour are accepted from one client and through one form."""

    per_client: int
    per_form: int


@dataclass(frozen=True, slots=True)
class Signup:
    """A completed form. `key` and `digest` recognise a repetition of the same call.

    `said_at` is when it was completed, if the website says so.
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


def subscribe(
    database: Database,
    catalogue: Catalogue,
    tokens: Tokens,
    limits: Limits,
    signup: Signup,
    now: datetime,
) -> None:
    """Store a signup, its consents and the enrolment it starts, in one transaction.

    A suppressed address or a repeated call changes nothing; but after a bounce that is not recent,
    one guide may be sent to test whether the address works again. A signup from before a restore is
    held like the rest, as the lost machine may have sent its emails. May raise this module's errors
    or `ImpossibleTimeError`.
    """

    def attempt() -> None:
        with database.writing() as connection:
            published = catalogue.current(connection)
            _subscribe(connection, published, tokens, limits, signup, now)

    find_anew(attempt)


def _subscribe(
    connection: Connection,
    published: Published,
    tokens: Tokens,
    limits: Limits,
    signup: Signup,
    now: datetime,
) -> None:
    sequence = published.sequence_of_form(signup.form)
    if sequence is None:
        raise UnknownFormError(
            f"There is no form “{signup.form}”.",
            remedy=f"The forms are {', '.join(published.forms)}.",
        )
    time = signup_time(signup.said_at, now, last_restored_at(connection))
    if _is_a_repeat(connection, signup, now):
        return
    _refuse_floods(connection, signup, limits, now)
    known_as = tokens.address_hashes(signup.address)
    locks.hold_address(connection, known_as[0])
    if signup.said_at and let_go_since(connection, known_as, signup.said_at):
        return
    suppressed = [one for each in known_as for one in suppressions_of(connection, each)]
    if not suppressed:
        _enrol(connection, published, sequence, signup, known_as, time)
    elif not time.before_restore and may_ask_again(suppressed, time.asked_at):
        _enrol(connection, published, sequence, signup, known_as, time)
        _try_guide(connection, signup, sequence, now)


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


def _refuse_floods(connection: Connection, signup: Signup, limits: Limits, now: datetime) -> None:
    most = max(limits.per_client, limits.per_form)
    counts = signups.count_signups(
        connection, signup.evidence.client, signup.form, now - _HOUR, most
    )
    from_client = counts.from_client if signup.evidence.client else 0
    if from_client >= limits.per_client or counts.through_form >= limits.per_form:
        raise TooManySignupsError("There were too many signups.", remedy="Try again in an hour.")


def _enrol(
    connection: Connection,
    published: Published,
    sequence: Sequence,
    signup: Signup,
    known_as: tuple[str, ...],
    time: SignupTime,
) -> None:
    person = _add_or_find(connection, published, signup, known_as[0], time.told_at)
    person = know_earlier_bookings(connection, person, known_as)
    _note(connection, person, signup, time)
    form = sequence.form
    assert form is not None  # The sequence was found by it.
    ticked = _believed(connection, person, signup)
    changes = granted_at_signup(form.grants, ticked, form.wording)
    if time.said_at:
        last_said = consents.last_said(connection, person.id, known_as)
        changes = not_overtaken(changes, last_said, time.said_at)
    consents.record_consents(
        connection,
        person.id,
        changes,
        source=f"form:{form.key}",
        privacy_version=published.practice.privacy_version,
        evidence=signup.evidence,
        now=time.told_at,
        said_at=time.said_at,
    )
    if form.opt_in is OptIn.CONFIRMED:
        subscribers.confirm_address(connection, person.id, time.told_at)
    _start_or_offer_again(connection, person, sequence, time)


def _note(connection: Connection, person: Subscriber, signup: Signup, time: SignupTime) -> None:
    """Store the signup itself; one that is brought back may already be there."""
    if time.said_at and signups.is_signup(connection, person.id, signup.form, time.said_at):
        return
    signups.add_signup(
        connection,
        subscriber_id=person.id,
        form=signup.form,
        page_url=signup.evidence.page_url,
        utm=signup.utm,
        client=signup.evidence.client,
        now=time.asked_at,
        received_at=time.told_at if time.said_at else None,
    )


def _try_guide(connection: Connection, signup: Signup, sequence: Sequence, now: datetime) -> None:
    """Allow the guide that was just requested to be sent to an address that has bounced."""
    person = subscribers.get_by_address(connection, signup.address)
    enrolment = enrolments.find_enrolment_in(connection, person.id, sequence.key)
    if enrolment and enrolment.guide_wanted_at == now:
        allow_guide(connection, person.address_hash, enrolment.id, now)


def _believed(connection: Connection, person: Subscriber, signup: Signup) -> list[Purpose]:
    """Return the boxes that count, since anyone can tick them for someone else's address.

    A person who has confirmed their address and declined a purpose is asked again on the guide's
    page, where only they can answer.
    """
    if person.confirmed_at is None:
        return list(signup.ticked)
    refused = consents.refused(connection, person.id)
    return [purpose for purpose in signup.ticked if purpose not in refused]


def _add_or_find(
    connection: Connection,
    published: Published,
    signup: Signup,
    address_hash: str,
    now: datetime,
) -> Subscriber:
    subscribers.add_subscriber(
        connection,
        address=signup.address,
        address_hash=address_hash,
        first_name=signup.first_name,
        time_zone=signup.time_zone or published.practice.time_zone,
        now=now,
    )
    return subscribers.get_by_address(connection, signup.address)


def _start_or_offer_again(
    connection: Connection, person: Subscriber, sequence: Sequence, time: SignupTime
) -> None:
    booked = is_over_by_booking(sequence, person)
    if enrolments.add_enrolment(
        connection,
        subscriber_id=person.id,
        sequence=sequence.key,
        now=time.told_at,
        ends_as=begin(time.told_at, person.time_zone, booked=booked).ends_as,
        asked_at=time.due_at,
        held_at=time.held_since,
    ):
        return
    locks.hold(connection, enrolments.of_subscriber(person.id))
    enrolment = enrolments.find_enrolment_in(connection, person.id, sequence.key)
    if enrolment is None or is_too_soon(enrolment.guide_wanted_at, time.asked_at):
        return
    if not is_overtaken(time, enrolment.ending, enrolment.ended_at):
        _offer_guide_again(connection, enrolment, booked, time)


def _offer_guide_again(
    connection: Connection, enrolment: Enrolment, booked: bool, time: SignupTime
) -> None:
    """Send the guide's email again to someone who asks again; ended sequences do not restart."""
    now = time.told_at
    progress = ask_again(enrolment.ending, enrolment.progress, now, booked=booked)
    messages.cancel_open_of(connection, [enrolment.id], "the guide was asked for again")
    enrolments.change_enrolment(
        connection,
        enrolment.id,
        now,
        status=EnrolmentStatus.ACTIVE,
        ended_at=None,
        ended_because=None,
        guide_wanted_at=time.due_at,
        occasion=enrolment.occasion + 1,
        **({"held_at": time.held_since} if time.before_restore else {}),
        **enrolments.columns_of(progress),
    )
