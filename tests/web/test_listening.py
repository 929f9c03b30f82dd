"""Tokens work once, and a provider's question is answered only by pressing a button."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.mail.amazon import AmazonUnavailableError, Certificates
from nurture.mail.providers import ses
from nurture.services.inbound import authenticity
from nurture.services.subscribers import erasure
from nurture.signatures import hex_hmac
from nurture.store.tables.events import events
from nurture.store.tables.provider_calls import call_requests, used_tokens
from nurture.web.studio.website import overview
from tests.installation import Installation
from tests.mail.amazon_calls import CERTIFICATE, OURS, YES, notification, signed_by_amazon
from tests.mail.provider_calls import payloads
from tests.web.studio import send


def mailgun(home: Installation, event: str, token: str = "t-1", recipient: str = "") -> int:
    body = json.loads(payloads("mailgun")[event])
    if recipient:
        body["event-data"]["recipient"] = recipient
    timestamp = str(int(home.clock.now.timestamp()))
    signature = hex_hmac(b"signing-key", f"{timestamp}{token}".encode())
    body["signature"] = {"timestamp": timestamp, "token": token, "signature": signature}
    home.context.settings.secrets["NURTURE_MAILGUN_SECRET"] = "signing-key"  # type: ignore[index]
    return home.client.post("/webhooks/mail/mailgun", json=body).status_code


def test_a_used_token_is_accepted_only_for_the_same_event(home: Installation) -> None:
    assert mailgun(home, "delivered") == 204
    assert mailgun(home, "delivered") == 204
    assert mailgun(home, "complained") == 401
    assert mailgun(home, "delivered", recipient="other@example.org") == 401
    assert mailgun(home, "complained", token="t-2") == 204
    assert sorted(row["kind"] for row in home.rows(events)) == ["complained", "delivered"]


def test_tokens_are_deleted_once_their_signatures_have_expired(
    sqlite_home: Installation,
) -> None:
    for number in range(3):
        assert mailgun(sqlite_home, "delivered", token=f"t-{number}") == 204
    assert len(sqlite_home.rows(used_tokens)) == 3
    sqlite_home.clock.advance(timedelta(hours=19))
    assert mailgun(sqlite_home, "delivered", token="t-9") == 204
    assert len(sqlite_home.rows(used_tokens)) == 1


def ask(home: Installation, monkeypatch: pytest.MonkeyPatch, address: str = YES) -> None:
    """Let Amazon ask, as it does when our URL is entered for a topic."""
    said = {"Message": "You have chosen to subscribe.", "MessageId": "m-1"}
    said |= {"SubscribeURL": address, "Timestamp": home.clock.now.isoformat(), "Token": "t"}
    said |= {"TopicArn": OURS, "Type": "SubscriptionConfirmation"}
    signature = signed_by_amazon("".join(f"{n}\n{v}\n" for n, v in said.items()))
    body = said | {"SignatureVersion": "2", "Signature": signature}
    body["SigningCertURL"] = YES.partition("?")[0] + "SimpleNotificationService-0123456789ab.pem"
    monkeypatch.setattr(ses._certificates, "_load", lambda url: CERTIFICATE)
    home.context.settings.secrets["NURTURE_SES_SECRET"] = OURS  # type: ignore[index]
    assert home.client.post("/webhooks/mail/ses", json=body).status_code == 204


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that the studio opens."""
    found: list[str] = []
    monkeypatch.setattr(overview, "download", found.append)
    return found


def test_an_amazon_subscription_is_confirmed_by_one_press_and_nothing_else(
    sqlite_home: Installation,
    paul: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[str],
) -> None:
    ask(sqlite_home, monkeypatch)
    assert "SubscribeURL" not in str(sqlite_home.rows(events))
    page = paul.get("/studio/settings/website")
    assert "Amazon asks whether it may call here" in page.text
    assert YES.partition("?")[2] not in page.text
    assert opened == []
    answer = send(paul, "/studio/settings/website", "/studio/settings/calls/mail/ses/yes")
    assert answer.status_code == 303
    assert opened == [YES]
    assert sqlite_home.rows(call_requests) == []
    assert "Amazon asks" not in paul.get("/studio/settings/website").text
    send(paul, "/studio/settings/website", "/studio/settings/calls/mail/ses/yes")
    assert opened == [YES]


def test_a_subscription_request_lapses_when_amazon_would_no_longer_accept_it(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sqlite_home, monkeypatch)
    home, now = sqlite_home, sqlite_home.clock.now
    assert authenticity.asked_by(home.context.database, "ses", now) is not None
    sqlite_home.clock.advance(timedelta(days=4))
    assert authenticity.asked_by(home.context.database, "ses", home.clock.now) is None
    erasure.tidy(home.context.database, home.context.files, home.clock.now)
    assert home.rows(call_requests) == []


def test_a_confirmation_address_outside_amazon_is_never_stored(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sqlite_home, monkeypatch, "https://evil.example/?Action=ConfirmSubscription")
    assert sqlite_home.rows(call_requests) == []


def test_amazon_is_asked_to_retry_if_its_certificate_is_unavailable(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Amazon gives up after a refusal, but calls again after a server error."""

    def away(url: str) -> bytes:
        raise AmazonUnavailableError("Not now.")

    monkeypatch.setattr(ses, "_certificates", Certificates(away))
    sqlite_home.context.settings.secrets["NURTURE_SES_SECRET"] = OURS  # type: ignore[index]
    told = notification("x") | {"Timestamp": sqlite_home.clock.now.isoformat()}
    answer = sqlite_home.client.post("/webhooks/mail/ses", json=told)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
