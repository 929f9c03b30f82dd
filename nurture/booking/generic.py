"""Any calendar that can call a webhook: our own plain format, with an open-standard signature.

The body is `{"id", "type", "email", "starts_at", "occurred_at"}`, where `type` is `booked`,
`cancelled` or `rescheduled`; `type` and `email` are required. Without an `id`, events that agree
in every field count as one, so a sender without ids should include `occurred_at`.
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.booking import BookingProvider
from nurture.domain.kept_payload import KeptFields, words
from nurture.domain.tracking.events import BookingEvent
from nurture.payload import Fields, digest
from nurture.signatures import FIVE_MINUTES, verify_standard_webhook

#: Booked, cancelled, rescheduled.
_MEANINGS = {
    "booked": (True, False, False),
    "rescheduled": (True, False, True),
    "cancelled": (False, True, False),
}


_KEEPS = KeptFields(
    words("id", "type", "starts_at", "occurred_at"), words("id", "type", "occurred_at")
)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a Standard Webhooks signature, or raise SignatureError; blanks separate secrets."""
    verify_standard_webhook(secret.split(), headers, body, now)


def read(fields: Fields) -> list[BookingEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    booked, cancelled, rescheduled = _MEANINGS.get(fields.get_text("type"), (False, False, False))
    return [
        BookingEvent(
            provider=PROVIDER.name,
            event_id=fields.find_text("id") or digest(fields.values),
            occurred_at=fields.find_moment("occurred_at"),
            email=fields.get_address("email"),
            booked=booked,
            cancelled=cancelled,
            rescheduled=rescheduled,
            starts_at=fields.find_moment("starts_at"),
            raw=fields.values,
        )
    ]


PROVIDER = BookingProvider(
    name="generic",
    secret_setting="NURTURE_BOOKINGS_SECRET",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help="Make a whsec_ secret and give the same one to the system that calls.",
    tolerance=FIVE_MINUTES,
    aliases=("bookings",),
)
