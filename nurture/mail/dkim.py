"""Signing email with DKIM (RFC 6376), by RSA or Ed25519 (RFC 8463).

Headers use relaxed canonicalisation and the body simple: relays do refold headers, but the
body arrives as the bytes that were sent.
"""

import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from nurture.domain.errors import NurtureError

SMALLEST_RSA_KEY = 2048
FOLD_AT = 76

_SIGNED_HEADERS = (
    *(b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version"),
    *(b"content-type", b"list-unsubscribe", b"list-unsubscribe-post", b"list-id"),
    *(b"feedback-id", b"auto-submitted"),
)
#: Headers that an email has once at most (RFC 5322 §3.6, RFC 2369, RFC 8058) and that a reader sees
#: or obeys. Each is named once more than it occurs, so that adding another breaks the signature
#: (RFC 6376 §8.15). A relay may add further copies of other signed headers, such as a Feedback-ID.
_SEALED_HEADERS = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to"),
    *(b"mime-version", b"content-type", b"list-unsubscribe", b"list-unsubscribe-post"),
)
_HEAD_END = b"\r\n\r\n"
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_DOMAIN_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NEW_KEY = "Make one with: nurture dkim new"


class DkimKeyError(NurtureError):
    """The key, selector or domain for DKIM cannot be used."""


@dataclass(frozen=True)
class Signer:
    """A signer of messages for one domain with one key; it does not sign the `unsigned` headers."""

    selector: str
    domain: str
    key: RSAPrivateKey | Ed25519PrivateKey
    unsigned: frozenset[bytes] = frozenset()

    @classmethod
    def load(
        cls, selector: str, key_pem: bytes, domain: str, unsigned: Collection[str] = ()
    ) -> Self:
        """Read an unencrypted PEM private key, RSA of at least 2048 bits or Ed25519.

        `unsigned` names, in lower case, headers that are replaced in transit: a signature over one
        of them would be broken on every email. From is signed even if `unsigned` names it.
        Raise DkimKeyError if the key, the selector or the domain is unfit.
        """
        _require_name(selector, "selector")
        _require_name(domain, "domain")
        left_out = frozenset(name.encode("ascii") for name in unsigned) - {b"from"}
        return cls(selector, domain, _load_key(key_pem), left_out)

    def sign(self, message: bytes) -> bytes:
        """Return the DKIM-Signature header to put before `message`, ending in CRLF.

        `message` must be complete, with CRLF line ends. The header has no `t=`: the tag is optional
        (RFC 6376 §3.5), and verifiers refuse one that is ahead of their own clock.
        """
        head, start = _head_and_body(message)
        names, canonical = _canonical_headers(head, self.unsigned)
        written, relaxed = self._beginning(names)
        body_hash = b64encode(_body_hash(message, start))
        digest = sha256(b"%b%b%b; b=" % (canonical, relaxed, body_hash)).digest()
        signature = _folded(b64encode(self._signature(digest)))
        return b"%b%b;\r\n b=%b\r\n" % (written, body_hash, signature)

    def _beginning(self, names: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        """Return the header up to its body hash, as written and in relaxed form."""
        return _written_and_relaxed(b"%b\r\n%b\r\n bh=" % (self._opening, _names_tag(names)))

    @cached_property
    def _opening(self) -> bytes:
        return b"DKIM-Signature: v=1; a=%b; c=relaxed/simple;\r\n d=%b;\r\n s=%b;" % (
            b"rsa-sha256" if isinstance(self.key, RSAPrivateKey) else b"ed25519-sha256",
            self.domain.encode("ascii"),
            self.selector.encode("ascii"),
        )

    def _signature(self, digest: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        return self.key.sign(digest)

    def dns_record(self) -> tuple[str, str]:
        """Return the name and the value of the TXT record that publishes the public key.

        The value may be longer than 255 characters; a name server stores it as several
        consecutive strings (RFC 6376 §3.6.2.2).
        """
        name = f"{self.selector}._domainkey.{self.domain}"
        public = self.key.public_key()
        if isinstance(self.key, RSAPrivateKey):
            der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return name, f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return name, f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"


def new_key() -> bytes:
    """Return a new 2048-bit RSA key, unencrypted, as PEM (PKCS#8)."""
    key = generate_private_key(public_exponent=65537, key_size=SMALLEST_RSA_KEY)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _require_name(text: str, what: str) -> None:
    if _DOMAIN_NAME.fullmatch(text) is None:
        raise DkimKeyError(
            f"{text!r} is no DKIM {what}.",
            remedy="Use letters, digits, hyphens and dots; international names begin with xn--.",
        )


def _load_key(key_pem: bytes) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise DkimKeyError(
            "The DKIM key is protected by a password.",
            remedy="Take the password off with: openssl pkey -in dkim.pem -out plain.pem",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise DkimKeyError("The DKIM key is no private key in PEM form.", remedy=_NEW_KEY) from None
    if isinstance(key, RSAPrivateKey):
        return _require_size(key)
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise DkimKeyError("The DKIM key is neither RSA nor Ed25519.", remedy=_NEW_KEY)


def _require_size(key: RSAPrivateKey) -> RSAPrivateKey:
    if key.key_size < SMALLEST_RSA_KEY:
        raise DkimKeyError(
            f"The DKIM key has {key.key_size} bits, and mailbox providers want 2048.",
            remedy=_NEW_KEY,
        )
    return key


def _head_and_body(message: bytes) -> tuple[bytes, int]:
    """Return the header block without its last CRLF, and the offset at which the body starts."""
    end = message.find(_HEAD_END)
    if end < 0:
        return message.removesuffix(b"\r\n"), len(message)
    return message[:end], end + len(_HEAD_END)


def _canonical_headers(head: bytes, unsigned: frozenset[bytes]) -> tuple[tuple[bytes, ...], bytes]:
    """Return the names for `h=` and the signed headers in relaxed form (§3.4.2).

    If a header occurs several times, the last comes first, because verifiers look headers up
    from the bottom (§5.4.2). Headers that may occur only once are named once more than they occur.
    """
    fields = [_canonical_field(line) for line in _FOLD.sub(b"", head).split(b"\r\n")]
    fields.reverse()
    chosen = (field for field in fields if field[0] < _UNSIGNED and field[1] not in unsigned)
    signed = sorted(chosen, key=_ORDER)
    names = (*(name for _, name, _ in signed), *_sealed(unsigned))
    return names, b"".join(line for _, _, line in signed)


@cache
def _sealed(unsigned: frozenset[bytes]) -> tuple[bytes, ...]:
    return tuple(name for name in _SEALED_HEADERS if name not in unsigned)


_UNSIGNED = len(_SIGNED_HEADERS)
_ORDER = itemgetter(0)


@lru_cache(maxsize=1024)
def _canonical_field(line: bytes) -> tuple[int, bytes, bytes]:
    """Return an unfolded header's place in the signing order, its name and its relaxed form.

    Most headers of an email are the same for every recipient.
    """
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    place = _SIGNED_HEADERS.index(name) if name in _SIGNED_HEADERS else _UNSIGNED
    return place, name, b"%b:%b\r\n" % (name, _tidied(value))


def _tidied(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", value).strip(b" ")


@lru_cache(maxsize=64)
def _written_and_relaxed(beginning: bytes) -> tuple[bytes, bytes]:
    name, _, value = _FOLD.sub(b"", beginning).partition(b":")
    return beginning, b"%b:%b" % (name.lower(), _tidied(value))


def _body_hash(message: bytes, start: int) -> bytes:
    """Hash the body in simple form: empty lines at its end count as one CRLF (§3.4.3)."""
    end = len(message)
    while end - 4 >= start and message[end - 4 : end] == b"\r\n\r\n":
        end -= 2
    if end - start <= 2 and message[start:end] in (b"", b"\r\n"):
        return sha256(b"\r\n").digest()
    digest = sha256(memoryview(message)[start:end])
    if message[end - 2 : end] != b"\r\n":
        digest.update(b"\r\n")
    return digest.digest()


@lru_cache(maxsize=64)
def _names_tag(names: tuple[bytes, ...]) -> bytes:
    """Return ` h=…;` folded between names; messages of one kind share it."""
    lines = [b" h="]
    for name in names:
        piece = name + b":"
        if len(lines[-1]) + len(piece) > FOLD_AT:
            lines.append(b"  ")
        lines[-1] += piece
    return b"\r\n".join(lines)[:-1] + b";"


def _folded(signature: bytes) -> bytes:
    """Fold a long base64 text into lines; the first follows ` b=`."""
    first, rest = signature[: FOLD_AT - 3], signature[FOLD_AT - 3 :]
    lines = [rest[i : i + FOLD_AT - 1] for i in range(0, len(rest), FOLD_AT - 1)]
    return b"\r\n ".join([first, *lines])
