"""Postmark: one event per call, authenticated by the credentials in the webhook's URL.

Postmark signs nothing. It sends the `name:password` of the URL it was given
(https://name:password@host/webhooks/mail/postmark) as Basic credentials.
https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from collections.abc import Mapping
from datetime import datetime

from nurture.domain.kept_payload import TEXT, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import Provider
from nurture.payload import Fields, bare_message_id, digest
from nurture.signatures import require_credentials

_SECRET_HELP = (
    "Choose a name and a password, set name:password here and put them "
    "into the webhook's address or its Basic auth fields at Postmark."
)
_SUPPRESSIONS_HINT = (
    "Postmark keeps a list of its own as well: reactivate the address there, under the "
    "Suppressions of the message stream."
)

#: By RecordType; for bounces by Type, for changes of subscription by SuppressionReason. The flag
#: means that the address itself is no good. Types that are absent (an automatic reply, a
#: reactivated address) mean nothing to us.
_MEANINGS: dict[tuple[str, str], tuple[EventKind, bool]] = {
    ("Delivery", ""): (EventKind.DELIVERED, False),
    ("Open", ""): (EventKind.OPENED, False),
    ("Click", ""): (EventKind.CLICKED, False),
    ("SpamComplaint", ""): (EventKind.COMPLAINED, False),
    ("Bounce", "HardBounce"): (EventKind.BOUNCED, True),
    ("Bounce", "BadEmailAddress"): (EventKind.BOUNCED, True),
    ("Bounce", "ManuallyDeactivated"): (EventKind.BOUNCED, True),
    ("Bounce", "SoftBounce"): (EventKind.BOUNCED, False),
    ("Bounce", "Blocked"): (EventKind.BOUNCED, False),
    ("Bounce", "SpamNotification"): (EventKind.BOUNCED, False),
    ("Bounce", "VirusNotification"): (EventKind.BOUNCED, False),
    ("Bounce", "DMARCPolicy"): (EventKind.BOUNCED, False),
    ("Bounce", "SMTPApiError"): (EventKind.BOUNCED, False),
    ("Bounce", "Unknown"): (EventKind.BOUNCED, False),
    ("Bounce", "Transient"): (EventKind.DEFERRED, False),
    ("Bounce", "DnsError"): (EventKind.DEFERRED, False),
    ("Bounce", "SpamComplaint"): (EventKind.COMPLAINED, False),
    ("Bounce", "Unsubscribe"): (EventKind.UNSUBSCRIBED, False),
    ("SubscriptionChange", "ManualSuppression"): (EventKind.UNSUBSCRIBED, False),
    ("SubscriptionChange", "SpamComplaint"): (EventKind.COMPLAINED, False),
    ("SubscriptionChange", "HardBounce"): (EventKind.BOUNCED, True),
}

_DETAIL_FIELD = {"Bounce": "Type", "SubscriptionChange": "SuppressionReason"}
_TIME_FIELDS = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")

_UNKNOWN = words("RecordType", "Type", "SuppressionReason", "ID", "MessageID", *_TIME_FIELDS)
_KEEPS = KeptFields(
    {
        **_UNKNOWN,
        **words("TypeCode", "SuppressSending", "Origin", "Inactive", "FirstOpen", "MessageStream"),
        **dict.fromkeys(("Details", "Description"), TEXT),
    },
    _UNKNOWN,
)

#: Postmark puts its own Message-ID into its events; ours travels as metadata.
_METADATA_KEY = "message-id"


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the Basic credentials, or raise SignatureError; neither body nor time is signed."""
    require_credentials(secret, headers, _SECRET_HELP)


def read(event: Fields) -> list[MailEvent]:
    """Parse one event, or raise PayloadError naming the invalid field."""
    kind, permanent = _meaning(event)
    return [
        MailEvent(
            kind=kind,
            provider=PROVIDER.name,
            event_id=_event_id(event),
            occurred_at=_occurred_at(event),
            recipient=event.find_address("Recipient") or event.find_address("Email"),
            message_id=_message_id(event),
            permanent=permanent,
            reason=event.find_text("Details") or event.find_text("Description") or "",
            raw=event.values,
        )
    ]


def _meaning(event: Fields) -> tuple[EventKind | None, bool]:
    record = event.get_text("RecordType")
    detail_field = _DETAIL_FIELD.get(record)
    detail = event.find_text(detail_field) or "" if detail_field else ""
    return _MEANINGS.get((record, detail), (None, False))


def _event_id(event: Fields) -> str:
    record = event.get_text("RecordType")
    number = event.find_text("ID")
    if number is not None:
        return f"{record}-{number}"
    told = ("MessageID", "Recipient", "OriginalLink", "SuppressSending", *_TIME_FIELDS)
    if _occurred_at(event) is None:
        return f"{record}-{digest(event.values)}"
    return f"{record}-{digest(*(event.values.get(name) for name in told))}"


def _occurred_at(event: Fields) -> datetime | None:
    found = (event.find_moment(name) for name in _TIME_FIELDS)
    return next((moment for moment in found if moment), None)


def _message_id(event: Fields) -> str | None:
    metadata = event.find_fields("Metadata")
    return bare_message_id(metadata.find_text(_METADATA_KEY)) if metadata else None


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the headers by which Postmark keeps our Message-ID and returns it."""
    return {"X-PM-KeepID": "true", f"X-PM-Metadata-{_METADATA_KEY}": message_id}


PROVIDER = Provider(
    name="postmark",
    verify=verify,
    read=read,
    keeps=_KEEPS,
    secret_help=_SECRET_HELP,
    signs_body=False,
    smtp_hosts=("smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"),
    headers_for=headers_for,
    rewrites=frozenset({"message-id"}),
    keeps_own_suppressions=True,
    suppressions_hint=_SUPPRESSIONS_HINT,
)
