"""The services' own signatures: each proves the whole body with the site's secret, or nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.builders import FormProof, registry
from nurture.signatures import SignatureError, SignatureFault, new_secret
from tests.builders.service_calls import SIGNERS, body_of
from tests.presence import at_least_one

NOW = datetime(2026, 11, 30, 8, 7, 31, 500_000, tzinfo=UTC)
SECRET = new_secret()

#: The only one whose signature covers the time.
TIMED = ["webflow"]

every_service = pytest.mark.parametrize("name", sorted(SIGNERS))


def proof_of(name: str) -> FormProof:
    """Return how a builder checks a signature."""
    proof = registry()[name].proof
    assert proof is not None
    return proof


def signed(name: str, secret: str = SECRET, at: datetime = NOW) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a call as the service makes it."""
    sign, payload = SIGNERS[name]
    body = body_of(payload)
    return sign(secret, body, at), body


def fault(name: str, secret: str, headers: dict[str, str], body: bytes) -> SignatureFault:
    """Return why a call is refused."""
    with pytest.raises(SignatureError) as refused:
        proof_of(name).verify(secret, headers, body, NOW)
    said = str(refused.value)
    assert secret not in said or not secret.strip()
    return refused.value.reason


def test_every_builder_with_a_proof_is_tried_here() -> None:
    assert {name for name, one in registry().items() if one.proof} == set(SIGNERS)


@every_service
def test_a_call_that_the_service_has_signed_is_believed(name: str) -> None:
    headers, body = signed(name)
    assert proof_of(name).header in headers
    proof_of(name).verify(SECRET, headers, body, NOW)


@every_service
def test_the_names_of_headers_may_be_spelt_in_any_case(name: str) -> None:
    headers, body = signed(name)
    shouted = {key.upper(): value for key, value in headers.items()}
    proof_of(name).verify(SECRET, shouted, body, NOW)


@every_service
def test_a_signature_with_another_secret_is_refused(name: str) -> None:
    assert fault(name, SECRET, *signed(name, new_secret())) is SignatureFault.WRONG


@every_service
@pytest.mark.parametrize("change", [b" ", b"\n", b"}", b"\0"])
def test_a_changed_body_is_refused(name: str, change: bytes) -> None:
    headers, body = signed(name)
    assert fault(name, SECRET, headers, body + change) is SignatureFault.WRONG
    assert fault(name, SECRET, headers, change + body) is SignatureFault.WRONG
    changed = body.replace(b"ann@", b"bob@")
    assert fault(name, SECRET, headers, changed) is SignatureFault.WRONG


@every_service
@pytest.mark.parametrize("secret", ["", " "])
def test_nothing_is_believed_without_a_secret(name: str, secret: str) -> None:
    assert fault(name, secret, *signed(name, secret)) is SignatureFault.MISSING
    assert fault(name, secret, *signed(name, "")) is SignatureFault.MISSING


@every_service
def test_each_header_of_a_signature_is_needed_and_counts(name: str) -> None:
    headers, body = signed(name)
    for one in at_least_one(list(headers)):
        rest = {key: value for key, value in headers.items() if key != one}
        assert fault(name, SECRET, rest, body) is SignatureFault.MISSING
        assert fault(name, SECRET, headers | {one: "é"}, body) in set(SignatureFault)
        assert fault(name, SECRET, headers | {one: "1"}, body) in set(SignatureFault)


@every_service
def test_a_bare_hash_of_the_body_is_no_signature(name: str) -> None:
    headers, body = signed(name)
    offered = headers[proof_of(name).header].removeprefix("sha256=")
    for odd in ("", "sha256=", f"sha1={offered}", offered[:-2], f"{offered} {offered}"):
        refused = headers | {proof_of(name).header: odd}
        assert fault(name, SECRET, refused, body) in set(SignatureFault)


@pytest.mark.parametrize("name", TIMED)
def test_a_signed_time_counts_for_five_minutes_either_way(name: str) -> None:
    for age in (timedelta(minutes=4, seconds=59), timedelta(minutes=-5)):
        headers, body = signed(name, at=NOW - age)
        proof_of(name).verify(SECRET, headers, body, NOW)
    for age in (timedelta(minutes=5, seconds=1), timedelta(minutes=-6), timedelta(days=400)):
        assert fault(name, SECRET, *signed(name, at=NOW - age)) is SignatureFault.STALE


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e9", "٣", "9" * 15, "9" * 5000, "1796026051.5"])
def test_webflows_time_must_be_one(stamp: str) -> None:
    headers, body = signed("webflow")
    reason = fault("webflow", SECRET, headers | {"x-webflow-timestamp": stamp}, body)
    assert reason in (SignatureFault.MALFORMED, SignatureFault.MISSING)


def test_webflow_issues_its_secret_and_the_others_take_ours() -> None:
    issuing = {name for name in SIGNERS if proof_of(name).issues_secret}
    assert issuing == {"webflow"}


#: Computed with `openssl dgst -sha256 -hmac secret` over what each documentation says.
KNOWN = {
    "typeform": {"Typeform-Signature": "sha256=dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM="},
    "tally": {"Tally-Signature": "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM="},
    "framer": {
        "Framer-Webhook-Submission-Id": "0fbbb90e-564b-4870-ac8b-78f9bc4e44a6",
        "Framer-Signature": (
            "sha256=0ca6dc274e69c44f91ebe5a7e5ac28b65edb694b3038949b5f7994f314230e7e"
        ),
    },
    "webflow": {
        "x-webflow-timestamp": "1722370035277",
        "x-webflow-signature": "34d657cc895a06cfec766ce9141bfdd0821ca66879e9f710f36a2086fd6f0ac1",
    },
}


@every_service
def test_a_signature_made_by_another_program_is_believed(name: str) -> None:
    then = datetime(2024, 7, 30, 20, 7, 16, tzinfo=UTC)
    proof_of(name).verify("secret", KNOWN[name], b"{}", then)
