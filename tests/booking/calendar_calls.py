"""Calendars' captured calls, and how each calendar signs one."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from nurture.signatures import new_secret, sign_standard_webhook

PAYLOADS = Path(__file__).parent / "payloads"
READER = "reader@example.org"
GENERIC_SECRET = new_secret()


@dataclass(frozen=True)
class Scheme:
    """How a provider would sign a body."""

    secret: str
    wrong_secret: str
    sign: Callable[[bytes, datetime], dict[str, str]]


def sign_as_calendly(body: bytes, now: datetime) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    signature = hmac.new(b"signing-key", f"{timestamp}.".encode() + body, hashlib.sha256)
    return {"Calendly-Webhook-Signature": f"t={timestamp},v1={signature.hexdigest()}"}


def sign_as_cal(body: bytes, now: datetime) -> dict[str, str]:
    signature = hmac.new(b"cal-secret", body, hashlib.sha256)
    return {"X-Cal-Signature-256": signature.hexdigest()}


def sign_as_generic(body: bytes, now: datetime) -> dict[str, str]:
    return sign_standard_webhook(GENERIC_SECRET, "msg-1", now, body)


SCHEMES = {
    "calendly": Scheme("signing-key", "other-key", sign_as_calendly),
    "cal": Scheme("cal-secret", "other-secret", sign_as_cal),
    "generic": Scheme(GENERIC_SECRET, new_secret(), sign_as_generic),
}


@cache
def payloads(name: str) -> dict[str, bytes]:
    """Return the calls captured from a calendar, by the name of their file."""
    return {path.stem: path.read_bytes() for path in sorted((PAYLOADS / name).glob("*.json"))}
