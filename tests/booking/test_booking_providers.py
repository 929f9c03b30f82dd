"""What all calendars have in common, and what each one's own terms mean.

A provider that the registry finds but that has no `Scheme` here fails the first test.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nurture.booking import BookingProvider, PayloadError, registry
from nurture.domain.tracking.events import BookingEvent
from nurture.signatures import (
    SignatureError,
    SignatureFault,
)
from tests.booking.calendar_calls import PAYLOADS, READER, SCHEMES, Scheme, payloads
from tests.presence import at_least_one

NOW = datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)


@pytest.fixture(params=sorted({provider.name for provider in registry().values()}))
def provider(request: pytest.FixtureRequest) -> BookingProvider:
    return registry()[request.param]


@pytest.fixture
def scheme(provider: BookingProvider) -> Scheme:
    assert provider.name in SCHEMES, f"tell this file how {provider.name} signs"
    return SCHEMES[provider.name]


# What holds for every provider.


def fault_of(
    provider: BookingProvider, secret: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> SignatureFault | None:
    """Return why a call is refused at that time, or `None` if it is accepted."""
    try:
        provider.verify(secret, headers, body, at)
    except SignatureError as error:
        return error.reason
    return None


def test_every_provider_has_captured_payloads_with_a_stated_source(
    provider: BookingProvider,
) -> None:
    assert payloads(provider.name)
    assert (PAYLOADS / provider.name / "README").read_text().strip()


def test_a_call_signed_by_the_provider_is_accepted(
    provider: BookingProvider, scheme: Scheme
) -> None:
    for body in payloads(provider.name).values():
        headers = scheme.sign(body, NOW)
        provider.verify(scheme.secret, headers, body, NOW)
        provider.verify(scheme.secret, {k.upper(): v for k, v in headers.items()}, body, NOW)


def test_a_wrong_secret_is_refused_and_never_repeated(
    provider: BookingProvider, scheme: Scheme
) -> None:
    for body in at_least_one(payloads(provider.name).values()):
        with pytest.raises(SignatureError) as refused:
            provider.verify(scheme.wrong_secret, scheme.sign(body, NOW), body, NOW)
        assert refused.value.reason is SignatureFault.WRONG
        assert scheme.wrong_secret not in str(refused.value)


def test_no_call_is_accepted_without_a_secret(provider: BookingProvider) -> None:
    for body in payloads(provider.name).values():
        unkeyed = hmac.new(b"", body, hashlib.sha256).hexdigest()
        with pytest.raises(SignatureError):
            provider.verify("", {"X-Cal-Signature-256": unkeyed}, body, NOW)


def test_every_header_of_a_signature_is_required(provider: BookingProvider, scheme: Scheme) -> None:
    body = next(iter(payloads(provider.name).values()))
    headers = scheme.sign(body, NOW)
    for name in at_least_one(headers):
        fewer = {other: value for other, value in headers.items() if other != name}
        with pytest.raises(SignatureError) as refused:
            provider.verify(scheme.secret, fewer, body, NOW)
        assert refused.value.reason is SignatureFault.MISSING


def test_a_changed_body_is_refused(provider: BookingProvider, scheme: Scheme) -> None:
    for body in at_least_one(payloads(provider.name).values()):
        with pytest.raises(SignatureError) as refused:
            provider.verify(scheme.secret, scheme.sign(body, NOW), body + b" ", NOW)
        assert refused.value.reason is SignatureFault.WRONG


def test_a_stale_call_is_refused_unless_the_provider_signs_no_time(
    provider: BookingProvider, scheme: Scheme
) -> None:
    body = next(iter(payloads(provider.name).values()))
    headers = scheme.sign(body, NOW)
    longest = provider.tolerance or timedelta(days=400)
    stale = SignatureFault.STALE if provider.tolerance else None
    assert fault_of(provider, scheme.secret, headers, body, NOW + longest) is None
    for wrong_clock in (1, -1):
        later = NOW + wrong_clock * (longest + timedelta(seconds=1))
        assert fault_of(provider, scheme.secret, headers, body, later) is stale


def test_a_redelivery_is_recognised_and_distinguished_from_other_events(
    provider: BookingProvider,
) -> None:
    every = [event for body in payloads(provider.name).values() for event in provider.parse(body)]
    again = [event for body in payloads(provider.name).values() for event in provider.parse(body)]
    assert [event.event_id for event in every] == [event.event_id for event in again]
    assert len({event.event_id for event in every}) == len(every)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode))
def test_a_garbage_body_raises_only_a_payload_error(body: bytes) -> None:
    assume(body != b"[]")
    for provider in at_least_one(registry().values()):
        with pytest.raises(PayloadError) as refused:
            provider.parse(body)
        assert refused.value.field


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_one_corrupted_field_raises_a_payload_error_or_does_no_harm(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(registry())))
    provider = registry()[name]
    sample = json.loads(data.draw(st.sampled_from(list(payloads(provider.name).values()))))
    inner = sample.get("payload")
    holder = data.draw(st.sampled_from([sample, inner])) if isinstance(inner, dict) else sample
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(json_values)
    try:
        events = provider.parse(json.dumps(sample).encode())
    except PayloadError as problem:
        assert problem.field
    else:
        assert json.dumps([event.raw for event in events], allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60), header=st.text(max_size=40), secret=st.text(max_size=40))
def test_a_garbage_signature_raises_only_a_signature_error(
    body: bytes, header: str, secret: str
) -> None:
    names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    names += ["calendly-webhook-signature", "x-cal-signature-256"]
    for provider in registry().values():
        for value in (header, f"t={header},v1={header}", f"t=1772440265,v1={header}"):
            with pytest.raises(SignatureError):
                provider.verify(secret, dict.fromkeys(names, value), body, NOW)


# What each provider's words mean.

MEANINGS = [
    ("calendly", "created", "booked"),
    ("calendly", "canceled", "cancelled"),
    ("calendly", "canceled_by_move", "rescheduled"),
    ("calendly", "created_by_move", "booked rescheduled"),
    ("calendly", "routing_form", ""),
    ("cal", "created", "booked"),
    ("cal", "rescheduled", "booked rescheduled"),
    ("cal", "cancelled", "cancelled"),
    ("cal", "requested", ""),
    ("cal", "ping", ""),
    ("generic", "booked", "booked"),
    ("generic", "rescheduled", "booked rescheduled"),
    ("generic", "cancelled", "cancelled"),
    ("generic", "unheard_of", ""),
]


@pytest.mark.parametrize(("name", "payload", "meaning"), MEANINGS)
def test_a_captured_payload_is_translated_into_our_event_kinds(
    name: str, payload: str, meaning: str
) -> None:
    (event,) = registry()[name].parse(payloads(name)[payload])
    assert in_words(event) == meaning
    assert event.email == READER or not meaning
    assert event.raw


def in_words(event: BookingEvent) -> str:
    said = [word for word in ("booked", "cancelled", "rescheduled") if getattr(event, word)]
    return " ".join(said)


def test_every_captured_payload_has_an_expectation() -> None:
    expected = {(name, payload) for name, payload, _ in MEANINGS}
    assert expected == {(name, payload) for name in SCHEMES for payload in payloads(name)}


@pytest.mark.parametrize("name", ["calendly", "cal", "generic"])
def test_a_booking_includes_its_start_and_the_time_it_was_made(name: str) -> None:
    (event,) = registry()[name].parse(payloads(name)["booked" if name == "generic" else "created"])
    assert event.starts_at == datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
    assert event.occurred_at == datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)


def test_the_generic_provider_is_also_called_bookings() -> None:
    assert registry()["bookings"] is registry()["generic"]
    assert registry()["generic"].secret_setting == "NURTURE_BOOKINGS_SECRET"
    assert registry()["calendly"].secret_setting == "NURTURE_CALENDLY_SECRET"
    assert registry()["cal"].secret_setting == "NURTURE_CAL_SECRET"


def test_each_guest_of_a_cal_booking_is_a_separate_event() -> None:
    body = json.loads(payloads("cal")["created"])
    body["payload"]["attendees"].append({"email": "friend@example.org", "name": "A friend"})
    booker, guest = registry()["cal"].parse(json.dumps(body).encode())
    assert (booker.email, guest.email) == (READER, "friend@example.org")
    assert booker.event_id != guest.event_id


def test_a_generic_body_without_an_id_is_identified_by_its_bytes() -> None:
    body = b'{"type":"booked","email":"reader@example.org"}'
    (first,) = registry()["generic"].parse(body)
    (again,) = registry()["generic"].parse(body)
    (other,) = registry()["generic"].parse(body.replace(b"reader", b"friend"))
    assert first.event_id == again.event_id != other.event_id
    assert first.occurred_at is None


@pytest.mark.parametrize(
    "header",
    ["t=1772440265", "v1=00", "t=1772440265,t=1772440266,v1=00", "t=1772440265,v1=", "nonsense"],
)
def test_a_calendly_header_in_another_format_is_malformed(header: str) -> None:
    with pytest.raises(SignatureError) as refused:
        registry()["calendly"].verify("k", {"Calendly-Webhook-Signature": header}, b"{}", NOW)
    assert refused.value.reason is SignatureFault.MALFORMED
