"""Brevo: one event or a list of events per call, authenticated by a token or credentials.

Brevo signs nothing. A webhook can be given a bearer token, or Basic credentials in its URL.
https://developers.brevo.com/docs/transactional-webhooks and /docs/secured-webhooks
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.kept_payload import TEXT, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import Fields, bare_message_id, digest
from nurture.signatures import require_credentials

_SECRET_HELP = (
    "Choose a long random token and set it as the webhook's bearer token at Brevo, "
    "or use name:password here and in the webhook's address."
)
_SUPPRESSIONS_HINT = (
    "Brevo keeps a list of its own as well: unblock the address there, among the "
    "blocked contacts of Transactional."
)

#: The flag means that the address itself is no good. `blocked` is Brevo's own list, which contains
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

#: Brevo replaces the Message-ID and returns this header unchanged.
_CARRIER = "X-Mailin-custom"

#: What distinguishes one event from another; `id` is the webhook's and the same in all of them.
_TELLING = ("event", "message-id", "email", "ts_epoch", "ts_event", "link", _CARRIER)

#: The times that are in UTC whatever the account's time zone, the best one first. `date` is by the
#: account's own clock, which we do not know.
_TIMES = ("ts_epoch", "ts_event")

_UNKNOWN = words("event", "id", *_TIMES, "date")
_KEEPS = KeptFields({**_UNKNOWN, "reason": TEXT}, _UNKNOWN)


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the token or credentials, or raise SignatureError; neither body nor time is signed."""
    require_credentials(secret, headers, _SECRET_HELP)


def read(event: Fields) -> list[MailEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    kind, permanent = _MEANINGS.get(event.get_text("event"), (None, False))
    return [
        MailEvent(
            kind=kind,
            provider=PROVIDER.name,
            event_id=_event_id(event),
            occurred_at=event.find_moment(_TIMES[0]) or event.find_moment(_TIMES[1]),
            recipient=event.find_address("email"),
            message_id=_message_id(event),
            permanent=permanent,
            reason=event.find_text("reason") or "",
            raw=event.values,
        )
    ]


def _event_id(event: Fields) -> str:
    told = [event.values.get(name) for name in _TELLING]
    timed = any(event.find_moment(name) for name in _TIMES)
    return digest(*told) if timed else digest(*told, event.values.get("date"))


def _message_id(event: Fields) -> str | None:
    carried = event.values.get(_CARRIER)
    if isinstance(carried, str) and "@" in carried and "{" not in carried:
        return bare_message_id(carried)
    return bare_message_id(event.find_text("message-id"))


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header by which Brevo returns our Message-ID."""
    return {_CARRIER: message_id}


PROVIDER = Provider(
    name="brevo",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    signs_body=False,
    smtp_hosts=("smtp-relay.brevo.com", "smtp-relay.sendinblue.com"),
    headers_for=headers_for,
    rewrites=frozenset({"message-id"}),
    keeps_own_suppressions=True,
    suppressions_hint=_SUPPRESSIONS_HINT,
)
