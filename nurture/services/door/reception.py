"""Reception: from a form's fields, under any names, to a signup or to a call that is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from nurture import builders
from nurture.builders import FormFields, ReadForm
from nurture.builders.fields.signup_body import (
    FieldFault,
    InvalidSignupError,
    SignupBody,
    read_signup,
    read_utm,
)
from nurture.domain.door.found_fields import pointer_of
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.sealing import Seal
from nurture.services.catalogue import Catalogue
from nurture.services.door.admission import Intake, SignupArrival, SignupLimits
from nurture.services.door.kept_calls import find_mappings, keep_call
from nurture.services.subscribers.signup import Signup, insist_on_form, subscribe
from nurture.store.database import Database
from nurture.tokens import Tokens

#: How many characters of a user agent are stored; some programs send pages of it.
_AGENT = 300

#: What the webhook's own fields are called: a form that has no others has a known shape.
_OWN_NAMES = frozenset(SignupBody.model_fields)


class SentOutcome(StrEnum):
    """What became of a form that was sent."""

    TAKEN = "taken"
    REPEATED = "repeated"
    WAITS = "waits"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Door:
    """What receiving a form needs."""

    database: Database
    catalogue: Catalogue
    tokens: Tokens
    seal: Seal
    limits: SignupLimits


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form as it was sent. `client` and `user_agent` are those of the caller.

    `key` and `digest` recognise a repetition. `site_id` is the website whose key was shown.
    `wordings` are those of boxes that stand on our own page. If `knows_visitor`, the caller is the
    visitor.
    """

    form: str
    fields: FormFields
    arrival: SignupArrival = field(default_factory=SignupArrival)
    client: str = ""
    user_agent: str = ""
    key: str | None = None
    digest: str = ""
    site_id: int | None = None
    wordings: Mapping[Purpose, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a form, what could read it, and which boxes were not understood.

    `address_in` and `name_in` are the fields in which the address and the name were found.
    """

    outcome: SentOutcome
    reader: str = ""
    not_understood: tuple[str, ...] = ()
    address_in: str = ""
    name_in: str = ""


def receive(door: Door, sent: SentForm, now: datetime) -> Receipt:
    """Take in a form, let it wait, or keep it if nothing can read its fields.

    May raise `InvalidSignupError`, `UnknownFormError`, `ImpossibleTimeError` or another of the
    signup's errors; then nothing is stored.
    """
    read = _read(door, sent)
    if read is None:
        return _keep(door, sent, now)
    body = read_signup(read.fields)
    signup = as_signup(sent, read, body)
    taken = subscribe(door.database, door.catalogue, door.tokens, door.limits, signup, now)
    return Receipt(
        _OUTCOMES[taken],
        read.reader,
        body.consent.not_understood,
        pointer_of(sent.fields, read.fields.get("email")),
        pointer_of(sent.fields, read.fields.get("first_name") or read.fields.get("name")),
    )


def as_signup(sent: SentForm, read: ReadForm, body: SignupBody) -> Signup:
    """Return the signup that a form asks for."""
    arrival = sent.arrival
    if arrival.vouched and body.client_ip:
        arrival = replace(arrival, visitor=body.client_ip)
    told = body.client_ip if arrival.vouched else ""
    agent = body.user_agent if arrival.vouched else ""
    return Signup(
        form=sent.form,
        address=body.email,
        first_name=body.plain_first_name,
        ticked=body.consent.purposes,
        time_zone=body.time_zone or None,
        utm=read_utm(read.fields),
        evidence=Evidence(
            page_url=body.page_url,
            client=told or sent.client,
            user_agent=(agent or sent.user_agent)[:_AGENT],
        ),
        key=sent.key and sha256(f"{sent.form}:{sent.key}".encode()).hexdigest(),
        digest=sent.digest,
        said_at=body.signed_up_at if arrival.vouched else None,
        wordings={**body.consent.wordings, **sent.wordings},
        arrival=arrival,
    )


def _read(door: Door, sent: SentForm) -> ReadForm | None:
    """Return the fields under our own names, or `None` if nothing can read them.

    A form that says nothing under other names needs nobody's mapping, and costs no query.
    """
    strange = _has_strange_names(sent.fields)
    if not strange and builders.is_native(sent.fields):
        return builders.read_form(sent.fields)
    if not strange:
        raise InvalidSignupError([FieldFault("email", _missing_or_odd(sent.fields))])
    with door.database.reading() as connection:
        mappings = find_mappings(connection, sent.form)
    return builders.read_form(sent.fields, mappings)


def _has_strange_names(fields: FormFields) -> bool:
    """Return whether a form says something under names that are not ours."""
    said = (name for name, value in fields.items() if value not in ("", None, [], {}))
    return any(name not in _OWN_NAMES and not name.startswith("utm_") for name in said)


def _missing_or_odd(fields: FormFields) -> str:
    return "This must be a single text." if fields.get("email") else "This field is missing."


def _keep(door: Door, sent: SentForm, now: datetime) -> Receipt:
    with door.database.writing() as connection:
        insist_on_form(door.catalogue.current(connection), sent.form)
        keep_call(
            connection,
            door.seal,
            door.tokens,
            form=sent.form,
            fields=sent.fields,
            key=sent.key,
            body=sent.digest,
            site_id=sent.site_id,
            vouched=sent.arrival.vouched,
            client=sent.client,
            user_agent=sent.user_agent[:_AGENT],
            now=now,
        )
    return Receipt(SentOutcome.KEPT)


_OUTCOMES = {
    Intake.TAKEN: SentOutcome.TAKEN,
    Intake.REPEATED: SentOutcome.REPEATED,
    Intake.WAITS: SentOutcome.WAITS,
}
