"""Calls of form services: what each sends, and how it signs."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent / "service_payloads"

#: The services whose forms are captured here.
SERVICES = (
    *("anything", "framer", "google_forms", "jotform", "mailing_lists", "make", "n8n"),
    *("squarespace", "standard_data", "tally", "typeform", "webflow", "wix", "zapier"),
)

#: Signs a body with a secret at a time, and returns the headers.
Sign = Callable[[str, bytes, datetime], dict[str, str]]


def names() -> list[str]:
    """Return the captured forms of the services as `typeform/response`."""
    paths = (path for one in SERVICES for path in sorted((PAYLOADS / one).glob("*.json")))
    return [f"{path.parent.name}/{path.stem}" for path in paths]


def body_of(name: str) -> bytes:
    """Return a captured form as it was sent."""
    return (PAYLOADS / f"{name}.json").read_bytes()


def fields_of(name: str) -> dict[str, Any]:
    """Return the fields of a captured form."""
    fields: dict[str, Any] = json.loads(body_of(name))
    return fields


def _mac(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def sign_as_typeform(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    signature = base64.b64encode(_mac(secret, body)).decode()
    return {"Typeform-Signature": f"sha256={signature}"}


def sign_as_tally(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {"Tally-Signature": base64.b64encode(_mac(secret, body)).decode()}


def sign_as_webflow(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    stamp = str(int(now.timestamp() * 1000))
    signature = _mac(secret, stamp.encode() + b":" + body).hex()
    return {"x-webflow-timestamp": stamp, "x-webflow-signature": signature}


def sign_as_framer(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    number = "0fbbb90e-564b-4870-ac8b-78f9bc4e44a6"
    signature = _mac(secret, body + number.encode()).hex()
    return {
        "Framer-Webhook-Submission-Id": number,
        "Framer-Signature": f"sha256={signature}",
    }


#: How each service with a proof signs, and one of its captured forms.
SIGNERS: Mapping[str, tuple[Sign, str]] = {
    "framer": (sign_as_framer, "framer/form"),
    "tally": (sign_as_tally, "tally/response"),
    "typeform": (sign_as_typeform, "typeform/response"),
    "webflow": (sign_as_webflow, "webflow/form-submission"),
}
