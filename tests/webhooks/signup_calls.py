"""The website's signup calls and the answers to them."""

from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from nurture.signatures import sign_standard_webhook
from tests.installation import SIGNUP_SECRET, SIGNUP_TOKEN, Installation

PAIN = "/webhooks/signup/pain-guide"
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}


def call(
    home: Installation, body: bytes, headers: Mapping[str, str] = BEARER, path: str = PAIN
) -> TestResponse:
    """Make one of the website's calls with a JSON body."""
    return home.client.post(path, data=body, headers=headers, content_type="application/json")


def problem(answer: TestResponse) -> dict[str, Any]:
    """Return the problem document of an error answer."""
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = answer.get_json(force=True)
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    return document


def signed(home: Installation, body: bytes, number: str = "msg_1") -> dict[str, str]:
    """Return the three headers of a signed call."""
    return sign_standard_webhook(SIGNUP_SECRET, number, home.clock.now, body)
