"""Checking others' signatures: does this call really come from where it claims?

Everything here is a decision over values. The secret, the headers, the body and `now` come in; a
`SignatureError` or a plain answer comes out. No message ever repeats a secret, or what the right
signature would have been, because both would help someone who is guessing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from nurture.domain.errors import NurtureError

SECRET_PREFIX = "whsec_"
FIVE_MINUTES = timedelta(minutes=5)

_SECRET_HELP = f"Set it to {SECRET_PREFIX} followed by the base64 of 24 to 64 random bytes."


class SignatureFault(StrEnum):
    """What was wrong with a signature."""

    MISSING = "missing"
    MALFORMED = "malformed"
    STALE = "stale"
    WRONG = "wrong"


class SignatureError(NurtureError):
    """A call that was not proved to come from the holder of the secret; do not act on it."""

    def __init__(self, reason: SignatureFault, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


def verify_standard_webhook(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta = FIVE_MINUTES,
    prefix: str = "webhook",
) -> str:
    """Return the `webhook-id` of a call that one of the secrets signed, or raise SignatureError.

    This follows Standard Webhooks 1.0.0, "Signature scheme" and "Verifying webhook authenticity":
    the signature covers id, timestamp and body. Several secrets allow for rotation: each is tried
    against each `v1` candidate. The id stays the same when the sender tries again, so it makes a
    replay recognisable. The names of the headers begin with `prefix`, which is `svix` in the scheme
    that this one grew out of.
    """
    webhook_id = required_header(headers, f"{prefix}-id")
    timestamp = required_header(headers, f"{prefix}-timestamp")
    offered = _v1_candidates(required_header(headers, f"{prefix}-signature"))
    keys = _keys(secrets)
    require_recent(timestamp, now, tolerance)
    content = _signed_content(webhook_id, timestamp, body)
    require_any(offered, [base64_hmac(key, content) for key in keys])
    return webhook_id


def sign_standard_webhook(
    secret: str, webhook_id: str, now: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers that make a body verifiable, as a sender sends them."""
    timestamp = str(int(now.timestamp()))
    signature = base64_hmac(secret_key(secret), _signed_content(webhook_id, timestamp, body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def new_secret() -> str:
    """Return a new `whsec_` secret of 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(randomness.token_bytes(32)).decode("ascii")


def secret_key(secret: str) -> bytes:
    """Return the key bytes inside a `whsec_` secret; raise SignatureError if there are none."""
    encoded = secret.strip().removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not key or not secret.strip().startswith(SECRET_PREFIX):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The secret configured for this webhook cannot be used.",
            remedy=_SECRET_HELP,
        )
    return key


def _keys(secrets: Sequence[str]) -> list[bytes]:
    if not secrets:
        raise no_secret(_SECRET_HELP)
    return [secret_key(secret) for secret in secrets]


def _v1_candidates(header: str) -> list[str]:
    versioned = [candidate.partition(",") for candidate in header.split(" ") if candidate]
    candidates = [value for version, _, value in versioned if version == "v1" and value]
    if not candidates:
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The webhook-signature header holds no v1 signature.",
            remedy="Send `v1,` followed by the base64 of an HMAC-SHA256, as Standard Webhooks say.",
        )
    return candidates


def _signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return b".".join([as_bytes(webhook_id), as_bytes(timestamp), body])


# The functions below are shared with schemes that providers devised themselves.


def find_header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value, ignoring the case of its name (RFC 9110 section 5.1), or None."""
    for candidate, value in headers.items():
        if candidate.lower() == name.lower():
            return value.strip() or None
    return None


def required_header(headers: Mapping[str, str], name: str) -> str:
    """Return a header's value; raise SignatureError if it is missing or empty."""
    value = find_header(headers, name)
    if value is None:
        raise SignatureError(
            SignatureFault.MISSING,
            f"The {name} header is missing.",
            remedy="Check that signing is switched on where the webhook was set up.",
        )
    return value


def require_secret(secret: str, help_text: str) -> bytes:
    """Return a configured secret as bytes; an empty one never verifies anything."""
    if not secret.strip():
        raise no_secret(help_text)
    return as_bytes(secret.strip())


def no_secret(help_text: str) -> SignatureError:
    """Return the error for a webhook that has no secret."""
    return SignatureError(
        SignatureFault.MISSING, "No secret is configured for this webhook.", remedy=help_text
    )


def require_recent(timestamp: str, now: datetime, tolerance: timedelta) -> None:
    """Raise SignatureError unless the text is whole Unix seconds within the tolerance."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The timestamp is not a whole number of seconds since 1970.",
            remedy="Send Unix seconds.",
        )
    signed_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(timestamp))
    if abs(now - signed_at) > tolerance:
        raise SignatureError(
            SignatureFault.STALE,
            "The signature was made too long ago, or in the future.",
            remedy="Sign again, and check that both clocks are right.",
        )


def require_any(offered: Sequence[str], expected: Sequence[str]) -> None:
    """Raise SignatureError unless something offered equals something expected.

    Every pair is compared, each in constant time, so that the time it needs reveals nothing about
    which one came close.
    """
    matches = [
        hmac.compare_digest(as_bytes(left), as_bytes(right))
        for left in offered
        for right in expected
    ]
    if not any(matches):
        raise wrong_signature()


def wrong_signature() -> SignatureError:
    """Return the error for a signature that does not match."""
    return SignatureError(
        SignatureFault.WRONG,
        "The signature does not fit this body and our secret.",
        remedy="Check that both sides hold the same secret and that nothing rewrites the body.",
    )


def require_credentials(secret: str, headers: Mapping[str, str], help_text: str) -> None:
    """Raise SignatureError unless the Authorization header contains the secret.

    This is for providers that sign nothing: `Basic` (RFC 7617, the secret is `name:password`) or
    `Bearer` (RFC 6750, the secret is the token). It proves who knows the secret, and nothing about
    the body.
    """
    expected = require_secret(secret, help_text)
    scheme, _, offered = required_header(headers, "authorization").partition(" ")
    if scheme.lower() == "basic":
        presented = _from_base64(offered)
    elif scheme.lower() == "bearer":
        presented = as_bytes(offered.strip())
    else:
        raise SignatureError(
            SignatureFault.MALFORMED,
            "The Authorization header is neither Basic nor Bearer.",
            remedy=help_text,
        )
    if not hmac.compare_digest(presented, expected):
        raise wrong_signature()


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(as_bytes(text.strip()), validate=True)
    except binascii.Error:
        raise SignatureError(
            SignatureFault.MALFORMED, "The Basic credentials are not base64."
        ) from None


def hex_hmac(key: bytes, message: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) in lower-case hexadecimal."""
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def base64_hmac(key: bytes, message: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) in base64."""
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode("ascii")


def as_bytes(text: str) -> bytes:
    """Return text as UTF-8; never fail, so that odd characters merely compare as different."""
    return text.encode("utf-8", "surrogatepass")
