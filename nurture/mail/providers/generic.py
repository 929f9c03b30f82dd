"""Any mail system that can call a webhook: our own plain shape, signed by the open standard.

The body is `{"events": [{"id", "type", "message_id", "recipient", "occurred_at", "reason",
"permanent"}]}`; `id`, `type` and `occurred_at` are required. The types are our own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.events import EventKind, MailEvent
from nurture.domain.payload import Fields, bare_message_id, json_body, objects
from nurture.mail.providers import Provider
from nurture.signatures import FIVE_MINUTES, verify_standard_webhook

#: `downloaded` and `booked` are not a mail system's to say.
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


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check a Standard Webhooks signature; blanks separate several secrets. SignatureError."""
    verify_standard_webhook(secret.split(), headers, body, now)


def parse(body: bytes) -> list[MailEvent]:
    """Return the events of a body, in its order; PayloadError names the field at fault."""
    fields = Fields.of(json_body(body))
    return [_event(event) for event in objects(fields.values.get("events"), "events")]


def _event(event: Fields) -> MailEvent:
    return MailEvent(
        kind=_KINDS.get(event.get_text("type")),
        provider=PROVIDER.name,
        event_id=event.get_text("id"),
        occurred_at=event.get_moment("occurred_at"),
        recipient=event.find_text("recipient"),
        message_id=bare_message_id(event.find_text("message_id")),
        permanent=event.flag("permanent"),
        reason=event.find_text("reason") or "",
        raw=event.values,
    )


PROVIDER = Provider(
    name="generic",
    verify=verify,
    parse=parse,
    secret_help="Make a whsec_ secret and give the same one to the system that calls.",
    tolerance=FIVE_MINUTES,
)
