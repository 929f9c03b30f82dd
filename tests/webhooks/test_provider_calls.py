"""Calls from mail providers and calendars: only signed ones count, and each event only once."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from nurture.domain.messages.status import MessageStatus
from nurture.signatures import sign_standard_webhook
from nurture.store.tables.events import events
from nurture.store.tables.refused_calls import refused_calls
from nurture.store.tables.suppressions import suppressions
from tests.installation import MAIL_SECRET, Installation, as_json, calendly_call
from tests.installations import ScriptedSink

ANN = "ann@example.org"
MAIL = "/webhooks/mail/generic"


def bounce(home: Installation, number: str = "e1", **more: object) -> dict[str, Any]:
    """Return a bounce of Ann's address in our own plain format."""
    event = {
        "id": number,
        "type": "bounced",
        "recipient": ANN,
        "permanent": True,
        "occurred_at": home.clock.now.isoformat(),
        "reason": "550 No such user",
    }
    return {"events": [event | more]}


def call(home: Installation, document: object, path: str = MAIL) -> TestResponse:
    """Make a signed call."""
    body = as_json(document)
    headers = sign_standard_webhook(MAIL_SECRET, "msg_1", home.clock.now, body)
    return home.client.post(path, data=body, headers=headers, content_type="application/json")


def test_a_signed_bounce_suppresses_and_gets_an_empty_reply(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    message_id = smtp_sink.mails[0].message["Message-ID"]
    answer = call(home, bounce(home, message_id=message_id, recipient=None))
    assert (answer.status_code, answer.data) == (204, b"")
    assert home.statuses(ANN) == [("your-guide", MessageStatus.BOUNCED)]
    assert [row["reason"] for row in home.rows(suppressions)] == ["bounced"]


def test_a_call_delivered_three_times_counts_once(home: Installation) -> None:
    for _ in range(3):
        assert call(home, bounce(home)).status_code == 204
    assert len(home.rows(events)) == 1


def test_one_odd_event_does_not_affect_the_others_and_is_noted_by_its_field(
    home: Installation,
) -> None:
    document = bounce(home)
    document["events"] += [{"id": "e2", "recipient": "bob@example.org"}, "Bob’s secret"]
    assert call(home, document).status_code == 204
    assert [row["kind"] for row in home.rows(events)] == ["bounced"]
    assert len(home.rows(suppressions)) == 1
    noted = home.rows(refused_calls)
    assert [(row["status"], row["field"]) for row in noted] == [
        (422, "events[1].type"),
        (422, "events[2]"),
    ]
    assert "bob" not in str(noted).casefold()


def test_the_odd_event_of_one_call_is_not_noted_again_by_the_next(home: Installation) -> None:
    document = bounce(home)
    document["events"].append({})
    call(home, document)
    call(home, bounce(home, "e2"))
    assert len(home.rows(refused_calls)) == 1


def test_a_bounce_without_a_time_counts_from_its_arrival(home: Installation) -> None:
    assert call(home, bounce(home, occurred_at="yesterday")).status_code == 204
    assert [row["happened_at"] for row in home.rows(events)] == [home.clock.now]


def test_an_unknown_event_kind_is_recorded_and_changes_nothing(home: Installation) -> None:
    assert call(home, bounce(home, type="teleported")).status_code == 204
    assert [row["kind"] for row in home.rows(events)] == ["unknown"]
    assert home.rows(suppressions) == []


def test_characters_no_column_accepts_do_no_harm(home: Installation) -> None:
    document = bounce(home, reason="a\0b\ud800", recipient="a\0@example.org")
    assert call(home, document).status_code == 204
    assert len(home.rows(events)) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, 401)],
)
def test_an_unsigned_call_changes_nothing(
    sqlite_home: Installation, headers: dict[str, str], status: int
) -> None:
    body = as_json(bounce(sqlite_home))
    answer = sqlite_home.client.post(MAIL, data=body, headers=headers)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert sqlite_home.rows(events) == []


def test_a_provider_without_a_secret_is_refused(sqlite_home: Installation) -> None:
    body = as_json(bounce(sqlite_home))
    for provider in ("postmark", "sendgrid", "mailgun", "brevo"):
        answer = sqlite_home.client.post(
            f"/webhooks/mail/{provider}", data=body, headers={"Authorization": "Basic Og=="}
        )
        assert answer.status_code == 401
    assert sqlite_home.rows(events) == []


def test_an_unknown_provider_is_not_found(sqlite_home: Installation) -> None:
    for path in ("/webhooks/mail/pigeon", "/webhooks/bookings/pigeon"):
        answer = call(sqlite_home, {}, path)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize("document", [[], {}, {"events": 1}, {"events": [1]}, {"events": [{}]}])
def test_a_malformed_body_is_refused_with_the_field(
    sqlite_home: Installation, document: object
) -> None:
    answer = call(sqlite_home, document)
    assert answer.status_code == 422
    assert answer.get_json(force=True)["field"]


def test_an_oversized_body_is_refused(sqlite_home: Installation) -> None:
    answer = call(sqlite_home, {"events": [], "x": "x" * 5_000_000})
    assert answer.status_code == 413


def test_the_caller_is_asked_to_retry_while_the_database_is_unavailable(
    sqlite_home: Installation,
) -> None:
    from webhooks import create_app

    home = sqlite_home
    away = home.another(NURTURE_DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    body = as_json(bounce(home))
    headers = sign_standard_webhook(MAIL_SECRET, "msg_1", home.clock.now, body)
    answer = create_app(away).test_client().post(MAIL, data=body, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_calendar_call_is_refused_with_the_unusable_field(sqlite_home: Installation) -> None:
    answer = calendly_call(sqlite_home, "invitee.created", "", "A1")
    assert answer.status_code == 422
    assert answer.get_json(force=True)["field"] == "payload.email"
    assert (
        calendly_call(sqlite_home, "routing_form_submission.created", "", "A1").status_code == 204
    )
    assert [row["kind"] for row in sqlite_home.rows(events)] == ["unknown"]
