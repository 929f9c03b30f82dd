"""Mailgun: one event per call, with a signature inside the body.

The signature is an HMAC-SHA256 over the timestamp and the token; it does not cover the event
itself. Each token is stored with the first event it came with and is valid for no other, so a
person who has seen one call cannot send us events of their own.
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from nurture import signatures
from nurture.domain.kept_payload import TEXT, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import (
    Fields,
    Part,
    PayloadError,
    bare_message_id,
    digest,
    events_under,
    json_body,
)
from nurture.signatures import SignatureError, SignatureFault

_SECRET_HELP = "Copy the HTTP webhook signing key from Mailgun's API security page."
_SUPPRESSIONS_HINT = (
    "Mailgun keeps a list of its own as well: remove the address there, under "
    "Suppressions, Bounces."
)

#: Mailgun retries for eight hours and does not say that it signs again each time. Replays within
#: that time do no harm, because event ids are acted on once and tokens are remembered.
_TOLERANCE = timedelta(hours=9)

#: By event; for `failed`, by severity.
_KINDS: dict[tuple[str, str], EventKind] = {
    ("delivered", ""): EventKind.DELIVERED,
    ("opened", ""): EventKind.OPENED,
    ("clicked", ""): EventKind.CLICKED,
    ("complained", ""): EventKind.COMPLAINED,
    ("unsubscribed", ""): EventKind.UNSUBSCRIBED,
    ("rejected", ""): EventKind.BOUNCED,
    ("failed", "temporary"): EventKind.DEFERRED,
    ("failed", "permanent"): EventKind.BOUNCED,
}

#: Mailgun did not send because of something the person did earlier, which is what matters here.
_SUPPRESSED = {
    "suppress-unsubscribe": EventKind.UNSUBSCRIBED,
    "suppress-complaint": EventKind.COMPLAINED,
}

#: Final for this email, though the address may be fine: given up after days, or against policy.
_NOT_THE_ADDRESS = frozenset({"old", "espblock"})


#: Some events lack the message's headers, so its id travels as a variable of our own.
_VARIABLE = "nurture_message_id"

_UNKNOWN = words("event", "id", "timestamp")
_STATUS = {
    **words("code", "attempt-no", "enhanced-code", "bounce-code"),
    **dict.fromkeys(("message", "description"), TEXT),
}
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        **words("severity", "log-level"),
        "reason": TEXT,
        "delivery-status": _STATUS,
        "reject": {"reason": TEXT, "description": TEXT},
    },
    _UNKNOWN,
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the signature inside the body, or raise SignatureError; headers are ignored."""
    key = signatures.require_secret(secret, _SECRET_HELP)
    timestamp, token, signature = _signature(body)
    signatures.require_recent(timestamp, now, _TOLERANCE)
    expected = signatures.hex_hmac(key, signatures.as_bytes(timestamp + token))
    signatures.require_any([signature.lower()], [expected])


def once(body: bytes) -> tuple[str, str]:
    """Return the token of a verified call and a digest of its event, or raise SignatureError."""
    timestamp, token, _ = _signature(body)
    return digest([timestamp, token]), digest(Fields.of(json_body(body)).values.get("event-data"))


def _signature(body: bytes) -> tuple[str, str, str]:
    try:
        block = Fields.of(json_body(body)).get_fields("signature")
        return block.get_text("timestamp"), block.get_text("token"), block.get_text("signature")
    except PayloadError as problem:
        raise SignatureError(
            SignatureFault.MISSING,
            f"No signature can be read from the body ({problem.field}).",
            remedy="Point a current Mailgun webhook, which sends JSON, at this address.",
        ) from None


def split(body: bytes) -> list[Part]:
    """Return the event or events of a body, or raise PayloadError naming the invalid field."""
    return events_under("event-data", body, "must be an object.")


def read(event: Fields) -> list[MailEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    why = event.find_text("reason") or ""
    kind = _kind(event, why)
    return [
        MailEvent(
            kind=kind,
            provider=PROVIDER.name,
            event_id=_event_id(event),
            occurred_at=event.find_moment("timestamp"),
            recipient=event.find_address("recipient"),
            message_id=_message_id(event),
            permanent=_is_permanent(event, kind, why),
            reason=_reason(event, why),
            raw=event.values,
        )
    ]


def _kind(event: Fields, why: str) -> EventKind | None:
    name = event.get_text("event")
    severity = event.find_text("severity") or "" if name == "failed" else ""
    kind = _KINDS.get((name, severity))
    return _SUPPRESSED.get(why, kind) if kind is EventKind.BOUNCED else kind


def _is_permanent(event: Fields, kind: EventKind | None, why: str) -> bool:
    failed = event.get_text("event") == "failed"
    return failed and kind is EventKind.BOUNCED and why not in _NOT_THE_ADDRESS


def _event_id(event: Fields) -> str:
    # Mailgun's id is only promised to be unique within a day, so the time is part of the key.
    second, own = event.find_moment("timestamp"), event.find_text("id")
    return f"{int(second.timestamp())}-{own}" if second and own else digest(event.values)


def _message_id(event: Fields) -> str | None:
    variables = event.find_fields("user-variables")
    carried = variables.find_text(_VARIABLE) if variables else None
    message = event.find_fields("message")
    headers = message.find_fields("headers") if message else None
    return bare_message_id(carried or (headers.find_text("message-id") if headers else None))


def _reason(event: Fields, why: str) -> str:
    status = event.find_fields("delivery-status")
    reject = event.find_fields("reject")
    said = status and (status.find_text("message") or status.find_text("description"))
    return said or (reject and reject.find_text("reason")) or why


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header by which Mailgun repeats our Message-ID in every event."""
    return {"X-Mailgun-Variables": json.dumps({_VARIABLE: message_id})}


PROVIDER = Provider(
    name="mailgun",
    verify=verify,
    split=split,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    tolerance=_TOLERANCE,
    signs_body=False,
    once=once,
    smtp_hosts=("smtp.mailgun.org", "smtp.*.mailgun.org"),
    headers_for=headers_for,
    keeps_own_suppressions=True,
    suppressions_hint=_SUPPRESSIONS_HINT,
)
