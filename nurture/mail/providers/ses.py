"""Amazon SES: events as SNS notifications, signed with a certificate of Amazon's.

Amazon signs for every customer alike, so a good signature alone says nothing: the topic has to
be ours. Checking needs Amazon's certificate, which changes about once a year. It is read from a
file that the owner put there, because a call from outside must not make this program fetch
anything; where that is wanted all the same, `provider(fetch_certificate)` takes the fetching.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from nurture.domain.events import EventKind, MailEvent
from nurture.domain.payload import Fields, PayloadError, bare_message_id, digest, json_body
from nurture.mail.providers import Provider, Verify
from nurture.signatures import (
    SignatureError,
    SignatureFault,
    as_bytes,
    require_any,
    require_secret,
    wrong_signature,
)

#: From a certificate's address, and the path that the owner configured, to its PEM bytes.
FetchCertificate = Callable[[str, str], bytes]

_SECRET_HELP = (
    "Set the SNS topic's ARN, a blank, and the path of the PEM file "
    "that the SigningCertURL of its messages leads to."
)

#: The time signed is that of the event, and SNS tries again for up to an hour.
_TOLERANCE = timedelta(minutes=65)

_CERTIFICATE_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")

_NOTIFICATION_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION_FIELDS = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)

#: By event; for bounces by bounceType. The flag says that the address itself is no good.
#: `Subscription` is any change at SES's own preference page, which nobody opens to get more.
_MEANINGS: dict[tuple[str, str], tuple[EventKind, bool]] = {
    ("Delivery", ""): (EventKind.DELIVERED, False),
    ("DeliveryDelay", ""): (EventKind.DEFERRED, False),
    ("Open", ""): (EventKind.OPENED, False),
    ("Click", ""): (EventKind.CLICKED, False),
    ("Complaint", ""): (EventKind.COMPLAINED, False),
    ("Subscription", ""): (EventKind.UNSUBSCRIBED, False),
    ("Reject", ""): (EventKind.BOUNCED, False),
    ("Bounce", "Permanent"): (EventKind.BOUNCED, True),
    ("Bounce", "Transient"): (EventKind.BOUNCED, False),
    ("Bounce", "Undetermined"): (EventKind.BOUNCED, False),
}

#: Where each event keeps its details.
_DETAILS = {"DeliveryDelay": "deliveryDelay"}


def read_certificate(url: str, path: str) -> bytes:
    """Return the certificate that the owner keeps in a file; SignatureError where there is none."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "Amazon's signing certificate is not where the setting says.",
            remedy=f"Save what {url} holds in the file that NURTURE_SES_SECRET names.",
        ) from None


def verifier(fetch_certificate: FetchCertificate) -> Verify:
    """Return a `verify` that gets Amazon's certificate in the given way."""

    def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Check topic, time and signature (version 2) of an SNS message. SignatureError."""
        require_secret(secret, _SECRET_HELP)
        topic, _, path = secret.strip().partition(" ")
        try:
            message = Fields.of(json_body(body))
            require_any([message.get_text("TopicArn")], [topic])
            _require_recent(message.get_moment("Timestamp"), now)
            key = _public_key(fetch_certificate(_certificate_url(message), path.strip()))
            _require_signature(key, message)
        except PayloadError as problem:
            raise SignatureError(
                SignatureFault.MISSING,
                f"No SNS signature can be read from the body ({problem.field}).",
                remedy="Subscribe this address to the SNS topic, with raw delivery off.",
            ) from None

    return verify


def _require_recent(signed_at: datetime, now: datetime) -> None:
    if abs(now - signed_at) > _TOLERANCE:
        raise SignatureError(SignatureFault.STALE, "The SNS message is too old, or of the future.")


def _certificate_url(message: Fields) -> str:
    url = message.get_text("SigningCertURL")
    try:
        parts = urlsplit(url)
        trusted = parts.scheme == "https" and _CERTIFICATE_HOST.fullmatch(parts.netloc)
    except ValueError:
        trusted = None
    if not trusted:
        raise SignatureError(
            SignatureFault.WRONG, "The signing certificate is not at an address of Amazon SNS."
        )
    return url


def _public_key(certificate: bytes) -> RSAPublicKey:
    try:
        key = load_pem_x509_certificate(certificate).public_key()
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "Amazon's signing certificate cannot be used.",
            remedy=_SECRET_HELP,
        )
    return key


def _require_signature(key: RSAPublicKey, message: Fields) -> None:
    if message.get_text("SignatureVersion") != "2":
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The SNS message is signed with SHA-1 or not at all.",
            remedy="Set the topic's SignatureVersion attribute to 2.",
        )
    try:
        offered = base64.b64decode(as_bytes(message.get_text("Signature")), validate=True)
        key.verify(offered, _signed_content(message), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        raise wrong_signature() from None


def _signed_content(message: Fields) -> bytes:
    notification = message.get_text("Type") == "Notification"
    names = _NOTIFICATION_FIELDS if notification else _CONFIRMATION_FIELDS
    present = [(name, message.values.get(name)) for name in names]
    return as_bytes("".join(f"{n}\n{v}\n" for n, v in present if isinstance(v, str)))


def parse(body: bytes) -> list[MailEvent]:
    """Return an SNS message's events, one for each recipient; PayloadError names the field.

    The request to confirm the subscription is kept as an event without a kind: its `reason` says
    which address the owner has to open.
    """
    message = Fields.of(json_body(body))
    if message.get_text("Type") != "Notification":
        return [_not_ses(message)]
    event = Fields.of(json_body(as_bytes(message.get_text("Message"))), "Message")
    return _events(message, event)


def _not_ses(message: Fields) -> MailEvent:
    return MailEvent(
        kind=None,
        provider="ses",
        event_id=message.get_text("MessageId"),
        occurred_at=message.get_moment("Timestamp"),
        recipient=None,
        message_id=None,
        permanent=False,
        reason=f"Open this address once to confirm: {message.find_text('SubscribeURL')}",
        raw=message.values,
    )


def _events(message: Fields, event: Fields) -> list[MailEvent]:
    name = event.find_text("eventType") or event.get_text("notificationType")
    details = event.find_fields(_DETAILS.get(name, name.lower())) or Fields({})
    bounce_type = details.find_text("bounceType") or "" if name == "Bounce" else ""
    kind, permanent = _MEANINGS.get((name, bounce_type), (None, False))
    return [
        MailEvent(
            kind=kind,
            provider="ses",
            event_id=f"{message.get_text('MessageId')}-{digest(recipient)}",
            occurred_at=details.find_moment("timestamp") or message.get_moment("Timestamp"),
            recipient=recipient,
            message_id=_message_id(event),
            permanent=permanent,
            reason=reason,
            raw=event.values,
        )
        for recipient, reason in _recipients(event, details)
    ]


def _recipients(event: Fields, details: Fields) -> list[tuple[str | None, str]]:
    names = ("bouncedRecipients", "complainedRecipients", "delayedRecipients")
    listed = [recipient for name in names for recipient in details.objects(name)]
    why = _reason(details)
    if listed:
        return [(r.find_text("emailAddress"), r.find_text("diagnosticCode") or why) for r in listed]
    mail = event.find_fields("mail")
    destination = mail.values.get("destination") if mail else None
    addresses = destination if isinstance(destination, list) else []
    return [(address, why) for address in addresses if isinstance(address, str)] or [(None, why)]


def _reason(details: Fields) -> str:
    names = ("smtpResponse", "bounceSubType", "complaintFeedbackType", "delayType", "reason")
    return next((said for name in names if (said := details.find_text(name))), "")


def _message_id(event: Fields) -> str | None:
    # SES puts a Message-ID of its own on the mail, and keeps ours among the headers it was given.
    mail = event.find_fields("mail")
    for header in mail.objects("headers") if mail else []:
        if (header.find_text("name") or "").lower() == "message-id":
            return bare_message_id(header.find_text("value"))
    common = mail.find_fields("commonHeaders") if mail else None
    return bare_message_id(common.find_text("messageId")) if common else None


def provider(fetch_certificate: FetchCertificate) -> Provider:
    """Return the provider with a way of its own to get Amazon's certificate."""
    return Provider(
        name="ses",
        verify=verifier(fetch_certificate),
        parse=parse,
        secret_help=_SECRET_HELP,
        tolerance=_TOLERANCE,
    )


PROVIDER = provider(read_certificate)
