"""The keys that sign evidence: Ed25519 (RFC 8032), made once, and stored sealed.

A key is drawn at random and derived from nothing, so that no other secret that leaks can sign. Its
private half is of no use without NURTURE_SECRET_KEY.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nurture.domain.errors import NurtureError
from nurture.sealing import Seal, SealBrokenError
from nurture.store.database import Database
from nurture.store.tables import evidence_keys
from nurture.store.tables.evidence_keys import EvidenceKey


class EvidenceKeyLostError(NurtureError):
    """The key that signs evidence cannot be opened with the secrets there are."""


@dataclass(frozen=True, slots=True)
class EvidenceSigner:
    """What signs evidence; `public_key` is in PEM (RFC 8410)."""

    private_key: Ed25519PrivateKey = field(repr=False)
    public_key: str

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes, the same each time."""
        return self.private_key.sign(data)


def keep_a_key(database: Database, seal: Seal, now: datetime) -> EvidenceKey:
    """Return the key that signs; make it if there is none yet."""
    with database.reading() as connection:
        found = evidence_keys.list_keys(connection)
    return found[0] if found else _add(database, seal, 1, now)


def renew_key(database: Database, seal: Seal, now: datetime) -> EvidenceKey:
    """Make a new key that signs from now on; the public halves of earlier ones are kept."""
    with database.reading() as connection:
        found = evidence_keys.list_keys(connection)
    return _add(database, seal, found[0].id + 1 if found else 1, now)


def public_keys(database: Database) -> str:
    """Return the public halves in PEM, that of the key that signs first; empty if there is none."""
    with database.reading() as connection:
        return "".join(key.public_key for key in evidence_keys.list_keys(connection))


def signer_of(database: Database, seal: Seal, now: datetime) -> EvidenceSigner:
    """Return what signs evidence; raise `EvidenceKeyLostError` if it cannot be opened."""
    key = keep_a_key(database, seal, now)
    try:
        raw = b64decode(seal.open(key.private_key))
    except SealBrokenError:
        raise EvidenceKeyLostError(
            "The key that signs evidence was sealed with another NURTURE_SECRET_KEY.",
            remedy="Put that key back or, if it is lost, run “nurture evidence new-key”.",
        ) from None
    return EvidenceSigner(Ed25519PrivateKey.from_private_bytes(raw), key.public_key)


def seal_evidence_keys(database: Database, seal: Seal) -> int:
    """Seal the keys with the newest secret; return how many were sealed with an older one.

    A key that cannot be opened stays as it is: its secret may come back.
    """
    with database.reading() as connection:
        if not any(_stale(seal, key) for key in evidence_keys.list_keys(connection)):
            return 0
    with database.writing() as connection:
        resealed = [(key, _stale(seal, key)) for key in evidence_keys.list_keys(connection)]
        for key, sealed in resealed:
            if sealed:
                evidence_keys.replace_private(connection, key.id, sealed)
    return sum(bool(sealed) for _, sealed in resealed)


def _add(database: Database, seal: Seal, number: int, now: datetime) -> EvidenceKey:
    private_key = Ed25519PrivateKey.generate()
    sealed = seal.seal(b64encode(private_key.private_bytes_raw()).decode("ascii"))
    made = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with database.writing() as connection:
        key = EvidenceKey(number, sealed, made.decode("ascii"), now)
        evidence_keys.add_key(connection, key)
        # Another process may have been a moment earlier, and its key counts.
        return evidence_keys.list_keys(connection)[0]


def _stale(seal: Seal, key: EvidenceKey) -> str:
    """Return a key sealed with the newest secret, or "" if it is already or cannot be opened."""
    if seal.is_newest(key.private_key):
        return ""
    try:
        return seal.seal(seal.open(key.private_key))
    except SealBrokenError:
        return ""
