"""What all mail providers have in common, and what each one's own terms mean.

A provider that the registry finds but that has no `Scheme` here fails the first test.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.mail.providers import PayloadError, Provider, registry
from nurture.mail.providers import ses as ses_module
from nurture.signatures import (
    SignatureError,
    SignatureFault,
    new_secret,
)
from tests.mail.provider_calls import (
    NOW,
    PAYLOADS,
    TOPIC,
    Scheme,
    every_scheme,
    payloads,
)
from tests.presence import at_least_one

MESSAGE_ID = "enrolment-7.your-guide@mail.example.org"
READER = "reader@example.org"


@pytest.fixture(scope="module")
def schemes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Scheme]:
    return every_scheme(tmp_path_factory.mktemp("ses"))


@pytest.fixture(params=sorted(registry()))
def provider(request: pytest.FixtureRequest) -> Provider:
    return registry()[request.param]


@pytest.fixture
def scheme(provider: Provider, schemes: Mapping[str, Scheme]) -> Scheme:
    assert provider.name in schemes, f"tell this file how {provider.name} signs"
    return schemes[provider.name]


def a_body(provider: Provider) -> bytes:
    return next(iter(payloads(provider.name).values()))


# What holds for every provider.


def fault_of(
    provider: Provider, secret: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> SignatureFault | None:
    """Return why a call is refused at that time, or `None` if it is accepted."""
    try:
        provider.verify(secret, headers, body, at)
    except SignatureError as error:
        return error.reason
    return None


def test_every_provider_has_captured_payloads_with_a_stated_source(
    provider: Provider,
) -> None:
    assert payloads(provider.name)
    assert (PAYLOADS / provider.name / "README").read_text().strip()


def test_a_provider_and_its_setting_are_named_after_its_module(provider: Provider) -> None:
    assert provider.verify.__module__ == f"nurture.mail.providers.{provider.name}"
    assert provider.secret_setting == f"NURTURE_{provider.name.upper()}_SECRET"
    assert provider.secret_help.endswith(".")


def test_a_call_signed_by_the_provider_is_accepted(provider: Provider, scheme: Scheme) -> None:
    for body in payloads(provider.name).values():
        headers, signed = scheme.sign(body, NOW)
        provider.verify(scheme.secret, headers, signed, NOW)


def test_header_names_are_case_insensitive(provider: Provider, scheme: Scheme) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    provider.verify(scheme.secret, {k.upper(): v for k, v in headers.items()}, body, NOW)
    provider.verify(scheme.secret, {k.lower(): v for k, v in headers.items()}, body, NOW)


def test_a_wrong_secret_is_refused_and_never_repeated(provider: Provider, scheme: Scheme) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    with pytest.raises(SignatureError) as refused:
        provider.verify(scheme.wrong_secret, headers, body, NOW)
    assert refused.value.reason is SignatureFault.WRONG
    assert scheme.wrong_secret not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "   "])
def test_no_call_is_accepted_without_a_secret(
    provider: Provider, scheme: Scheme, secret: str
) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    empty = {"Authorization": "Basic ", "authorization": "Bearer "}
    for offered in (headers, headers | empty):
        with pytest.raises(SignatureError):
            provider.verify(secret, offered, body, NOW)


def test_a_call_without_a_signature_is_refused(provider: Provider, scheme: Scheme) -> None:
    with pytest.raises(SignatureError):
        provider.verify(scheme.secret, {}, a_body(provider), NOW)
    with pytest.raises(SignatureError):
        provider.verify(scheme.secret, {}, b"{}", NOW)


def test_every_header_of_a_signature_is_required(provider: Provider, scheme: Scheme) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    fewer = {
        name: {other: headers[other] for other in headers if other != name} for name in headers
    }
    faults = {name: fault_of(provider, scheme.secret, fewer[name], body, NOW) for name in headers}
    assert faults == dict.fromkeys(headers, SignatureFault.MISSING)


def test_a_changed_body_is_refused_unless_the_provider_does_not_sign_it(
    provider: Provider, scheme: Scheme
) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    tampered = body.replace(READER.encode(), b"victim@example.org")
    assert tampered != body
    wrong = SignatureFault.WRONG if provider.signs_body else None
    assert fault_of(provider, scheme.secret, headers, tampered, NOW) is wrong


def test_a_stale_call_is_refused_unless_the_provider_signs_no_time(
    provider: Provider, scheme: Scheme
) -> None:
    headers, body = scheme.sign(a_body(provider), NOW)
    longest = provider.tolerance or timedelta(days=400)
    stale = SignatureFault.STALE if provider.tolerance else None
    assert fault_of(provider, scheme.secret, headers, body, NOW + longest) is None
    for wrong_clock in (1, -1):
        later = NOW + wrong_clock * (longest + timedelta(seconds=1))
        assert fault_of(provider, scheme.secret, headers, body, later) is stale


def test_a_redelivery_is_recognised_by_its_event_ids(provider: Provider, scheme: Scheme) -> None:
    for body in at_least_one(payloads(provider.name).values()):
        _, first = scheme.sign(body, NOW)
        _, again = scheme.sign(body, NOW + timedelta(minutes=30))
        assert ids(provider.parse(first)) == ids(provider.parse(again))


def test_different_events_have_different_ids(provider: Provider) -> None:
    every = [event for body in payloads(provider.name).values() for event in provider.parse(body)]
    assert len(set(ids(every))) == len(every)
    assert all(0 < len(event_id) <= 200 for event_id in at_least_one(ids(every)))


def ids(events: list[MailEvent]) -> list[str]:
    return [event.event_id for event in events]


def test_every_captured_event_names_our_message_the_recipient_and_a_utc_time(
    provider: Provider,
) -> None:
    for name, body in at_least_one(payloads(provider.name).items()):
        for event in at_least_one(provider.parse(body)):
            assert event.provider == provider.name
            assert event.occurred_at is not None and event.occurred_at.tzinfo is UTC
            assert event.raw
            ours = (None, None) if name == "confirmation" else (MESSAGE_ID, READER)
            assert (event.message_id, event.recipient) == ours


def test_only_a_bounce_may_be_permanent(provider: Provider) -> None:
    for body in at_least_one(payloads(provider.name).values()):
        for event in at_least_one(provider.parse(body)):
            assert not event.permanent or event.kind is EventKind.BOUNCED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


def assert_parses_or_names_a_field(provider: Provider, body: bytes) -> None:
    try:
        events = provider.parse(body)
    except PayloadError as problem:
        assert problem.field
        assert str(problem)
    else:
        json.dumps([event.raw for event in events], allow_nan=False).encode()
        assert "\\u0000" not in json.dumps([event.raw for event in events])


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode))
def test_a_garbage_body_raises_only_a_payload_error(body: bytes) -> None:
    for provider in registry().values():
        assert_parses_or_names_a_field(provider, body)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_one_corrupted_field_raises_a_payload_error_or_does_no_harm(data: st.DataObject) -> None:
    provider = registry()[data.draw(st.sampled_from(sorted(registry())))]
    sample = json.loads(data.draw(st.sampled_from(list(payloads(provider.name).values()))))
    body = json.dumps(with_one_change(sample, data)).encode()
    assert_parses_or_names_a_field(provider, body)


def with_one_change(sample: Any, data: st.DataObject) -> Any:
    """Return the sample with one value, anywhere in it, replaced by any other."""
    sample = copy.deepcopy(sample)
    holder, key = data.draw(st.sampled_from(list(places(sample))))
    inside = isinstance(holder[key], str) and holder[key].startswith("{")
    if inside:
        holder[key] = json.dumps(with_one_change(json.loads(holder[key]), data))
    else:
        holder[key] = data.draw(json_values)
    return sample


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places(value[key])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"\xff\xfe",
        b"NaN",
        b"1e999",
        b"9" * 5000,
        b"",
    ],
)
def test_hostile_json_raises_only_a_payload_error(provider: Provider, body: bytes) -> None:
    with pytest.raises(PayloadError):
        provider.parse(body)


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode),
    header=st.text(max_size=40),
    secret=st.text(max_size=40),
)
def test_a_garbage_signature_raises_only_a_signature_error(
    body: bytes, header: str, secret: str
) -> None:
    names = ["authorization", "webhook-id", "webhook-timestamp", "webhook-signature"]
    names += ["svix-id", "svix-timestamp", "svix-signature"]
    names += ["x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"]
    for provider in registry().values():
        for secret_tried in (secret, provider_key(provider)):
            for headers in (dict.fromkeys(names, header), {"authorization": f"Basic {header}"}):
                with pytest.raises(SignatureError):
                    provider.verify(secret_tried, headers, body, NOW)


def provider_key(provider: Provider) -> str:
    keys = {"generic": new_secret(), "resend": new_secret(), "ses": f"{TOPIC} /nowhere"}
    return keys.get(provider.name, SENDGRID_KEY if provider.name == "sendgrid" else "k" * 41)


# What each provider's words mean.

OURS = [
    ("generic", "events", ["delivered", "bounced!", None]),
    ("postmark", "delivery", ["delivered"]),
    ("postmark", "hard_bounce", ["bounced!"]),
    ("postmark", "transient", ["deferred"]),
    ("postmark", "spam_complaint", ["complained"]),
    ("postmark", "auto_responder", [None]),
    ("postmark", "open", ["opened"]),
    ("postmark", "click", ["clicked"]),
    ("postmark", "unsubscribe", ["unsubscribed"]),
    ("postmark", "resubscribe", [None]),
    ("mailgun", "delivered", ["delivered"]),
    ("mailgun", "failed_permanent", ["bounced!"]),
    ("mailgun", "failed_given_up", ["bounced"]),
    ("mailgun", "failed_temporary", ["deferred"]),
    ("mailgun", "suppressed_unsubscribe", ["unsubscribed"]),
    ("mailgun", "opened", ["opened"]),
    ("mailgun", "clicked", ["clicked"]),
    ("mailgun", "complained", ["complained"]),
    ("mailgun", "unsubscribed", ["unsubscribed"]),
    ("mailgun", "accepted", [None]),
    ("brevo", "delivered", ["delivered"]),
    ("brevo", "hard_bounce", ["bounced!"]),
    ("brevo", "spam", ["complained"]),
    ("brevo", "batch", [None, "opened", "clicked", "clicked", "unsubscribed", "deferred"]),
    (
        "sendgrid",
        "events",
        [None, "deferred", "delivered", "bounced!", "bounced", "unsubscribed"]
        + ["opened", "clicked", "complained", "unsubscribed", None],
    ),
    ("resend", "sent", [None]),
    ("resend", "delivered", ["delivered"]),
    ("resend", "delivery_delayed", ["deferred"]),
    ("resend", "bounced_permanent", ["bounced!"]),
    ("resend", "bounced_transient", ["bounced"]),
    ("resend", "bounced_undetermined", ["bounced"]),
    ("resend", "complained", ["complained"]),
    ("resend", "opened", ["opened"]),
    ("resend", "clicked", ["clicked"]),
    ("resend", "failed", ["bounced"]),
    ("resend", "suppressed", ["bounced"]),
    ("ses", "delivery", ["delivered"]),
    ("ses", "bounce", ["bounced!"]),
    ("ses", "complaint", ["complained"]),
    ("ses", "delay", ["deferred"]),
    ("ses", "click", ["clicked"]),
    ("ses", "confirmation", [None]),
]


@pytest.mark.parametrize(("name", "payload", "expected"), OURS)
def test_a_captured_payload_is_translated_into_our_event_kinds(
    name: str, payload: str, expected: list[str | None]
) -> None:
    """An exclamation mark means a permanent failure of the address."""
    events = registry()[name].parse(payloads(name)[payload])
    assert [event.kind and event.kind + "!" * event.permanent for event in events] == expected


def test_every_captured_payload_has_an_expectation() -> None:
    expected = {(name, payload) for name, payload, _ in OURS}
    assert expected == {(name, payload) for name in registry() for payload in payloads(name)}


def test_an_unknown_event_is_recorded_without_a_kind() -> None:
    body = json.dumps(json.loads(payloads("mailgun")["opened"])).replace('"opened"', '"levitated"')
    (event,) = registry()["mailgun"].parse(body.encode())
    assert event.kind is None
    assert event.raw["event"] == "levitated"


@pytest.mark.parametrize(
    ("name", "payload", "right", "wrong"),
    [
        (
            "postmark",
            "delivery",
            '"2026-03-02T08:31:05.2735393-05:00"',
            '"0001-01-01T00:00:00+14:00"',
        ),
        ("postmark", "delivery", '"2026-03-02T08:31:05.2735393-05:00"', '"yesterday"'),
        ("mailgun", "opened", "1772440369.2", "1e300"),
        ("mailgun", "opened", "1772440369.2", '"nan"'),
        ("generic", "events", '"2026-03-02T08:31:05Z"', '"2026-03-02T08:31:05"'),
        ("resend", "delivered", '"2026-03-02T08:31:05.126Z"', "[]"),
    ],
)
def test_an_event_with_an_impossible_date_counts_without_its_time(
    name: str, payload: str, right: str, wrong: str
) -> None:
    body = payloads(name)[payload].decode()
    assert right in body
    event = registry()[name].parse(body.replace(right, wrong).encode())[0]
    assert (event.message_id, event.recipient, event.occurred_at) == (MESSAGE_ID, READER, None)


def test_each_provider_gets_our_message_id_in_the_header_it_sends_back() -> None:
    def carried(name: str) -> Mapping[str, str]:
        return registry()[name].headers_for(MESSAGE_ID)

    assert carried("postmark")["X-PM-Metadata-message-id"] == MESSAGE_ID
    assert carried("brevo") == {"X-Mailin-custom": MESSAGE_ID}
    arguments = json.loads(carried("sendgrid")["X-SMTPAPI"])["unique_args"]
    assert arguments == {"nurture_message_id": MESSAGE_ID}
    variables = json.loads(carried("mailgun")["X-Mailgun-Variables"])
    assert variables == {"nurture_message_id": MESSAGE_ID}
    assert carried("ses") == {"X-SES-MESSAGE-TAGS": "nurture=enrolment-7-your-guide"}
    assert carried("resend") == {"X-Nurture-Message-ID": MESSAGE_ID}
    assert carried("generic") == {}


def test_brevo_times_are_read_in_milliseconds_and_in_seconds() -> None:
    (spam,) = registry()["brevo"].parse(payloads("brevo")["spam"])
    (delivered,) = registry()["brevo"].parse(payloads("brevo")["delivered"])
    assert spam.occurred_at == NOW
    assert delivered.occurred_at == NOW + timedelta(milliseconds=123)


SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1"
    "flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)


def test_a_call_signed_by_sendgrid_itself_is_accepted() -> None:
    """The values that SendGrid publishes for testing its own libraries."""
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
        b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
        b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-'
        b'5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
        b'"timestamp":1600112492}]\r\n'
    )
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6"
        "ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
    }
    signed_at = datetime.fromtimestamp(1600112502, UTC)
    registry()["sendgrid"].verify(SENDGRID_KEY, headers, body, signed_at)
    (event,) = registry()["sendgrid"].parse(body)
    assert (event.kind, event.permanent) == (EventKind.BOUNCED, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-2.amazonaws.com.example.org/a.pem",
        "http://sns.eu-west-2.amazonaws.com/a.pem",
        "https://example.org/sns.eu-west-2.amazonaws.com/a.pem",
        "https://sns.eu-west-2.amazonaws.com@example.org/a.pem",
        "https://bucket.s3.amazonaws.com/a.pem",
        "https://[broken/a.pem",
    ],
)
def test_a_certificate_from_another_host_is_not_even_fetched(url: str) -> None:
    def must_not_be_called(url: str, path: str) -> bytes:
        raise AssertionError(f"fetched {url}")

    message = json.loads(payloads("ses")["delivery"]) | {"SigningCertURL": url}
    careful = ses_module.provider(must_not_be_called)
    with pytest.raises(SignatureError):
        careful.verify(f"{TOPIC} -", {}, json.dumps(message).encode(), NOW)


def test_an_sns_message_signed_with_sha1_is_refused_with_the_remedy(
    schemes: Mapping[str, Scheme],
) -> None:
    scheme = schemes["ses"]
    _, body = scheme.sign(payloads("ses")["delivery"], NOW)
    old = json.dumps(json.loads(body) | {"SignatureVersion": "1"}).encode()
    with pytest.raises(SignatureError, match="SignatureVersion attribute to 2"):
        registry()["ses"].verify(scheme.secret, {}, old, NOW)
