"""Checking signed evidence: no changed byte goes unnoticed, and a sentence says which file."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.services.evidence.container import (
    MANIFEST,
    PUBLIC_KEY,
    RECORD,
    SIGNATURE,
    SIGNED,
    keys_in,
    manifest_of,
    pack,
)
from nurture.services.evidence.verification import EvidenceChangedError, verify
from tests.presence import at_least_one

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ABOUT = (
    b'{"person": {"address": "ann@example.org"}, "made_at": "2026-12-01T09:00:00+00:00",'
    b' "practice": {"name": "Moving Well"}}\n'
)


def pem(key: Ed25519PrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public.decode("ascii")


def signed(key: Ed25519PrivateKey = KEY, **changes: bytes) -> dict[str, bytes]:
    """Return the files of evidence, signed after the changes."""
    files = dict.fromkeys(SIGNED, b"Something to read.\n") | {RECORD: ABOUT} | changes
    files[PUBLIC_KEY] = pem(key).encode()
    manifest = manifest_of(files)
    return files | {MANIFEST: manifest, SIGNATURE: key.sign(manifest)}


@cache
def whole() -> bytes:
    return pack(signed())


def refusal(data: bytes, trusted: str = "") -> str:
    with pytest.raises(EvidenceChangedError) as raised:
        verify(data, trusted)
    return str(raised.value)


def test_unchanged_evidence_says_what_it_is_about() -> None:
    found = verify(whole())
    assert (found.address, found.practice) == ("ann@example.org", "Moving Well")
    assert not found.is_trusted
    assert verify(whole(), pem(KEY)).is_trusted


def test_any_of_the_published_keys_may_have_signed_it() -> None:
    published = f"The key of the practice:\r\n{pem(OTHER)}and an older one\n{pem(KEY)}"
    assert len(keys_in(published)) == 2
    assert verify(whole(), published).is_trusted
    assert "another key" in refusal(whole(), pem(OTHER))
    assert "no Ed25519 public key" in refusal(whole(), "nonsense")


@given(place=st.integers(0), bit=st.integers(0, 7))
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_bit_anywhere_is_noticed(place: int, bit: int) -> None:
    changed = bytearray(whole())
    changed[place % len(changed)] ^= 1 << bit
    assert refusal(bytes(changed))


@given(length=st.integers(0))
def test_a_shortened_file_is_noticed(length: int) -> None:
    assert refusal(whole()[: length % len(whole())])


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_a_file_changed_and_packed_again_is_named(name: str) -> None:
    files = signed()
    files[name] = files[name][:10] + bytes([files[name][10] ^ 1]) + files[name][11:]
    assert name in refusal(pack(files))


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_a_changed_manifest_or_signature_is_named(name: str) -> None:
    files = signed()
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    assert f"{MANIFEST} or its signature {SIGNATURE}" in refusal(pack(files))


def test_a_manifest_made_to_fit_a_changed_file_does_not_help() -> None:
    files = signed()
    files[RECORD] = files[RECORD].replace(b"ann", b"eve")
    files[MANIFEST] = manifest_of({name: files[name] for name in SIGNED})
    assert MANIFEST in refusal(pack(files))


def test_evidence_signed_by_somebody_else_needs_the_practices_key_to_be_noticed() -> None:
    forged = pack(signed(OTHER))
    assert not verify(forged).is_trusted
    assert "another key" in refusal(forged, pem(KEY))


def _added(files: dict[str, bytes]) -> dict[str, bytes]:
    return files | {"more.txt": b"By the way."}


def _missing(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name != RECORD}


@pytest.mark.parametrize(
    ("change", "said"), [(_added, "more.txt was added"), (_missing, f"{RECORD} is missing")]
)
def test_a_file_more_or_less_is_named(
    change: Callable[[dict[str, bytes]], dict[str, bytes]], said: str
) -> None:
    assert said in refusal(pack(change(signed())))


def test_what_is_no_archive_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for data in at_least_one((b"", b"PK", b"%PDF-1.4", whole() + b"x", b"x" + whole())):
        assert refusal(data)
