"""The signup webhook, which turns a visitor into a subscriber."""

from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, Response, request

from nurture import builders
from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.subscribers.late_signups import ImpossibleTimeError
from nurture.services.door.admission import SignupArrival
from nurture.services.door.reception import Receipt, SentForm, receive
from nurture.services.door.site_keys import get_site
from nurture.signatures import find_header
from webhooks.callers import (
    LARGEST_SIGNUP,
    client_of,
    is_proven,
    read_body,
    read_fields,
    read_signed,
)
from webhooks.problems import FieldProblem, ProblemError
from webhooks.refusals import not_understood
from webhooks.site_calls import came_from, came_to

#: The same bytes for a new, a known and a suppressed address.
ACCEPTED = b'{"status":"accepted"}\n'


class _Caller(NamedTuple):
    """A caller: the body, the signed id if any, and whether it is proved to be the website.

    `site_id` is the website whose key the address contains.
    """

    body: bytes
    signed_id: str | None = None
    vouched: bool = True
    site_id: int | None = None


def create_signup(context: Context) -> Blueprint:
    """Serve `POST /webhooks/signup/<form>`, and the same with a website's key behind it."""
    blueprint = Blueprint("signup", __name__)
    settings = context.settings

    @blueprint.post("/webhooks/signup/<form>")
    def sign_up(form: str) -> Response:
        body, signed_id = read_signed(
            request,
            LARGEST_SIGNUP,
            context.clock(),
            secrets=settings.signup_secret,
            tokens=settings.signup_token,
        )
        return _answer(context, form, _Caller(body, signed_id))

    @blueprint.post("/webhooks/signup/<form>/<key>")
    def sign_up_with_key(form: str, key: str) -> Response:
        return _answer(context, form, _caller_with_key(context, key))

    return blueprint


def _caller_with_key(context: Context, key: str) -> _Caller:
    """Return the caller with a website's key, who is believed only if the call is also signed.

    A signature that does not verify is refused, as it was meant to prove something.
    """
    site = get_site(context.database, context.seal, key)
    came_from(site.id)
    headers, now, settings = dict(request.headers), context.clock(), context.settings
    if is_proven(request):
        secrets = (*site.standard_secrets, *settings.signup_secret)
        body, signed_id = read_signed(
            request, LARGEST_SIGNUP, now, secrets=secrets, tokens=settings.signup_token
        )
        return _Caller(body, signed_id, site_id=site.id)
    body = read_body(request, LARGEST_SIGNUP)
    for builder in builders.registry().values():
        if (proof := builder.proof) and find_header(headers, proof.header):
            proof.verify(site.secret, headers, body, now)
            return _Caller(body, site_id=site.id)
    return _Caller(body, vouched=False, site_id=site.id)


def _answer(context: Context, form: str, caller: _Caller) -> Response:
    fields = read_fields(request, caller.body)
    context.disk.insist(DiskUse.SIGNUPS)
    receipt = _receive(context, form, caller, fields)
    came_to(receipt)
    context.doorbell.ring()
    not_understood(form, receipt.not_understood)
    return Response(ACCEPTED, HTTPStatus.ACCEPTED, mimetype="application/json")


def _receive(context: Context, form: str, caller: _Caller, fields: builders.FormFields) -> Receipt:
    client = client_of(request)
    sent = SentForm(
        form=form,
        fields=fields,
        arrival=SignupArrival(caller.vouched, "" if caller.vouched else client),
        client=client,
        user_agent=request.user_agent.string,
        key=_key(caller.signed_id),
        digest=sha256(caller.body).hexdigest(),
        site_id=caller.site_id,
    )
    try:
        return receive(context.door, sent, context.clock())
    except ImpossibleTimeError as error:
        raise _at_fault("signed_up_at", error) from None


def _at_fault(field: str, error: Exception) -> ProblemError:
    found = [FieldProblem(field, str(error))]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {error}", fields=found)


def _key(signed_id: str | None) -> str | None:
    """Return what makes a repeat harmless: the caller's key or, for a signed call, its id."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 255:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "Idempotency-Key is longer than 255 characters.",
            fields=[FieldProblem("Idempotency-Key", "It is longer than 255 characters.")],
        )
    return key or signed_id
