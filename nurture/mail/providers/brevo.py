"""Brevo: one event a call, or a list of them, vouched for by a token or credentials.

Brevo signs nothing. A webhook can be given a bearer token, or Basic credentials in its address.
https://developers.brevo.com/docs/transactional-webhooks and /docs/secured-webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.events import EventKind, MailEvent
from nurture.domain.payload import Fields, bare_message_id, digest, json_body, objects
from nurture.mail.providers import Provider
from nurture.signatures import require_credentials

_SECRET_HELP = (
    "Choose a long random token and set it as the webhook's bearer token at Brevo, "
    "or use name:password here and in the webhook's address."
)

#: The flag says that the address itself is no good. `blocked` is Brevo's own list, which holds
#: people who unsubscribed as well as dead addresses, so it says nothing about the address.
_MEANINGS: dict[str, tuple[EventKind, bool]] = {
    "delivered": (EventKind.DELIVERED, False),
    "deferred": (EventKind.DEFERRED, False),
    "hard_bounce": (EventKind.BOUNCED, True),
    "invalid_email": (EventKind.BOUNCED, True),
    "soft_bounce": (EventKind.BOUNCED, False),
    "blocked": (EventKind.BOUNCED, False),
    "error": (EventKind.BOUNCED, False),
    "spam": (EventKind.COMPLAINED, False),
    "complaint": (EventKind.COMPLAINED, False),
    "unsubscribe": (EventKind.UNSUBSCRIBED, False),
    "unsubscribed": (EventKind.UNSUBSCRIBED, False),
    "opened": (EventKind.OPENED, False),
    "unique_opened": (EventKind.OPENED, False),
    "proxy_open": (EventKind.OPENED, False),
    "unique_proxy_open": (EventKind.OPENED, False),
    "click": (EventKind.CLICKED, False),
}

#: The year 5138 in seconds: a larger count is of milliseconds.
_LAST_SECOND = 100_000_000_000

#: Brevo replaces the Message-ID and hands this header back as it was.
_CARRIER = "X-Mailin-custom"

#: What tells one event from another; `id` is the webhook's and the same in all of them.
_TELLING = ("event", "message-id", "email", "ts_epoch", "ts_event", "link", _CARRIER)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the token or credentials; Brevo offers nothing about body or time. SignatureError."""
    require_credentials(secret, headers, _SECRET_HELP)


def parse(body: bytes) -> list[MailEvent]:
    """Return a body's event or events; PayloadError names the field at fault."""
    value = json_body(body)
    events = objects(value) if isinstance(value, list) else [Fields.of(value)]
    return [_event(event) for event in events]


def _event(event: Fields) -> MailEvent:
    kind, permanent = _MEANINGS.get(event.get_text("event"), (None, False))
    return MailEvent(
        kind=kind,
        provider=PROVIDER.name,
        event_id=digest(*(event.values.get(name) for name in _TELLING)),
        occurred_at=_occurred_at(event),
        recipient=event.find_text("email"),
        message_id=_message_id(event),
        permanent=permanent,
        reason=event.find_text("reason") or "",
        raw=event.values,
    )


def _occurred_at(event: Fields) -> datetime:
    # Only ts_epoch is UTC whatever the account's time zone. It comes in milliseconds, although
    # the documentation's own samples show seconds.
    count = event.values.get("ts_epoch")
    if isinstance(count, (int, float)) and count > _LAST_SECOND:
        return event.get_unix("ts_epoch", per_second=1000)
    return event.find_unix("ts_epoch") or event.get_unix("ts_event")


def _message_id(event: Fields) -> str | None:
    carried = event.values.get(_CARRIER)
    if isinstance(carried, str) and "@" in carried and "{" not in carried:
        return bare_message_id(carried)
    return bare_message_id(event.find_text("message-id"))


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header by which Brevo hands our Message-ID back."""
    return {_CARRIER: message_id}


PROVIDER = Provider(
    name="brevo",
    verify=verify,
    parse=parse,
    secret_help=_SECRET_HELP,
    signs_body=False,
    headers_for=headers_for,
)
