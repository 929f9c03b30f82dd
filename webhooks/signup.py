"""The signup webhook, which turns a visitor into a subscriber."""

from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, Response, g, request

from nurture import builders
from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.subscribers.late_signups import ImpossibleTimeError
from nurture.services.door.admission import SignupArrival
from nurture.services.door.hosted import find_hosted
from nurture.services.door.reception import Receipt, SentForm, receive
from nurture.services.door.site_keys import get_site
from nurture.signatures import find_header
from webhooks.callers import (
    LARGEST_SIGNUP,
    client_of,
    idempotency_key,
    is_proven,
    read_body,
    read_fields,
    read_signed,
)
from webhooks.cross_origin import allow_origins
from webhooks.problems import FieldProblem, ProblemError
from webhooks.refusals import not_understood
from webhooks.site_calls import came_from, came_to
from webhooks.visitors import ACCEPTED, answer_errors, is_visitor, text_of, thank

_WITH_KEY = "/webhooks/signup/<form>/<key>"


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

    @blueprint.post(_WITH_KEY, provide_automatic_options=False)
    def sign_up_with_key(form: str, key: str) -> Response:
        return _answer(context, form, _caller_with_key(context, key))

    allow_origins(blueprint, context, _WITH_KEY)
    answer_errors(blueprint, context)
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
    fields = g.sent_fields = read_fields(request, caller.body)
    context.disk.insist(DiskUse.SIGNUPS)
    receipt = _receive(context, form, caller, fields)
    came_to(receipt)
    context.doorbell.ring()
    not_understood(form, receipt.not_understood)
    if caller.site_id is not None and is_visitor(request):
        wanted, now = text_of(fields, "thanks"), context.clock()
        return thank(context, find_hosted(context.door, form, client_of(request), now, wanted))
    status = builders.answer_for(receipt.reader, dict(request.headers))
    return Response(ACCEPTED, status, mimetype="application/json")


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
    return idempotency_key(request) or signed_id
