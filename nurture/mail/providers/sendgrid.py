"""SendGrid: a list of events per call, signed with ECDSA.

The secret here is a public key: it can check signatures but not make them.
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
…/getting-started-event-webhook-security-features
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from nurture import signatures
from nurture.domain.kept_payload import TEXT, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import Fields, bare_message_id, digest
from nurture.signatures import SignatureError, SignatureFault

_SECRET_HELP = "Copy the verification key of the signed event webhook from SendGrid."
_SUPPRESSIONS_HINT = (
    "SendGrid keeps a list of its own as well: remove the address there, under "
    "Suppressions, Bounces."
)

_SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

#: SendGrid retries for a day and does not say that it signs again each time. Replays within that
#: time do no harm, because event ids are acted on once.
_TOLERANCE = timedelta(hours=25)

#: By event; for `bounce` by type. The flag means that the address itself is no good.
_MEANINGS: dict[tuple[str, str], tuple[EventKind, bool]] = {
    ("delivered", ""): (EventKind.DELIVERED, False),
    ("deferred", ""): (EventKind.DEFERRED, False),
    ("open", ""): (EventKind.OPENED, False),
    ("click", ""): (EventKind.CLICKED, False),
    ("spamreport", ""): (EventKind.COMPLAINED, False),
    ("unsubscribe", ""): (EventKind.UNSUBSCRIBED, False),
    ("group_unsubscribe", ""): (EventKind.UNSUBSCRIBED, False),
    ("bounce", "bounce"): (EventKind.BOUNCED, True),
    ("bounce", "blocked"): (EventKind.BOUNCED, False),
    ("dropped", ""): (EventKind.BOUNCED, False),
}

#: SendGrid did not send because of something that happened earlier, which is what matters here.
_DROPPED: dict[str, tuple[EventKind, bool]] = {
    "Bounced Address": (EventKind.BOUNCED, True),
    "Invalid": (EventKind.BOUNCED, True),
    "Spam Reporting Address": (EventKind.COMPLAINED, False),
    "Unsubscribed Address": (EventKind.UNSUBSCRIBED, False),
}

#: Opens and clicks come without the Message-ID, so it travels as an argument of our own.
_ARGUMENT = "nurture_message_id"


_UNKNOWN = words("event", "type", "sg_event_id", "timestamp")
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        **words("sg_message_id", "status", "attempt", "sg_machine_open", "asm_group_id"),
        **dict.fromkeys(("reason", "response", "bounce_classification"), TEXT),
    },
    _UNKNOWN,
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the ECDSA signature of time and body (FIPS 186-5, SHA-256), or raise SignatureError."""
    key = _public_key(signatures.require_secret(secret, _SECRET_HELP))
    signature = signatures.required_header(headers, _SIGNATURE_HEADER)
    timestamp = signatures.required_header(headers, _TIMESTAMP_HEADER)
    signatures.require_recent(timestamp, now, _TOLERANCE)
    try:
        offered = base64.b64decode(signatures.as_bytes(signature), validate=True)
        key.verify(offered, signatures.as_bytes(timestamp) + body, ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        raise signatures.wrong_signature() from None


def _public_key(secret: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The verification key configured for this webhook cannot be used.",
            remedy=_SECRET_HELP,
        )
    return key


def read(event: Fields) -> list[MailEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    kind, permanent = _meaning(event)
    return [
        MailEvent(
            kind=kind,
            provider=PROVIDER.name,
            event_id=event.find_text("sg_event_id") or digest(event.values),
            occurred_at=event.find_moment("timestamp"),
            recipient=event.find_address("email"),
            message_id=bare_message_id(event.find_text(_ARGUMENT) or event.find_text("smtp-id")),
            permanent=permanent,
            reason=event.find_text("reason") or event.find_text("response") or "",
            raw=event.values,
        )
    ]


def _meaning(event: Fields) -> tuple[EventKind | None, bool]:
    name = event.get_text("event")
    detail = event.find_text("type") or "bounce" if name == "bounce" else ""
    meaning = _MEANINGS.get((name, detail), (None, False))
    return _DROPPED.get(event.find_text("reason") or "", meaning) if name == "dropped" else meaning


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header by which SendGrid repeats our Message-ID in every event."""
    return {"X-SMTPAPI": json.dumps({"unique_args": {_ARGUMENT: message_id}})}


PROVIDER = Provider(
    name="sendgrid",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    tolerance=_TOLERANCE,
    smtp_hosts=("smtp.sendgrid.net", "smtp.*.sendgrid.net"),
    headers_for=headers_for,
    keeps_own_suppressions=True,
    suppressions_hint=_SUPPRESSIONS_HINT,
)
