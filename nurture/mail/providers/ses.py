"""Amazon SES: events as SNS notifications, signed with one of Amazon's certificates.

Amazon signs alike for every customer, so a valid signature alone proves nothing: the topic must
be ours, and the signed text must allow only one reading. Checking needs Amazon's certificate,
which changes about once a year. No other call from outside makes this program fetch anything;
this one does, only from Amazon's own host and only for our own topic (see
`nurture.mail.amazon`). If the server has no outgoing access, it reads the certificate from a file.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from nurture import signatures
from nurture.domain.kept_payload import TEXT, WORD, KeptFields, words
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.amazon import Certificates, is_certificate, is_request
from nurture.mail.providers import Provider
from nurture.payload import (
    Fields,
    PayloadError,
    Verify,
    bare_address,
    bare_message_id,
    digest,
    json_body,
)
from nurture.signatures import SignatureError, SignatureFault
from nurture.tokens import find_step_mark

#: A function from a certificate's URL, and the path that the owner configured, to its PEM bytes.
FetchCertificate = Callable[[str, str], bytes]

_SECRET_HELP = (
    "Set the SNS topic's ARN. Where this server reaches nobody, set a blank behind it, and the "
    "path of the PEM file that the SigningCertURL of its messages leads to."
)
_SUPPRESSIONS_HINT = (
    "Amazon SES keeps a list of its own as well: remove the address there, from the "
    "account’s suppression list."
)

#: The signed time is that of the event, and SNS retries for up to an hour.
_TOLERANCE = timedelta(minutes=65)

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
#: The signed fields of each kind of message. A Subject may be missing.
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}

#: By event; for bounces by bounceType. The flag means that the address itself is no good.
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
    ("Bounce", ""): (EventKind.BOUNCED, False),
}

#: The part of each event that contains its details.
_DETAILS = {"DeliveryDelay": "deliveryDelay"}

#: The tag by which our Message-ID comes back.
_TAG, _STEP_TAG = "nurture", "nurture-step"

_SMTP_HOSTS = (
    *("email-smtp.*.amazonaws.com", "email-smtp.*.amazonaws.com.cn"),
    *("email-smtp-fips.*.amazonaws.com", "*.email-smtp.*.vpce.amazonaws.com"),
)

#: SES asks that the first four not be signed, and writes a Feedback-ID of its own.
#: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
_REWRITES = frozenset({"message-id", "date", "return-path", "bounces-to", "feedback-id"})

_RECIPIENTS = {**words("status", "action"), "diagnosticCode": TEXT}
_MAIL = words("messageId", "timestamp")
_UNKNOWN = {
    **words("Type", "MessageId", "Timestamp", "eventType", "notificationType"),
    "mail": _MAIL,
}
_KEEPS = KeptFields(
    {
        **words("eventType", "notificationType"),
        "mail": _MAIL,
        "bounce": {
            **words("bounceType", "bounceSubType", "feedbackId", "timestamp"),
            "bouncedRecipients": _RECIPIENTS,
        },
        "complaint": words(
            *("complaintFeedbackType", "complaintSubType", "feedbackId", "timestamp"),
        ),
        "delivery": {**words("timestamp", "processingTimeMillis"), "smtpResponse": TEXT},
        "deliveryDelay": {
            **words("timestamp", "delayType", "expirationTime"),
            "delayedRecipients": _RECIPIENTS,
        },
        "reject": {"reason": TEXT},
        "open": {"timestamp": WORD},
        "click": {"timestamp": WORD},
        "subscription": words("timestamp", "source"),
    },
    _UNKNOWN,
)


_certificates = Certificates()


def read_certificate(url: str, path: str) -> bytes:
    """Return Amazon's certificate, from the file named by the owner or else from Amazon.

    Raise SignatureError if the file is missing, AmazonUnavailableError so that Amazon calls again.
    """
    if not path:
        return _certificates.get(url)
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "Amazon's signing certificate is not where the setting says.",
            remedy=f"Save what {url} holds in the file that NURTURE_SES_SECRET names.",
        ) from None


def verifier(fetch_certificate: FetchCertificate) -> Verify:
    """Return a `verify` function that gets Amazon's certificate by the given function."""

    def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Check an SNS message's topic, time and signature (version 2), or raise SignatureError."""
        signatures.require_secret(secret, _SECRET_HELP)
        topic, _, path = secret.strip().partition(" ")
        try:
            message = Fields.of(json_body(body))
            signatures.require_any([message.get_text("TopicArn")], [topic])
            _require_recent(message.get_moment("Timestamp"), now)
            signed, version = _signed_content(message), message.get_text("SignatureVersion")
            _require_version(version)
            url = _certificate_url(message, topic)
            key = _public_key(fetch_certificate(url, path.strip()))
            _require_signature(key, message.get_text("Signature"), signed)
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


def _certificate_url(message: Fields, topic: str) -> str:
    url = message.get_text("SigningCertURL")
    if not is_certificate(url, topic):
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


def _require_version(version: str) -> None:
    if version != "2":
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The SNS message is signed with SHA-1 or not at all.",
            remedy="Set the topic's SignatureVersion attribute to 2.",
        )


def _require_signature(key: RSAPublicKey, signature: str, signed: bytes) -> None:
    try:
        offered = base64.b64decode(signatures.as_bytes(signature), validate=True)
        key.verify(offered, signed, PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        raise signatures.wrong_signature() from None


def _signed_content(message: Fields) -> bytes:
    """Return the text that Amazon signs: names and values, separated by line feeds.

    A line feed inside a value would allow one signed text to be read as different fields: the owner
    of any other topic could have Amazon sign a message that passes for ours. Only the message may
    contain line feeds, because the topic and the type follow it and contain none.
    """
    kind = message.values.get("Type")
    names = _SIGNED.get(kind) if isinstance(kind, str) else None
    if names is None:
        raise PayloadError("Type", "is none that Amazon SNS sends.")
    optional = {"Subject"} if message.values.get("Subject") is None else set()
    said = [(name, message.values.get(name)) for name in names if name not in optional]
    for name, value in said:
        if not isinstance(value, str) or (name != "Message" and len(f"{value}.".splitlines()) > 1):
            raise PayloadError(name, "is missing, or is more than one line.")
    return signatures.as_bytes("".join(f"{name}\n{value}\n" for name, value in said))


def read(message: Fields) -> list[MailEvent]:
    """Return an SNS message's events, one per recipient, or raise PayloadError naming the field.

    The request to confirm the subscription becomes an event without a kind; it carries the
    confirmation URL, which is not stored with the rest. Amazon's own plain-text notes, and messages
    that other programs publish to the topic, become events without a kind as well.
    """
    event = _told(message) if message.get_text("Type") == "Notification" else None
    return [_not_ses(message)] if event is None else _events(message, event)


def _told(message: Fields) -> Fields | None:
    """Return the event inside an SNS message, or None if it contains something else."""
    try:
        event = Fields.of(json_body(signatures.as_bytes(message.get_text("Message"))), "Message")
    except PayloadError:
        return None
    return event if _name(event) else None


def _name(event: Fields) -> str | None:
    return event.find_text("eventType") or event.find_text("notificationType")


def _not_ses(message: Fields) -> MailEvent:
    return MailEvent(
        kind=None,
        provider="ses",
        event_id=_sns_id(message),
        occurred_at=message.find_moment("Timestamp"),
        recipient=None,
        message_id=None,
        permanent=False,
        reason="",
        raw=message.values,
        confirm_url=_confirm_url(message),
    )


def _confirm_url(message: Fields) -> str:
    """Return the confirmation URL if one is requested and the URL is Amazon's own."""
    if message.values.get("Type") != "SubscriptionConfirmation":
        return ""
    url, topic = message.find_text("SubscribeURL") or "", message.find_text("TopicArn") or ""
    return url if is_request(url, topic) else ""


def _sns_id(message: Fields) -> str:
    return message.find_text("MessageId") or digest(message.values.get("Message"))


def _events(message: Fields, event: Fields) -> list[MailEvent]:
    name = _name(event) or ""
    details = event.find_fields(_DETAILS.get(name, name.lower())) or Fields({})
    bounce_type = details.find_text("bounceType") or "" if name == "Bounce" else ""
    kind, permanent = _MEANINGS.get((name, bounce_type), (None, False))
    return [
        MailEvent(
            kind=kind,
            provider="ses",
            event_id=f"{_sns_id(message)}-{digest(recipient)}",
            occurred_at=details.find_moment("timestamp") or message.find_moment("Timestamp"),
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
    told = [(r.find_address("emailAddress"), r.find_text("diagnosticCode") or why) for r in listed]
    if any(address for address, _ in told):
        return told
    mail = event.find_fields("mail")
    destination = mail.values.get("destination") if mail else None
    addresses = destination if isinstance(destination, list) else [destination]
    return [(found, why) for one in addresses if (found := bare_address(one))] or [(None, why)]


def _reason(details: Fields) -> str:
    names = ("smtpResponse", "bounceSubType", "complaintFeedbackType", "delayType", "reason")
    return next((said for name in names if (said := details.find_text(name))), "")


def _message_id(event: Fields) -> str | None:
    # SES gives the email a Message-ID of its own. Ours comes back as a tag, and among the headers
    # if the owner has these included and there are not too many of them.
    mail = event.find_fields("mail")
    return (_tagged(mail) or _from_headers(mail)) if mail else None


def _tagged(mail: Fields) -> str | None:
    left, mark = _tag(mail, _TAG), _tag(mail, _STEP_TAG)
    return left and left.replace("-", ".", 1) + (f"@{mark}" if mark else "")


def _tag(mail: Fields, name: str) -> str | None:
    tags = mail.find_fields("tags")
    listed = tags.values.get(name) if tags else None
    value = listed[0] if isinstance(listed, list) and listed else listed
    return value if isinstance(value, str) and value else None


def _from_headers(mail: Fields) -> str | None:
    for header in mail.objects("headers"):
        if (header.find_text("name") or "").lower() == "message-id":
            return bare_message_id(header.find_text("value"))
    common = mail.find_fields("commonHeaders")
    return bare_message_id(common.find_text("messageId")) if common else None


def headers_for(message_id: str) -> Mapping[str, str]:
    """Return the header by which SES returns our Message-ID as a tag.

    A tag may contain only letters, digits, hyphens and underscores, so the dot becomes a hyphen;
    of the domain only our own mark is sent, in a separate tag.
    """
    said = f"{_TAG}={message_id.partition('@')[0].replace('.', '-')}"
    mark = find_step_mark(message_id)
    return {"X-SES-MESSAGE-TAGS": f"{said}, {_STEP_TAG}={mark}" if mark else said}


def provider(fetch_certificate: FetchCertificate) -> Provider:
    """Return the SES provider with the given function for getting Amazon's certificate."""
    return Provider(
        name="ses",
        verify=verifier(fetch_certificate),
        read=read,
        keeps=_KEEPS,
        secret_help=_SECRET_HELP,
        tolerance=_TOLERANCE,
        smtp_hosts=_SMTP_HOSTS,
        headers_for=headers_for,
        rewrites=_REWRITES,
        keeps_own_suppressions=True,
        suppressions_hint=_SUPPRESSIONS_HINT,
    )


PROVIDER = provider(read_certificate)
