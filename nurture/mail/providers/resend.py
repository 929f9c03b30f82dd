"""Resend: one event per call, signed with Svix's scheme, from which Standard Webhooks grew.

https://resend.com/docs/webhooks/event-types and https://docs.svix.com/receiving/verifying-payloads
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.kept_payload import TEXT, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import Fields, bare_address, bare_message_id, digest
from nurture.signatures import FIVE_MINUTES, find_header, verify_standard_webhook

_SECRET_HELP = "Copy the webhook's signing secret, which begins with whsec_, from Resend."

#: By event; for bounces by type. The flag means that the address itself is no good. `failed` is
#: Resend's own trouble, such as a quota, and `suppressed` its own list, which contains people who
#: complained as well as dead addresses: neither says anything about the address.
_MEANINGS: dict[tuple[str, str], tuple[EventKind, bool]] = {
    ("email.delivered", ""): (EventKind.DELIVERED, False),
    ("email.delivery_delayed", ""): (EventKind.DEFERRED, False),
    ("email.complained", ""): (EventKind.COMPLAINED, False),
    ("email.opened", ""): (EventKind.OPENED, False),
    ("email.clicked", ""): (EventKind.CLICKED, False),
    ("email.failed", ""): (EventKind.BOUNCED, False),
    ("email.suppressed", ""): (EventKind.BOUNCED, False),
    ("email.bounced", "Permanent"): (EventKind.BOUNCED, True),
    ("email.bounced", "Transient"): (EventKind.BOUNCED, False),
    ("email.bounced", "Temporary"): (EventKind.BOUNCED, False),
    ("email.bounced", "Undetermined"): (EventKind.BOUNCED, False),
    ("email.bounced", ""): (EventKind.BOUNCED, False),
}

#: The part of an event that says what happened.
_DETAILS = {
    "email.bounced": "bounce",
    "email.failed": "failed",
    "email.suppressed": "suppressed",
    "email.clicked": "click",
}

#: Resend sends through Amazon SES, which replaces these.
_REWRITES = frozenset({"message-id", "date", "feedback-id"})

#: Carries our Message-ID, for events in which Resend repeats the headers of an email.
_CARRIER = "X-Nurture-Message-ID"

_UNKNOWN = {**words("type", "created_at"), "data": words("email_id", "created_at")}
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        "data": {
            **words("email_id", "created_at"),
            "bounce": {
                **words("type", "subType"),
                **dict.fromkeys(("message", "diagnosticCode"), TEXT),
            },
            "failed": {"reason": TEXT},
            "suppressed": {**words("type"), "message": TEXT},
            "click": words("timestamp"),
        },
    },
    _UNKNOWN,
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a Svix signature, or raise SignatureError; blanks separate several secrets."""
    prefix = "webhook" if find_header(headers, "webhook-signature") else "svix"
    verify_standard_webhook(secret.split(), headers, body, now, prefix=prefix)


def read(event: Fields) -> list[MailEvent]:
    """Parse one event for each recipient, or raise PayloadError naming the invalid field."""
    name = event.get_text("type")
    data = event.find_fields("data") or Fields({})
    details = data.find_fields(_DETAILS.get(name, "")) or Fields({})
    kind, permanent = _meaning(name, details)
    return [
        MailEvent(
            kind=kind,
            provider=PROVIDER.name,
            event_id=_event_id(event, name, data, recipient),
            occurred_at=details.find_moment("timestamp") or event.find_moment("created_at"),
            recipient=recipient,
            message_id=_message_id(data),
            permanent=permanent,
            reason=_reason(details),
            raw=event.values,
        )
        for recipient in _recipients(data)
    ]


def _meaning(name: str, details: Fields) -> tuple[EventKind | None, bool]:
    detail = details.find_text("type") or "" if name == "email.bounced" else ""
    return _MEANINGS.get((name, detail), (None, False))


def _recipients(data: Fields) -> list[str | None]:
    to = data.values.get("to")
    listed = to if isinstance(to, list) else [to]
    return [found for one in listed if (found := bare_address(one))] or [None]


def _event_id(event: Fields, name: str, data: Fields, recipient: str | None) -> str:
    number, told_at = data.find_text("email_id"), event.find_text("created_at")
    if number and told_at:
        return f"{name}-{number}-{digest(told_at, recipient)}"
    return f"{name}-{digest(event.values, recipient)}"


def _message_id(data: Fields) -> str | None:
    for header in data.objects("headers"):
        if (header.find_text("name") or "").lower() == _CARRIER.lower():
            return bare_message_id(header.find_text("value"))
    return bare_message_id(data.find_text("message_id"))


def _reason(details: Fields) -> str:
    listed = details.values.get("diagnosticCode")
    said = listed[0] if isinstance(listed, list) and listed else listed
    if isinstance(said, str) and said.strip():
        return said.strip()
    return details.find_text("message") or details.find_text("reason") or ""


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header that carries our Message-ID when Resend repeats headers."""
    return {_CARRIER: message_id}


PROVIDER = Provider(
    name="resend",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    tolerance=FIVE_MINUTES,
    smtp_hosts=("smtp.resend.com",),
    headers_for=headers_for,
    rewrites=_REWRITES,
)
