"""Calendly: one event per call, with the time and body signed.

A moved appointment arrives as two calls: the old one's `invitee.canceled` with `rescheduled`,
and the new one's `invitee.created` with `old_invitee`.
https://developer.calendly.com/docs/api-guides/webhook-signatures
"""

from collections.abc import Mapping
from datetime import datetime

from nurture import signatures
from nurture.booking import BookingProvider
from nurture.domain.kept_payload import WORD, KeptFields, words
from nurture.domain.tracking.events import BookingEvent
from nurture.payload import Fields, digest
from nurture.signatures import SignatureError, SignatureFault

_HEADER = "Calendly-Webhook-Signature"
_SECRET_HELP = "Use the signing_key that the Calendly webhook subscription was created with."

#: Whether someone without an appointment now has one, by event name.
_HAS_APPOINTMENT = {"invitee.created": True, "invitee.canceled": False}


_UNKNOWN = {**words("event", "created_at"), "payload": {"uri": WORD}}
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        "payload": {
            **words("uri", "status", "rescheduled", "created_at", "updated_at"),
            **words("old_invitee", "new_invitee"),
            "scheduled_event": words("uri", "status", "start_time", "end_time"),
            "cancellation": words("canceler_type", "created_at"),
        },
    },
    _UNKNOWN,
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over `t.body` with five minutes' tolerance, or raise SignatureError."""
    key = signatures.require_secret(secret, _SECRET_HELP)
    timestamp, offered = _parts(signatures.required_header(headers, _HEADER))
    signatures.require_recent(timestamp, now, signatures.FIVE_MINUTES)
    signed = signatures.as_bytes(timestamp) + b"." + body
    signatures.require_any(offered, [signatures.hex_hmac(key, signed)])


def _parts(header: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    offered = [value.lower() for name, _, value in pairs if name == "v1" and value]
    if len(timestamps) != 1 or not offered:
        raise SignatureError(
            SignatureFault.MALFORMED,
            f"The {_HEADER} header is not `t=…,v1=…`.",
            remedy="Create the webhook subscription with a signing_key.",
        )
    return timestamps[0], offered


def read(call: Fields) -> list[BookingEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    name = call.get_text("event")
    if name not in _HAS_APPOINTMENT:
        return [_not_understood(call, name)]
    return [_event(call, name, call.get_fields("payload"))]


def _event(call: Fields, name: str, invitee: Fields) -> BookingEvent:
    booked = _HAS_APPOINTMENT[name]
    moved = invitee.find_text("old_invitee") is not None if booked else invitee.flag("rescheduled")
    return BookingEvent(
        provider=PROVIDER.name,
        event_id=f"{name} {invitee.find_text('uri') or digest(call.values)}",
        occurred_at=call.find_moment("created_at"),
        email=invitee.get_address("email"),
        booked=booked,
        cancelled=not booked and not moved,
        rescheduled=moved,
        starts_at=_starts_at(invitee),
        raw=call.values,
    )


def _not_understood(call: Fields, name: str) -> BookingEvent:
    return BookingEvent(
        provider=PROVIDER.name,
        event_id=f"{name} {digest(call.values)}",
        occurred_at=call.find_moment("created_at"),
        email=None,
        booked=False,
        cancelled=False,
        rescheduled=False,
        starts_at=None,
        raw=call.values,
    )


def _starts_at(invitee: Fields) -> datetime | None:
    appointment = invitee.find_fields("scheduled_event")
    return appointment.find_moment("start_time") if appointment else None


PROVIDER = BookingProvider(
    name="calendly",
    secret_setting="NURTURE_CALENDLY_SECRET",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    tolerance=signatures.FIVE_MINUTES,
)
