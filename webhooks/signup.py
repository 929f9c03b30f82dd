"""The signup webhook, which turns a visitor into a subscriber."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus

from flask import Blueprint, Response, request

from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.late_signups import ImpossibleTimeError
from nurture.services.subscribers.signup import Signup, subscribe
from webhooks.callers import LARGEST_SIGNUP, client_of, read_fields, read_signed
from webhooks.problems import FieldProblem, ProblemError
from webhooks.refusals import not_understood
from webhooks.signup_body import SignupBody, read_signup, read_utm

#: How many characters of a user agent are stored; some programs send pages of it.
_AGENT = 300

#: The same bytes for a new, a known and a suppressed address.
ACCEPTED = b'{"status":"accepted"}\n'


def create_signup(context: Context) -> Blueprint:
    """Serve `POST /webhooks/signup/<form>`."""
    blueprint = Blueprint("signup", __name__)

    @blueprint.post("/webhooks/signup/<form>")
    def sign_up(form: str) -> Response:
        now, settings = context.clock(), context.settings
        body, signed_id = read_signed(
            request,
            LARGEST_SIGNUP,
            now,
            secrets=settings.signup_secret,
            tokens=settings.signup_token,
        )
        fields = read_fields(request, body)
        read = read_signup(fields)
        context.disk.insist(DiskUse.SIGNUPS)
        signup = _as_signup(form, read, read_utm(fields), _key(signed_id), body)
        try:
            subscribe(*context.stored, context.tokens, context.limits, signup, now)
        except ImpossibleTimeError as error:
            raise _at_fault("signed_up_at", error) from None
        context.doorbell.ring()
        not_understood(form, read.consent.not_understood)
        return Response(ACCEPTED, HTTPStatus.ACCEPTED, mimetype="application/json")

    return blueprint


def _at_fault(field: str, error: Exception) -> ProblemError:
    found = [FieldProblem(field, str(error))]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {error}", fields=found)


def _as_signup(
    form: str, read: SignupBody, utm: Mapping[str, str], key: str | None, body: bytes
) -> Signup:
    return Signup(
        form=form,
        address=read.email,
        first_name=read.plain_first_name,
        ticked=read.consent.purposes,
        time_zone=read.time_zone or None,
        utm=utm,
        evidence=Evidence(
            page_url=read.page_url,
            client=read.client_ip or client_of(request),
            user_agent=(read.user_agent or request.user_agent.string)[:_AGENT],
        ),
        key=key and sha256(f"{form}:{key}".encode()).hexdigest(),
        digest=sha256(body).hexdigest(),
        said_at=read.signed_up_at,
    )


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
