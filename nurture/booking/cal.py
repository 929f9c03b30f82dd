"""Cal.com: one event per call; only the body is signed.

https://cal.com/docs/developing/guides/automation/webhooks
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.booking import BookingProvider
from nurture.domain.kept_payload import KeptFields, words
from nurture.domain.tracking.events import BookingEvent
from nurture.payload import Fields, PayloadError, digest
from nurture.signatures import hex_hmac, require_any, require_secret, required_header

_HEADER = "X-Cal-Signature-256"
_SECRET_HELP = "Use the secret entered where the webhook was made at Cal.com."

#: Booked, cancelled, rescheduled. A booking that awaits the owner's confirmation or payment
#: (BOOKING_REQUESTED, BOOKING_PAYMENT_INITIATED) is not an appointment yet.
_MEANINGS = {
    "BOOKING_CREATED": (True, False, False),
    "BOOKING_RESCHEDULED": (True, False, True),
    "BOOKING_CANCELLED": (False, True, False),
}


_UNKNOWN = {**words("triggerEvent", "createdAt"), "payload": words("uid", "bookingId")}
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        "payload": words(
            *("uid", "bookingId", "rescheduleUid", "rescheduleId", "eventTypeId", "status"),
            *("startTime", "endTime", "rescheduleStartTime", "rescheduleEndTime"),
        ),
    },
    _UNKNOWN,
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over the body, or raise SignatureError; Cal.com signs no time."""
    key = require_secret(secret, _SECRET_HELP)
    require_any([required_header(headers, _HEADER).lower()], [hex_hmac(key, body)])


def read(call: Fields) -> list[BookingEvent]:
    """Return one event for each attendee, or raise PayloadError naming the invalid field.

    The first attendee made the booking, the others are guests: each may be a subscriber.
    """
    trigger = call.get_text("triggerEvent")
    if trigger not in _MEANINGS:
        return [_event(call, trigger, digest(call.values), None, None)]
    return _appointment(call, trigger, call.get_fields("payload"))


def _appointment(call: Fields, trigger: str, payload: Fields) -> list[BookingEvent]:
    called, starts_at = _called(call, payload), payload.find_moment("startTime")
    return [
        _event(call, trigger, f"{called} {number}", email, starts_at)
        for number, email in enumerate(_attendees(payload), start=1)
    ]


def _attendees(payload: Fields) -> list[str]:
    """Return the attendees' addresses; if they have none, the one that the booker entered."""
    listed = [attendee.find_address("email") for attendee in payload.objects("attendees")]
    answers = payload.find_fields("responses") or Fields({})
    found = [email for email in listed if email]
    if not found and (answered := answers.find_address("email")):
        found = [answered]
    if not found:
        problem = "holds no email address."
        raise PayloadError("payload.attendees", problem, remedy="Send the default payload.")
    return found


def _called(call: Fields, payload: Fields) -> str:
    """Return a key for one call about an appointment; a moved one may have no new uid."""
    uid = payload.find_text("uid") or payload.find_text("rescheduleUid")
    created = call.find_text("createdAt")
    return f"{uid} {created}" if uid and created else digest(call.values)


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


PROVIDER = BookingProvider(
    name="cal",
    secret_setting="NURTURE_CAL_SECRET",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
)
