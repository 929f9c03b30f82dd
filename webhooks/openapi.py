"""The OpenAPI 3.1 document: every route, what it accepts and every response it gives.

The operations are in `webhooks.operations`; this module adds what they share. The body of a
signup is described by the same model that parses it.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from nurture import __version__, booking
from nurture.domain.tracking.events import EventKind
from nurture.mail import providers
from webhooks.answers import Json
from webhooks.operations import OPERATIONS
from webhooks.signup_body import SignupBody

_REFERENCE = "#/components/schemas/{model}"
_OURS = (EventKind.DOWNLOADED, EventKind.BOOKED, EventKind.STAYED)
_WORDS: Json = {"type": "string"}
_MOMENT: Json = {"type": "string", "format": "date-time"}

_INTRODUCTION = (
    "The website calls the signup webhook; mail providers and calendars report what happened. "
    "A readable guide with examples to copy is at `/docs`. Every refusal is a problem document "
    "(RFC 9457) that names the invalid field and says what to do next."
)


def document(forms: Iterable[str], server: str) -> Json:
    """Return the document for a program reached at `server` that currently has these forms.

    It is OpenAPI 3.1.1. The forms are only examples: a form published tomorrow needs no new
    document.
    """
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "nurture",
            "version": __version__,
            "summary": "From a free guide to a Discovery Session, one email at a time.",
            "description": _INTRODUCTION,
        },
        "servers": [{"url": server}],
        "paths": _paths(sorted(forms)),
        "components": {"schemas": _schemas(), "securitySchemes": _security_schemes()},
    }


def _paths(forms: list[str]) -> Json:
    paths = deepcopy(dict(OPERATIONS))
    _give_examples(paths["/webhooks/signup/{form}"], forms)
    _give_examples(paths["/webhooks/mail/{provider}"], providers.registry())
    _give_examples(paths["/webhooks/bookings/{provider}"], booking.registry())
    return paths


def _give_examples(path: Any, names: Iterable[str]) -> None:
    """List the current values of the first parameter as examples."""
    known = {name: {"value": name} for name in sorted(names)}
    if known:
        path["post"]["parameters"][0]["examples"] = known


def _schemas() -> Json:
    signup = SignupBody.model_json_schema(ref_template=_REFERENCE)
    shared: Json = signup.pop("$defs", {})
    signup["properties"]["email"]["format"] = "email"
    signup["patternProperties"] = {
        "^utm_": {
            "type": "string",
            "description": "Where the visitor came from; at most twenty are read.",
        }
    }
    schemas: Json = {
        "Signup": signup,
        "Accepted": _object({"status": {"const": "accepted"}}, ["status"]),
        "MailEvents": _object(
            {"events": {"type": "array", "items": {"$ref": "#/components/schemas/MailEvent"}}},
            ["events"],
        ),
        "MailEvent": _mail_event(),
        "Booking": _booking(),
        "Problem": _problem(),
    }
    return shared | schemas


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required}


def _mail_event() -> Json:
    told = [kind for kind in EventKind if kind not in _OURS]
    return _object(
        {
            "id": _WORDS | {"description": "The same each time the same event is reported."},
            "type": _WORDS | {"examples": [kind.value for kind in told]},
            "occurred_at": _MOMENT,
            "message_id": _WORDS | {"description": "The Message-ID of the email."},
            "recipient": _WORDS,
            "permanent": {"type": "boolean", "description": "The address itself does not work."},
            "reason": _WORDS,
        },
        ["type"],
    )


def _booking() -> Json:
    return _object(
        {
            "id": _WORDS | {"description": "The same each time the same event is reported."},
            "type": _WORDS | {"examples": ["booked", "rescheduled", "cancelled"]},
            "email": _WORDS,
            "starts_at": _MOMENT,
            "occurred_at": _MOMENT,
        },
        ["type", "email"],
    )


def _problem() -> Json:
    """Return the schema of a problem document (RFC 9457 §3.1) with our two extensions (§3.2)."""
    fault = _object({"field": _WORDS, "detail": _WORDS}, ["field", "detail"])
    return _object(
        {
            "type": _WORDS | {"format": "uri-reference"},
            "title": _WORDS | {"description": "The status in words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _WORDS | {"description": "What is wrong, and what to do about it."},
            "field": _WORDS | {"description": "The first invalid field."},
            "errors": {"type": "array", "minItems": 1, "items": fault},
        },
        ["type", "title", "status", "detail"],
    ) | {"dependentRequired": {"field": ["errors"], "errors": ["field"]}}


def _security_schemes() -> Json:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token in the Authorization header (RFC 6750 §2.1).",
        },
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "Credentials in the webhook's address, as Postmark and Brevo send them.",
        },
        "webhookId": _header("webhook-id", "Standard Webhooks: the same when the call is repeated"),
        "webhookTimestamp": _header(
            "webhook-timestamp", "Standard Webhooks: Unix seconds, valid for five minutes"
        ),
        "webhookSignature": _header(
            "webhook-signature",
            "Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over id, timestamp and "
            "body, joined by full stops",
        ),
        "svixId": _header("svix-id", "Resend: the same when the call is repeated"),
        "svixTimestamp": _header("svix-timestamp", "Resend: Unix seconds, valid for five minutes"),
        "svixSignature": _header("svix-signature", "Resend: signed as in Standard Webhooks"),
        "sendgridSignature": _header("X-Twilio-Email-Event-Webhook-Signature", "SendGrid: ECDSA"),
        "sendgridTimestamp": _header(
            "X-Twilio-Email-Event-Webhook-Timestamp",
            "SendGrid: signed together with the body, before it",
        ),
        "calendlySignature": _header("Calendly-Webhook-Signature", "Calendly: `t=…,v1=…`"),
        "calSignature": _header("X-Cal-Signature-256", "Cal.com: an HMAC-SHA256 in hexadecimal"),
    }


def _header(name: str, description: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": f"{description}."}
