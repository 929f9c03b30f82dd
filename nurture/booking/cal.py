"""Cal.com: one event a call, the body signed and nothing else.

https://cal.com/docs/developing/guides/automation/webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nurture.booking import Provider
from nurture.domain.events import BookingEvent
from nurture.domain.payload import Fields, PayloadError, digest, json_body
from nurture.signatures import hex_hmac, require_any, require_secret, required_header

_HEADER = "X-Cal-Signature-256"
_SECRET_HELP = "Use the secret entered where the webhook was made at Cal.com."

#: Booked, cancelled, rescheduled. What awaits the owner's confirmation or payment
#: (BOOKING_REQUESTED, BOOKING_PAYMENT_INITIATED) is no appointment yet.
_MEANINGS = {
    "BOOKING_CREATED": (True, False, False),
    "BOOKING_RESCHEDULED": (True, False, True),
    "BOOKING_CANCELLED": (False, True, False),
}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over the body; Cal.com signs no time. SignatureError."""
    key = require_secret(secret, _SECRET_HELP)
    require_any([required_header(headers, _HEADER).lower()], [hex_hmac(key, body)])


def parse(body: bytes) -> list[BookingEvent]:
    """Return one event for each attendee; PayloadError names the field at fault.

    The first attendee is who booked, the others are their guests: each may be a subscriber.
    """
    call = Fields.of(json_body(body))
    trigger = call.get_text("triggerEvent")
    if trigger not in _MEANINGS:
        return [_event(call, trigger, digest(call.values), None, None)]
    return _appointment(call, trigger, call.get_fields("payload"))


def _appointment(call: Fields, trigger: str, payload: Fields) -> list[BookingEvent]:
    emails = [attendee.get_text("email") for attendee in payload.objects("attendees")]
    if not emails:
        raise PayloadError("payload.attendees", "is empty.", remedy="Send the default payload.")
    called = f"{payload.get_text('uid')} {call.get_text('createdAt')}"
    starts_at = payload.find_moment("startTime")
    return [
        _event(call, trigger, f"{called} {number}", email, starts_at)
        for number, email in enumerate(emails, start=1)
    ]


def _event(
    call: Fields, trigger: str, which: str, email: str | None, starts_at: datetime | None
) -> BookingEvent:
    booked, cancelled, rescheduled = _MEANINGS.get(trigger, (False, False, False))
    return BookingEvent(
        provider=PROVIDER.name,
        event_id=f"{trigger} {which}",
        occurred_at=call.find_moment("createdAt"),
        email=email,
        booked=booked,
        cancelled=cancelled,
        rescheduled=rescheduled,
        starts_at=starts_at,
        raw=call.values,
    )


PROVIDER = Provider(
    name="cal",
    secret_setting="NURTURE_CAL_SECRET",
    verify=verify,
    parse=parse,
    secret_help=_SECRET_HELP,
)
