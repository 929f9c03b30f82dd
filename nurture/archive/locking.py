"""Locking the key with words, in age's own passphrase format, with a fixed effort.

The library chooses the effort by the speed of the machine, which needs up to a gigabyte of memory
for an instant, here and where the backup is restored. The words alone are strong enough (88 bits),
so 64 MB are sufficient. What is written here can be opened by the library and by `age`.
"""

import hmac
import os
from base64 import b64encode
from hashlib import scrypt

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The effort as a power of two: 2^16 blocks of one kilobyte.
_LOG_N = 16
_MEMORY = 128 * 1024 * 1024

#: The size of one chunk of age's stream; a key is far smaller.
_CHUNK = 65_536
_LAST_CHUNK = bytes(11) + b"\1"


def lock(content: bytes, words: str) -> bytes:
    """Encrypt something small with words, as `age --passphrase` does."""
    if len(content) > _CHUNK:
        raise ValueError("only what fits into one chunk is locked")
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapped = ChaCha20Poly1305(_stretched(words, salt)).encrypt(bytes(12), file_key, None)
    stanza = f"-> scrypt {_base64(salt)} {_LOG_N}\n{_base64(wrapped)}\n"
    head = f"age-encryption.org/v1\n{stanza}---".encode()
    mac = hmac.digest(_derived(file_key, b"", b"header"), head, "sha256")
    payload_key = _derived(file_key, nonce, b"payload")
    payload = ChaCha20Poly1305(payload_key).encrypt(_LAST_CHUNK, content, None)
    return head + f" {_base64(mac)}\n".encode() + nonce + payload


def _stretched(words: str, salt: bytes) -> bytes:
    label = b"age-encryption.org/v1/scrypt"
    cost = {"n": 1 << _LOG_N, "r": 8, "p": 1, "maxmem": _MEMORY, "dklen": 32}
    return scrypt(words.encode(), salt=label + salt, **cost)


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(key)


def _base64(content: bytes) -> str:
    return b64encode(content).rstrip(b"=").decode("ascii")
