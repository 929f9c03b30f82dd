"""Credentials: passwords, random identifiers and second-factor codes.

Passwords are hashed with Argon2id (RFC 9106). Identifiers have 256 random bits and recovery
codes 80, so that their plain SHA-256 cannot be brute-forced. Codes follow RFC 6238: six digits,
SHA-1, thirty seconds, as in every authenticator app.
"""

import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from functools import cache
from hashlib import sha256
from hmac import compare_digest

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from nurture.domain.passwords import as_typed

#: 32 MiB and three passes: about 40 ms; a small server survives a few simultaneous ones.
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)

_STEP_SECONDS, _DIGITS = 30, 6
#: A phone's clock may be one step ahead or behind (RFC 6238 section 5.2).
_DRIFT = (0, -1, 1)
#: Letters and digits that nobody mistakes for one another.
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"


def hash_password(password: str) -> str:
    """Return a hash to check the password against; it differs each time."""
    return _HASHER.hash(as_typed(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Return whether this is the password, in the same time even with no hash to compare."""
    try:
        matches = _HASHER.verify(password_hash or _nobodys(), as_typed(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def new_identifier() -> str:
    """Return an identifier that cannot be guessed and is safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def fingerprint_of(identifier: str) -> str:
    """Return what is stored of an identifier or recovery code, in hexadecimal."""
    return sha256(identifier.encode()).hexdigest()


def new_recovery_codes(count: int = 8) -> list[str]:
    """Return codes for use if the phone is lost, such as `abcd-efgh-jkmn-pqrs`."""
    return ["-".join(_letters(4) for _ in range(4)) for _ in range(count)]


def as_recovery_code(typed: str) -> str:
    """Return the canonical form of a recovery code, however it was typed."""
    plain = "".join(c for c in typed.casefold() if c.isalnum())
    return "-".join(plain[n : n + 4] for n in range(0, len(plain), 4))


def new_secret() -> str:
    """Return a secret to share with an authenticator app, in Base32."""
    return b32encode(secrets.token_bytes(20)).decode()


def otpauth_uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI that transfers a secret to an app, usually as a QR code."""
    return _totp(secret).get_provisioning_uri(account, issuer)


def find_counter(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step that a code belongs to, or `None` if it is not valid around now."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // _STEP_SECONDS
    totp = _totp(secret)
    for counter in (present + drift for drift in _DRIFT):
        expected = totp.generate(counter * _STEP_SECONDS)
        if compare_digest(expected, digits.encode()):
            return counter
    return None


def _totp(secret: str) -> TOTP:
    # Every authenticator app uses SHA-1, whose weakness to collisions does not affect an HMAC.
    return TOTP(b32decode(secret), _DIGITS, SHA1(), _STEP_SECONDS)  # noqa: S303


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LEGIBLE) for _ in range(count))


@cache
def _nobodys() -> str:
    return hash_password(new_identifier())
