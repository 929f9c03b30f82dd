"""The only signer: addresses that carry their own meaning and cannot be forged.

A token is a key id, what it says, and a keyed BLAKE2b code over both, in URL-safe
Base64. There is one key per purpose, derived from the secret, so that a token made
for one thing opens nothing else. No personal data goes in: subscribers, enrolments
and messages appear as numbers. Beside the token of an unsubscribe link stands the keyed
hash of the address, so that a no counts where a restore has lost the number.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest

from nurture.domain.errors import NurtureError
from nurture.domain.keys import Keys
from nurture.domain.subscribers.address import address_keys

#: Length of the authentication code in bytes: 96 bits.
_CODE = 12

#: Length of a step's mark in bytes: there are some dozens of emails.
_MARK = 5
_STEP_MARK = re.compile(r"s[0-9a-f]{10}")

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class TokenRefusedError(NurtureError):
    """A token was not made by us, or for something else."""


class OutdatedTokenError(TokenRefusedError):
    """A key of ours signed this token and has leaked since, so that anybody may have made it."""


class Tokens:
    """Signs with the newest secret and reads tokens signed with any of them.

    `secrets` come newest first. `address` keys what must stay the same for ever, the hashes of
    addresses and the proof in a Message-ID; unless given, it is the oldest secret, and `before`
    proves the Message-IDs of programs that knew of no such key. What was signed with a `leaked` key
    opens the way out and the preferences, and is refused as outdated for everything else:
    `is_outdated` tells.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        address: str = "",
        leaked: Sequence[str] = (),
        before: str = "",
    ) -> None:
        if not secrets or not all(secrets):
            raise _nothing_to_sign_with(bool(leaked))
        self._signers = [_Signer(secret) for secret in secrets]
        self._leaked = [_Signer(secret) for secret in leaked]
        self._newest = self._signers[0]
        self._lasting = _Signer(address) if address else self._signers[-1]
        self._before = _Signer(before) if before else self._lasting

    @classmethod
    def of(cls, keys: Keys) -> "Tokens":
        """With the keys of this installation."""
        return cls(keys.signing, keys.address, keys.leaked, keys.before)

    def guide(self, enrolment: int) -> str:
        """Opens the page where the guide of an enrolment is collected."""
        return self._newest.sign(b"guide", _number(enrolment))

    def read_guide(self, token: str) -> int:
        """The enrolment; raises `TokenRefusedError`."""
        return _as_number(self._read(b"guide", token))

    def preferences(self, subscriber: int) -> str:
        """Opens a subscriber's preference page."""
        return self._newest.sign(b"preferences", _number(subscriber))

    def read_preferences(self, token: str) -> int:
        """The subscriber, by a leaked key too; raises `TokenRefusedError`."""
        return _as_number(self._read_any(b"preferences", token))

    def unsubscribe(self, subscriber: int, message: int) -> str:
        """Stops everything to a subscriber, remembering which message led there."""
        return self._newest.sign(b"unsubscribe", _number(subscriber) + _number(message))

    def read_unsubscribe(self, token: str) -> tuple[int, int]:
        """The subscriber and the message, by a leaked key too; raises `TokenRefusedError`."""
        payload = self._read_any(b"unsubscribe", token)
        return _as_number(payload[:8]), _as_number(payload[8:])

    def is_outdated(self, token: str) -> bool:
        """Whether only a leaked key vouches for a token that was read as one of these two."""
        raw = _raw(token)
        purposes = (b"unsubscribe", b"preferences")
        return all(_find(self._signers, purpose, raw) is None for purpose in purposes)

    @staticmethod
    def whose(address_hash: str) -> str:
        """The keyed hash of an address, for a link whose number may be lost."""
        return _text(bytes.fromhex(address_hash))

    @staticmethod
    def read_whose(said: str) -> str:
        """The keyed hash, or an empty string where it is none."""
        try:
            raw = urlsafe_b64decode(said.encode("ascii"))
        except ValueError:
            return ""
        return raw.hex() if len(raw) == _CODE and _text(raw) == said else ""

    def confirm(self, message: int) -> str:
        """Opens the page where somebody confirms what that message asked them about."""
        return self._newest.sign(b"confirm", _number(message))

    def read_confirm(self, token: str) -> int:
        """The message; raises `TokenRefusedError`."""
        return _as_number(self._read(b"confirm", token))

    def opened(self, message: int) -> str:
        """Stands in the address of a message's pixel."""
        return self._newest.sign(b"open", _number(message))

    def read_opened(self, token: str) -> int:
        """The message; raises `TokenRefusedError`."""
        return _as_number(self._read(b"open", token))

    def click(self, message: int, url: str) -> str:
        """Redirects to `url` and nowhere else, and says from which message."""
        fixed, tail = self.clicks_to(url)
        return (self.click_head(message) + fixed + tail(message)).decode("ascii")

    def click_head(self, message: int) -> bytes:
        """How every click token of a message begins."""
        return urlsafe_b64encode(self._newest.id + _number(message))

    def clicks_to(self, url: str) -> tuple[bytes, Callable[[int], bytes]]:
        """The click tokens of one destination, for many messages.

        The first value is what they share after the head; the second makes a message's
        own end. That way an email with many links costs each person one code a link.
        """
        destination = url.encode()
        whole = len(destination) // 3 * 3
        shared, left = destination[:whole], destination[whole:]
        state = self._newest.state(b"click", destination)

        def tail(message: int) -> bytes:
            own = state.copy()
            own.update(message.to_bytes(8))
            encoded = b2a_base64(left + own.digest(), newline=False)
            return encoded.translate(_URL_SAFE).rstrip(b"=")

        return urlsafe_b64encode(shared), tail

    def read_click(self, token: str) -> tuple[int, str]:
        """The message and the destination; raises `TokenRefusedError`."""
        payload = self._read(b"click", token)
        return _as_number(payload[:8]), payload[8:].decode()

    def message_id(self, message: int) -> str:
        """The left side of a Message-ID: the row's number, and proof that it is ours.

        It is the same for ever, so that what is offered twice is known again after a rotation.
        """
        return f"{message}.{self.message_code(message)}"

    def message_code(self, message: int, marked: bool = True) -> str:
        """The proof in a Message-ID, hexadecimal; without a mark, as programs of before made it."""
        signer = self._lasting if marked else self._before
        return signer.code(b"message", _number(message)).hex()

    def read_message_id(self, message_id: str) -> int:
        """The message a Message-ID belongs to; raises `TokenRefusedError`.

        By a leaked key too: it comes from a provider, who proves with a secret of its own that
        the call is theirs, and what is told of mails sent before must not be lost.
        """
        number, _, code = message_id.strip("<>").partition("@")[0].partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise TokenRefusedError("This is no Message-ID of ours.")
        payload = _number(int(number))
        if not any(
            compare_digest(code.encode(), s.code(b"message", payload).hex().encode())
            for s in (self._lasting, *self._signers, *self._leaked)
        ):
            raise TokenRefusedError("This is no Message-ID of ours.")
        return int(number)

    def step_mark(self, email: str) -> str:
        """A label for the domain of a Message-ID that says, to us alone, which email it was.

        It is the same for ever, like the rest of the Message-ID.
        """
        return f"s{self._lasting.code(b'step', email.encode())[:_MARK].hex()}"

    def bears_mark(self, email: str, message_id: str) -> bool:
        """Whether a Message-ID says that it was that email."""
        return find_step_mark(message_id) == self.step_mark(email)

    @property
    def key_mark(self) -> str:
        """What tells the key of the address hashes from others, and nothing else about it."""
        return self._lasting.code(b"address", b"the mark of the key").hex()

    def address_hash(self, address_key: str) -> str:
        """The keyed hash under which an address is suppressed, hexadecimal."""
        return self._lasting.code(b"address", address_key.encode()).hex()

    def address_hashes(self, address: str) -> tuple[str, ...]:
        """Every keyed hash under which an address may be suppressed, the present one first."""
        return tuple(map(self.address_hash, address_keys(address)))

    def _read(self, purpose: bytes, token: str) -> bytes:
        raw = _raw(token)
        payload = _find(self._signers, purpose, raw)
        if payload is not None:
            return payload
        if _find(self._leaked, purpose, raw) is not None:
            raise OutdatedTokenError("This link is out of date.")
        raise TokenRefusedError("This address is incomplete or was changed on the way.")

    def _read_any(self, purpose: bytes, token: str) -> bytes:
        payload = _find((*self._signers, *self._leaked), purpose, _raw(token))
        if payload is None:
            raise TokenRefusedError("This address is incomplete or was changed on the way.")
        return payload


def find_step_mark(message_id: str) -> str | None:
    """The mark in a Message-ID; None in those of older versions."""
    label = message_id.strip("<>").partition("@")[2].partition(".")[0]
    return label if _STEP_MARK.fullmatch(label) else None


class _Signer:
    """One secret with a ready-made keyed state per purpose, because setting up a key costs most."""

    def __init__(self, secret: str) -> None:
        self._secret = blake2b(secret.encode()).digest()
        self.id = blake2b(self._secret, person=b"nurture-id", digest_size=1).digest()
        pages = (b"guide", b"preferences", b"unsubscribe", b"confirm")
        purposes = (*pages, b"open", b"click", b"message", b"address", b"step")
        self._states = {purpose: self._state(purpose) for purpose in purposes}

    def sign(self, purpose: bytes, payload: bytes) -> str:
        return _text(self.id + payload + self.code(purpose, _number_last(payload)))

    def state(self, purpose: bytes, payload: bytes) -> blake2b:
        state = self._states[purpose].copy()
        state.update(payload)
        return state

    def read(self, purpose: bytes, raw: bytes) -> bytes | None:
        payload, code = raw[1:-_CODE], raw[-_CODE:]
        ours = raw[:1] == self.id and compare_digest(
            code, self.code(purpose, _number_last(payload))
        )
        return payload if ours else None

    def code(self, purpose: bytes, payload: bytes) -> bytes:
        return self.state(purpose, payload).digest()

    def _state(self, purpose: bytes) -> "blake2b":
        return blake2b(key=self._secret, digest_size=_CODE, person=purpose)


def _find(signers: "Sequence[_Signer]", purpose: bytes, raw: bytes) -> bytes | None:
    """What a token says, where one of these has signed it for that purpose."""
    found = (signer.read(purpose, raw) for signer in signers)
    return next((payload for payload in found if payload is not None), None)


def _raw(token: str) -> bytes:
    """The bytes of a token; none where it is spelt otherwise than we spell them."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        return b""
    return raw if token == _text(raw) else b""


def _nothing_to_sign_with(have_leaked: bool) -> NurtureError:
    if have_leaked:
        return NurtureError(
            "Every NURTURE_SECRET_KEY has leaked, as NURTURE_LEAKED_KEYS says.",
            remedy="Make a new one with “nurture secrets rotate --leaked”.",
        )
    return NurtureError("There is no secret to sign with.", remedy="Set NURTURE_SECRET_KEY.")


def _number_last(payload: bytes) -> bytes:
    """What a code is made over: what many tokens share comes first, and is worked through once."""
    return payload[8:] + payload[:8]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _number(number: int) -> bytes:
    return number.to_bytes(8)


def _as_number(payload: bytes) -> int:
    return int.from_bytes(payload)
