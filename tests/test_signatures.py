"""Standard Webhooks signatures: what is accepted, what is refused, and what is never revealed."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nurture.signatures import (
    SignatureError,
    SignatureFault,
    new_secret,
    sign_standard_webhook,
    verify_standard_webhook,
)

NOW = datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)
SECRET = new_secret()
BODY = b'{"email": "reader@example.org"}'


def signed(secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    return sign_standard_webhook(secret, "msg_1", NOW, body)


def refused(
    headers: dict[str, str],
    secrets: tuple[str, ...] = (SECRET,),
    body: bytes = BODY,
    now: datetime = NOW,
) -> SignatureError:
    with pytest.raises(SignatureError) as error:
        verify_standard_webhook(secrets, headers, body, now)
    return error.value


def test_the_published_example_of_the_standard_is_accepted() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    webhook_id = verify_standard_webhook(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        headers,
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert webhook_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(body=st.binary(), webhook_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_our_own_signature_is_accepted_and_returns_the_id(body: bytes, webhook_id: str) -> None:
    headers = sign_standard_webhook(SECRET, webhook_id, NOW, body)
    assert verify_standard_webhook([SECRET], headers, body, NOW) == webhook_id


@given(body=st.binary(), other=st.binary())
def test_a_signature_does_not_match_another_body(body: bytes, other: bytes) -> None:
    assume(body != other)
    assert refused(signed(body=body), body=other).reason is SignatureFault.WRONG


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_time_are_signed_too(name: str) -> None:
    headers = signed()
    changed = headers | {name: str(int(NOW.timestamp()) + 1)}
    assert refused(changed).reason is SignatureFault.WRONG


def test_the_old_and_the_new_secret_both_pass_during_rotation() -> None:
    old, new = new_secret(), new_secret()
    for secret in (old, new):
        assert verify_standard_webhook([new, old], signed(secret), BODY, NOW) == "msg_1"
    assert refused(signed(new_secret()), (new, old)).reason is SignatureFault.WRONG


def test_one_valid_signature_among_several_is_enough() -> None:
    good, other = signed()["webhook-signature"], signed(new_secret())["webhook-signature"]
    several = signed() | {"webhook-signature": f"v1a,ed25519 {other} {good}"}
    assert verify_standard_webhook([SECRET], several, BODY, NOW) == "msg_1"


def test_a_signature_of_another_version_is_refused() -> None:
    digest = signed()["webhook-signature"].removeprefix("v1,")
    for header in (f"v2,{digest}", digest, "v1,", "v1"):
        problem = refused(signed() | {"webhook-signature": header})
        assert problem.reason is SignatureFault.MALFORMED


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_empty_header_is_named(name: str) -> None:
    for headers in ({k: v for k, v in signed().items() if k != name}, signed() | {name: " "}):
        problem = refused(headers)
        assert problem.reason is SignatureFault.MISSING
        assert name in str(problem)


def test_header_names_are_case_insensitive() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    assert verify_standard_webhook([SECRET], headers, BODY, NOW) == "msg_1"


@given(drift=st.integers(min_value=-1000, max_value=1000))
def test_a_signature_is_accepted_within_exactly_five_minutes(drift: int) -> None:
    now = NOW + timedelta(seconds=drift)
    if abs(drift) <= 300:
        assert verify_standard_webhook([SECRET], signed(), BODY, now) == "msg_1"
    else:
        assert refused(signed(), now=now).reason is SignatureFault.STALE


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1e9", "1.5", "١٢٣", "9" * 40, "0x10"])
def test_a_timestamp_that_is_not_a_whole_number_is_malformed(timestamp: str) -> None:
    problem = refused(signed() | {"webhook-timestamp": timestamp})
    assert problem.reason is SignatureFault.MALFORMED


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_not base64!", "plain", base64.b64encode(b"k" * 32).decode()]
)
def test_an_unusable_secret_is_refused_with_the_expected_format(secret: str) -> None:
    problem = refused(signed(), (secret,))
    assert problem.reason is SignatureFault.MALFORMED
    assert "whsec_" in problem.remedy


def test_nothing_passes_without_a_secret() -> None:
    assert refused(signed(), ()).reason is SignatureFault.MISSING


def test_no_error_reveals_a_secret_or_the_correct_signature() -> None:
    right = signed()["webhook-signature"].removeprefix("v1,")
    wrong = signed() | {"webhook-signature": "v1,AAAA"}
    for problem in (
        refused(wrong),
        refused(wrong, body=b"x"),
        refused(wrong, now=NOW + timedelta(1)),
        refused(signed(), (SECRET + "!",)),
    ):
        told = f"{problem} {problem!r} {problem.args}"
        assert SECRET.removeprefix("whsec_") not in told
        assert right not in told


def test_every_new_secret_is_unique_and_has_256_bits() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b64decode(s.removeprefix("whsec_"))) for s in secrets} == {32}
