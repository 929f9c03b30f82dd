"""The signup webhook: who may call, what is answered, and what is stored."""

from datetime import timedelta
from io import BytesIO

import pytest
from werkzeug.test import TestResponse

from nurture.signatures import sign_standard_webhook
from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signup_keys, signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.waiting_signups import waiting_signups
from tests.installation import SIGNUP_SECRET, SIGNUP_TOKEN, Installation, as_json
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.vocabulary import ANN, SERIES
from tests.webhooks.signup_calls import BEARER, PAIN, call, problem, signed


def test_a_signed_call_makes_a_subscriber_with_evidence_of_consent(home: Installation) -> None:
    body = as_json(
        {
            "email": " Ann@Example.org ",
            "first_name": "Ann",
            "consent": ["tracking"],
            "page_url": "https://practice.example.org/resources",
            "time_zone": "Europe/Paris",
            "client_ip": "2001:0DB8::0001",
            "user_agent": "A browser",
            "utm_source": "newsletter",
        }
    )
    answer = call(home, body, signed(home, body))
    assert (answer.status_code, answer.data) == (202, b'{"status":"accepted"}\n')
    [person] = home.rows(subscribers)
    assert (person["address"], person["first_name"]) == ("Ann@example.org", "Ann")
    assert person["time_zone"] == "Europe/Paris"
    kept = home.rows(consents)
    assert {row["purpose"] for row in kept} == {"guide", "series"}
    assert home.awaited(person["address"]) == {"tracking"}
    for row in at_least_one(kept):
        assert row["granted"]
        assert row["recorded_at"] == home.clock.now
        assert row["source"] == "form:pain-guide"
        assert row["wording"].startswith("Not making progress with your rehab?")
        assert len(row["wording_hash"]) == 64
        assert row["page_url"] == "https://practice.example.org/resources"
        assert (row["client"], row["user_agent"]) == ("2001:db8::1", "A browser")
    [signup] = home.rows(signups)
    assert signup["utm"] == {"utm_source": "newsletter"}


def test_a_form_may_be_url_encoded_as_by_a_browser(home: Installation) -> None:
    answer = home.client.post(
        PAIN,
        data={"email": ANN, "name": "Ann Example", "consent[]": ["tracking", "health_topics"]},
        headers=BEARER,
    )
    assert answer.status_code == 202
    person = home.person(ANN)
    assert person["first_name"] == "Ann"
    assert person["purposes"] == {"guide", *SERIES}
    assert home.awaited(ANN) == {"tracking", "health_topics"}


def test_a_form_may_be_sent_as_multipart(home: Installation) -> None:
    answer = home.client.post(
        PAIN,
        data={"email": ANN, "consent": "tracking", "file": (BytesIO(b"x"), "x.txt")},
        headers=BEARER,
        content_type="multipart/form-data",
    )
    assert answer.status_code == 202
    assert home.awaited(ANN) == {"tracking"}


def test_new_known_and_suppressed_addresses_get_the_same_answer(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    body = as_json({"email": ANN})
    new = call(home, body)
    known = call(home, body)
    smtp_sink.refuse(ANN)
    home.deliver()
    suppressed = call(home, body)
    answers = [(one.status_code, one.data, sorted(one.headers)) for one in (new, known, suppressed)]
    assert answers[0] == answers[1] == answers[2]


def test_nothing_is_sent_while_the_visitor_waits(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    assert call(home, as_json({"email": ANN})).status_code == 202
    assert smtp_sink.mails == []


def test_an_address_with_an_international_domain_gets_its_guide(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    answer = call(sqlite_home, as_json({"email": "ann@bücher.example.org"}))
    assert answer.status_code == 202
    sqlite_home.deliver()
    assert [mail.recipients for mail in smtp_sink.mails] == [("ann@xn--bcher-kva.example.org",)]


@pytest.mark.parametrize(
    "odd",
    [
        {"page_url": "javascript:alert(1)"},
        {"page_url": "http://[::1"},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "undefined"},
    ],
)
def test_an_invalid_optional_field_never_costs_anyone_their_guide(
    sqlite_home: Installation, odd: dict[str, str]
) -> None:
    assert call(sqlite_home, as_json({"email": ANN} | odd)).status_code == 202
    assert sqlite_home.person(ANN)["time_zone"] == "Europe/London"
    assert sqlite_home.rows(consents)[0]["page_url"] == ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "email"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.org"}, "email"),
        ({"email": "a@b@example.org"}, "email"),
        ({"email": "ann@example.org\r\nBcc: all@example.org"}, "email"),
        ({"email": ["ann@example.org"]}, "email"),
        ({"email": 17}, "email"),
        ({"email": "jörg@example.org"}, "email"),
        ({"email": "a" * 65 + "@example.org"}, "email"),
        ({"email": None}, "email"),
        ({"email": {"value": ANN}}, "email"),
    ],
)
def test_only_an_unusable_address_is_refused_and_nothing_is_stored(
    sqlite_home: Installation, fields: dict[str, object], field: str
) -> None:
    answer = call(sqlite_home, as_json(fields))
    assert answer.status_code == 422
    document = problem(answer)
    assert document["field"] == document["errors"][0]["field"] == field
    assert sqlite_home.rows(subscribers) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b"[" * 50_000, b"NaN"])
def test_a_body_that_is_not_a_json_object_is_a_bad_request(
    sqlite_home: Installation, body: bytes
) -> None:
    answer = call(sqlite_home, body)
    assert answer.status_code == 400
    problem(answer)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
def test_a_body_with_an_unsupported_content_type_is_not_read(
    sqlite_home: Installation, kind: str
) -> None:
    answer = sqlite_home.client.post(PAIN, data=b"email=x", headers=BEARER, content_type=kind)
    assert answer.status_code == 415
    problem(answer)


def test_an_oversized_body_is_refused(sqlite_home: Installation) -> None:
    answer = call(sqlite_home, as_json({"email": ANN, "x": "x" * 1_100_000}))
    assert answer.status_code == 413
    problem(answer)


def test_an_unknown_form_is_not_found_and_the_known_forms_are_named(
    sqlite_home: Installation,
) -> None:
    answer = call(sqlite_home, as_json({"email": ANN}), path="/webhooks/signup/nothing")
    assert answer.status_code == 404
    assert "pain-guide" in problem(answer)["detail"]
    assert sqlite_home.rows(subscribers) == []


def test_a_get_is_not_allowed_and_the_allowed_method_is_named(sqlite_home: Installation) -> None:
    answer = sqlite_home.client.get(PAIN)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    problem(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {SIGNUP_TOKEN}"},
        {"Authorization": "Bearer é"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "", **BEARER},
    ],
)
def test_an_unauthenticated_caller_is_refused(
    sqlite_home: Installation, headers: dict[str, str]
) -> None:
    answer = call(sqlite_home, as_json({"email": ANN}), headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"]
    problem(answer)
    assert sqlite_home.rows(subscribers) == []


def test_a_signature_is_valid_for_five_minutes(
    sqlite_home: Installation,
) -> None:
    home, body = sqlite_home, as_json({"email": ANN})
    headers = signed(home, body)
    home.clock.advance(timedelta(minutes=5))
    assert call(home, body, headers).status_code == 202
    home.clock.advance(timedelta(seconds=1))
    assert call(home, body, headers).status_code == 401
    home.clock.advance(timedelta(minutes=-11))
    assert call(home, body, headers).status_code == 401


def test_a_signature_covers_the_body_and_the_id(sqlite_home: Installation) -> None:
    home, body = sqlite_home, as_json({"email": ANN})
    headers = signed(home, body)
    assert call(home, body.replace(b"ann", b"bob"), headers).status_code == 401
    assert call(home, body, headers | {"webhook-id": "msg_2"}).status_code == 401
    assert home.rows(subscribers) == []


def test_the_old_and_the_new_secret_are_both_valid_during_rotation(
    sqlite_home: Installation,
) -> None:
    from webhooks import create_app

    home, body = sqlite_home, as_json({"email": ANN})
    newer = "whsec_bmV3ZXItc2VjcmV0LW9mLWEtdGVzdC1ob3VzZS0wMDE="
    rotating = home.another(
        NURTURE_SIGNUP_SECRET=f"{newer},{SIGNUP_SECRET}",
        NURTURE_SIGNUP_TOKEN=f"newer,{SIGNUP_TOKEN}",
    )
    client = create_app(rotating).test_client()
    by_newer = sign_standard_webhook(newer, "msg_2", home.clock.now, body)
    shown = [signed(home, body), by_newer, BEARER, {"Authorization": "Bearer newer"}]
    answers = [
        client.post(PAIN, data=body, headers=headers, content_type="application/json").status_code
        for headers in shown
    ]
    rotating.database.close()
    assert answers == [202] * 4


def test_the_same_call_twice_makes_one_signup(home: Installation) -> None:
    body = as_json({"email": ANN})
    for _ in range(3):
        assert call(home, body, BEARER | {"Idempotency-Key": "k1"}).status_code == 202
    headers = signed(home, body, "msg_7")
    for _ in range(3):
        assert call(home, body, headers).status_code == 202
    assert len(home.rows(signups)) == 2


def test_reusing_a_key_for_another_body_is_a_conflict(home: Installation) -> None:
    key = BEARER | {"Idempotency-Key": "k1"}
    assert call(home, as_json({"email": ANN}), key).status_code == 202
    answer = call(home, as_json({"email": "bob@example.org"}), key)
    assert answer.status_code == 409
    problem(answer)
    assert len(home.rows(subscribers)) == 1


def test_a_key_that_is_too_long_is_refused_by_name(sqlite_home: Installation) -> None:
    answer = call(sqlite_home, as_json({"email": ANN}), BEARER | {"Idempotency-Key": "k" * 256})
    assert answer.status_code == 400
    assert problem(answer)["field"] == "Idempotency-Key"


def test_a_long_signed_id_does_not_break_the_database(home: Installation) -> None:
    import random

    number = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6000))
    body = as_json({"email": ANN})
    assert call(home, body, signed(home, body, number)).status_code in (202, 400)


def test_a_failed_call_may_be_retried_with_the_same_key(home: Installation) -> None:
    key = BEARER | {"Idempotency-Key": "k1"}
    assert call(home, as_json({"email": ANN}), key, "/webhooks/signup/nothing").status_code == 404
    assert home.rows(signup_keys) == []
    assert call(home, as_json({"email": ANN}), key).status_code == 202


def test_a_flood_is_accepted_like_any_signup_and_waits(
    sqlite_home: Installation, clock_file: object
) -> None:
    from webhooks import create_app

    small = sqlite_home.another(NURTURE_SIGNUPS_PER_CLIENT_HOUR="3")
    client = create_app(small).test_client()

    def sign_up(n: int) -> TestResponse:
        body = as_json({"email": f"p{n}@example.org", "client_ip": "192.0.2.1"})
        return client.post(PAIN, data=body, headers=BEARER, content_type="application/json")

    answers = [sign_up(n) for n in range(5)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.data for answer in answers}) == 1
    assert len(sqlite_home.rows(subscribers)) == 3
    assert len(sqlite_home.rows(waiting_signups)) == 2
    small.database.close()


def test_the_website_is_asked_to_retry_while_the_database_is_unavailable(
    sqlite_home: Installation,
) -> None:
    from webhooks import create_app

    away = sqlite_home.another(NURTURE_DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    client = create_app(away).test_client()
    body = as_json({"email": ANN})
    answer = client.post(PAIN, data=body, headers=BEARER, content_type="application/json")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "127.0.0.1" not in problem(answer)["detail"] or ANN not in problem(answer)["detail"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
