"""DKIM signatures, checked by another implementation."""

import base64
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from nurture.mail.dkim import DkimKeyError, Signer
from tests.presence import at_least_one

NOW = datetime(2026, 5, 5, 7, 30, tzinfo=UTC)
HEADERS = {
    b"From": b"Paul <paul@example.org>",
    b"To": b"ann@example.org",
    b"Subject": b"Why stretching won't help",
    b"Date": b"Tue, 05 May 2026 07:30:00 +0000",
    b"Message-ID": b"<1@example.org>",
    b"Reply-To": b"paul@example.org",
    b"MIME-Version": b"1.0",
    b"Content-Type": b'multipart/alternative; boundary="=_x"',
    b"List-Unsubscribe": b"<https://example.org/unsubscribe/abc>",
    b"List-Unsubscribe-Post": b"List-Unsubscribe=One-Click",
    b"List-Id": b"<guides.example.org>",
    b"Feedback-ID": b"a:b:c:d",
    b"Auto-Submitted": b"auto-generated",
}
BODY = b"Hello,\r\n\r\nhow is your back?\r\n"


def message(headers: dict[bytes, bytes] = HEADERS, body: bytes = BODY) -> bytes:
    lines = [name + b": " + value + b"\r\n" for name, value in headers.items()]
    return b"".join(lines) + b"\r\n" + body


def pem(key: Any) -> bytes:
    encoded: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return encoded


RSA = Signer.load("s1", pem(rsa.generate_private_key(65537, 2048)), "example.org")
ED25519 = Signer.load("s2", pem(Ed25519PrivateKey.generate()), "example.org")
both_kinds = pytest.mark.parametrize("signer", [RSA, ED25519], ids=["rsa", "ed25519"])


class BadSignatureError(Exception):
    """The exception that the other implementation's cryptography raises."""


class VerifyKey:
    """A stand-in for the other implementation's Ed25519 library, which is not installed."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise BadSignatureError from None
        return message


@pytest.fixture(autouse=True, scope="module")
def ed25519_for_the_other_implementation() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        nacl = SimpleNamespace(
            signing=SimpleNamespace(VerifyKey=VerifyKey),
            encoding=SimpleNamespace(Base64Encoder=None),
            exceptions=SimpleNamespace(BadSignatureError=BadSignatureError, ValueError=ValueError),
        )
        patch.setattr(dkim, "nacl", nacl, raising=False)
        yield


def verified(signed: bytes, *signers: Signer) -> bool:
    """Ask the other implementation, which sees only what the signer's DNS would say."""
    records = dict(signer.dns_record() for signer in signers or (RSA, ED25519))

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name.decode().rstrip("."), "").encode() or None

    try:
        return bool(dkim.DKIM(signed).verify(dnsfunc=look_up))
    except dkim.ValidationError:
        return False


def signed(signer: Signer, data: bytes) -> bytes:
    return signer.sign(data) + data


def test_the_reference_implementation_accepts_the_example_of_rfc_8463() -> None:
    """Appendix A: without this the stand-in for its cryptography would prove nothing."""
    data = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        b" d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        b"From: Joe SixPack <joe@football.example.com>\r\n"
        b"To: Suzie Q <suzie@shopping.example.net>\r\n"
        b"Subject: Is dinner ready?\r\n"
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
        b"\r\n"
        b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
    record = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert dkim.DKIM(data).verify(dnsfunc=lambda *_, **__: record)


@both_kinds
def test_the_reference_implementation_accepts_our_signature(signer: Signer) -> None:
    assert verified(signed(signer, message()))


def test_a_message_may_carry_both_kinds_of_signature() -> None:
    twice = signed(ED25519, signed(RSA, message()))
    assert verified(twice)
    assert verified(twice.removeprefix(ED25519.sign(signed(RSA, message()))))


@both_kinds
@pytest.mark.parametrize("name", HEADERS)
def test_changing_or_dropping_a_signed_header_breaks_the_signature(
    signer: Signer, name: bytes
) -> None:
    header = signer.sign(message())
    assert not verified(header + message({**HEADERS, name: HEADERS[name] + b"x"}))
    assert not verified(header + message({k: v for k, v in HEADERS.items() if k != name}))


@both_kinds
@pytest.mark.parametrize("body", [BODY[:-3] + b"!\r\n", BODY + b"PS\r\n", b"", b"\r\n" + BODY])
def test_changing_the_body_breaks_the_signature(signer: Signer, body: bytes) -> None:
    assert not verified(signer.sign(message()) + message(body=body))


@pytest.mark.parametrize(
    "added",
    [
        b"From: Mallory <mallory@example.net>",
        b"Subject: You have won",
        b"To: everybody@example.net",
        b"Cc: everybody@example.net",
        b"Date: Mon, 30 Nov 2026 12:00:00 +0000",
        b"Reply-To: mallory@example.net",
        b"Content-Type: text/plain",
        b"List-Unsubscribe: <https://example.net/track>",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ],
)
def test_adding_a_second_copy_of_a_unique_header_breaks_the_signature(added: bytes) -> None:
    header = RSA.sign(message())
    assert not verified(header + added + b"\r\n" + message())
    assert not verified(added + b"\r\n" + header + message())
    bare = b"From: a@example.org\r\n\r\nHello\r\n"
    assert not verified(added + b"\r\n" + signed(RSA, bare))


def test_headers_added_by_relays_do_not_break_the_signature() -> None:
    for added in (
        b"Received: from x",
        b"Feedback-ID: theirs",
        b"X-Mailgun-Sid: 1",
        b"Sender: x@y.z",
    ):
        assert verified(added + b"\r\n" + signed(RSA, message()))


def test_another_key_does_not_verify_the_signature() -> None:
    other = Signer.load("s1", pem(rsa.generate_private_key(65537, 2048)), "example.org")
    assert not verified(signed(RSA, message()), other)


@both_kinds
def test_a_header_may_be_folded_before_signing_and_refolded_afterwards(signer: Signer) -> None:
    folded = {**HEADERS, b"Subject": b"Why stretching\r\n  and massage\r\n\twon't help"}
    header = signer.sign(message(folded))
    assert verified(header + message(folded))
    refolded = {**folded, b"Subject": b"Why  stretching and\r\n massage won't\t help "}
    assert verified(header + message(refolded))
    assert verified(
        header.replace(b"DKIM-Signature: v=1; ", b"dkim-signature:\r\n v=1;\t") + message(folded)
    )


def test_both_copies_of_a_repeated_header_are_signed() -> None:
    doubled = b"List-Id: <other.example.org>\r\n" + message()
    header = RSA.sign(doubled)
    assert verified(header + doubled)
    assert not verified(header + doubled.replace(b"<other.", b"<others."))
    assert not verified(header + doubled.replace(b"<guides.", b"<guide."))


def test_the_signature_names_present_headers_and_each_unique_header_once_more() -> None:
    header = RSA.sign(b"From: a@example.org\r\nList-Id: <x>\r\nX-Other: x\r\n\r\nHello\r\n")
    unfolded = re.sub(rb"\r\n +", b"", header)
    assert re.search(
        rb";h=from:list-id:from:to:cc:subject:date:message-id:reply-to:mime-version:"
        rb"content-type:list-unsubscribe:list-unsubscribe-post;",
        unfolded,
    )


@both_kinds
def test_the_signature_header_is_folded_and_contains_no_time(signer: Signer) -> None:
    header = signer.sign(message())
    assert header.startswith(b"DKIM-Signature: v=1; ")
    assert header.endswith(b"\r\n")
    assert max(map(len, header.split(b"\r\n"))) <= 78
    assert b"\r\n" not in re.sub(rb"\r\n[ \t]", b"", header[:-2])
    assert b" t=" not in header
    assert b"c=relaxed/simple" in header


def test_a_long_domain_stays_within_the_line_limit() -> None:
    domain = ".".join(["a" * 60] * 4)
    signer = Signer.load("selector" * 7, pem(RSA.key), domain)
    header = signer.sign(message())
    assert verified(header + message(), signer)
    assert max(map(len, header.split(b"\r\n"))) < 300


@both_kinds
@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"\r\n\r\n\r\n", b"no end", b"text\r\n\r\n\r\n", b"\r\ntext\r\n \r\n", b"\r"],
)
def test_trailing_empty_lines_are_canonicalised_as_the_standard_requires(
    signer: Signer, body: bytes
) -> None:
    assert verified(signed(signer, message(body=body)))


def test_a_message_without_a_body_can_be_signed() -> None:
    assert verified(signed(RSA, b"From: a@example.org\r\nSubject: x\r\n\r\n"))


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
folds = st.sampled_from([" ", "  ", "\t", "\r\n ", "\r\n\t "])
values = st.lists(st.tuples(words, folds), min_size=1, max_size=6).map(
    lambda pairs: "".join(word + fold for word, fold in pairs).rstrip().encode()
)
bodies = st.lists(st.sampled_from([b"text", b"", b" ", b".", b"  two  words\t"]), max_size=6).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@both_kinds
@given(headers=st.dictionaries(st.sampled_from(sorted(HEADERS)), values), body=bodies)
def test_every_signature_verifies_and_any_change_breaks_it(
    signer: Signer, headers: dict[bytes, bytes], body: bytes
) -> None:
    headers = {b"From": b"paul@example.org", **headers}
    header = signer.sign(message(headers, body))
    assert verified(header + message(headers, body))
    for name in at_least_one(headers):
        assert not verified(header + message({**headers, name: headers[name] + b"x"}, body))
    assert not verified(header + message(headers, body + b"x"))


def test_signing_many_messages_never_mixes_their_headers() -> None:
    """More people than the cache holds, most of whose headers are the same."""
    people = [
        {**HEADERS, b"To": b"p%d@example.org" % n, b"Message-ID": b"<%d@example.org>" % n}
        for n in range(3000)
    ]
    headers = [ED25519.sign(message(one)) for one in people]
    for n in range(0, 3000, 60):
        assert verified(headers[n] + message(people[n]))
        assert not verified(headers[n] + message(people[n - 1]))


def test_a_signer_never_reuses_another_signers_prefix() -> None:
    other = Signer.load("s3", pem(Ed25519PrivateKey.generate()), "example.com")
    for signer in (RSA, other, ED25519, RSA):
        header = signer.sign(message())
        assert verified(header + message(), signer)
        assert b"d=%b;" % signer.domain.encode() in header


@both_kinds
def test_the_dns_record_holds_the_public_key(signer: Signer) -> None:
    name, value = signer.dns_record()
    kind = "rsa" if signer is RSA else "ed25519"
    assert name == f"{signer.selector}._domainkey.example.org"
    assert re.fullmatch(rf"v=DKIM1; k={kind}; p=[A-Za-z0-9+/]+=*", value)


@pytest.mark.parametrize(
    ("selector", "key", "domain", "said"),
    [
        ("s1", pem(rsa.generate_private_key(65537, 1024)), "example.org", "1024 bits"),
        ("s1", pem(ec.generate_private_key(ec.SECP256R1())), "example.org", "neither RSA nor"),
        ("s1", b"", "example.org", "no private key"),
        (
            "s1",
            b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n",
            "example.org",
            "key",
        ),
        ("s 1", pem(RSA.key), "example.org", "selector"),
        ("s1;", pem(RSA.key), "example.org", "selector"),
        ("s1", pem(RSA.key), "bücher.example", "domain"),
        ("s1", pem(RSA.key), "", "domain"),
    ],
)
def test_an_unusable_key_is_refused_with_a_remedy(
    selector: str, key: bytes, domain: str, said: str
) -> None:
    with pytest.raises(DkimKeyError, match=said) as raised:
        Signer.load(selector, key, domain)
    assert raised.value.remedy


def test_a_password_protected_key_is_explained() -> None:
    locked = RSA.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    with pytest.raises(DkimKeyError, match="password"):
        Signer.load("s1", locked, "example.org")
