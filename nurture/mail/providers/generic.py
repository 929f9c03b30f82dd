"""Any mail system that can call a webhook: our own plain format, with an open-standard signature.

The body is `{"events": [{"id", "type", "message_id", "recipient", "occurred_at", "reason",
"permanent"}]}`; `type` is required and uses our own names. Without an `id`, events that agree
in every field count as one; without `occurred_at`, the time of the call is used.
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.kept_payload import TEXT, WORD, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import Fields, Part, bare_message_id, digest, events_under
from nurture.signatures import FIVE_MINUTES, verify_standard_webhook

#: A mail system cannot report `downloaded` or `booked`.
_KINDS = {
    kind.value: kind
    for kind in (
        EventKind.DELIVERED,
        EventKind.DEFERRED,
        EventKind.BOUNCED,
        EventKind.COMPLAINED,
        EventKind.OPENED,
        EventKind.CLICKED,
        EventKind.UNSUBSCRIBED,
    )
}


_UNKNOWN = words("id", "type", "occurred_at")
_KEEPS = KeptFields({**_UNKNOWN, "permanent": WORD, "reason": TEXT}, _UNKNOWN)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a Standard Webhooks signature, or raise SignatureError; blanks separate secrets."""
    verify_standard_webhook(secret.split(), headers, body, now)


def split(body: bytes) -> list[Part]:
    """Return the events of a body in order, or raise PayloadError naming the invalid field."""
    return events_under("events", body, "must be a list.")


def read(event: Fields) -> list[MailEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    return [
        MailEvent(
            kind=_KINDS.get(event.get_text("type")),
            provider=PROVIDER.name,
            event_id=event.find_text("id") or digest(event.values),
            occurred_at=event.find_moment("occurred_at"),
            recipient=event.find_address("recipient"),
            message_id=bare_message_id(event.find_text("message_id")),
            permanent=event.flag("permanent"),
            reason=event.find_text("reason") or "",
            raw=event.values,
        )
    ]


PROVIDER = Provider(
    name="generic",
    verify=verify,
    split=split,
    read=read,
    keeps=_KEEPS,
    secret_help="Make a whsec_ secret and give the same one to the system that calls.",
    tolerance=FIVE_MINUTES,
)
