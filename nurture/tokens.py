"""The only signer: links that carry their own meaning and cannot be forged.

A token is a key id, a payload, and a keyed BLAKE2b code over both, in URL-safe Base64. There is one
key per purpose, derived from the secret, so that a token made for one thing opens nothing else. It
contains no personal data: subscribers, enrolments and messages appear as numbers. An unsubscribe
link also has the keyed hash of the address beside its token, so that an opt-out counts even if a
restore has lost the number.
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
from nurture.domain.subscribers.mailboxes import is_foldable, mailbox_key

#: Length of the authentication code in bytes (96 bits).
_CODE = 12

#: Length of a step's mark in bytes; there are only a few dozen emails.
_MARK = 5
_STEP_MARK = re.compile(r"s[0-9a-f]{10}")

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class TokenRefusedError(NurtureError):
    """A token that was not made by us, or was made for something else."""


class OutdatedTokenError(TokenRefusedError):
    """A token signed with a key that has leaked since, so anyone may have made it."""


class Tokens:
    """A signer that uses the newest secret and reads tokens signed with any of them.

    `secrets` come newest first. `address` is the key for what must stay the same for ever: the
    hashes of addresses and the proof in a Message-ID. By default it is the oldest secret, and
    `before` proves the Message-IDs of programs that knew no such key. A token signed with a
    `leaked` key opens only unsubscribing and the preferences, and is refused as outdated for
    everything else; `is_outdated` recognises it.
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
        """Return a signer with the keys of this installation."""
        return cls(keys.signing, keys.address, keys.leaked, keys.before)

    def guide(self, enrolment: int) -> str:
        """Return a token that opens the page on which an enrolment's guide is collected."""
        return self._newest.sign(b"guide", _number(enrolment))

    def read_guide(self, token: str) -> int:
        """Return the enrolment, or raise `TokenRefusedError`."""
        return _as_number(self._read(b"guide", token))

    def preferences(self, subscriber: int) -> str:
        """Return a token that opens a subscriber's preference page."""
        return self._newest.sign(b"preferences", _number(subscriber))

    def read_preferences(self, token: str) -> int:
        """Return the subscriber, even with a leaked key, or raise `TokenRefusedError`."""
        return _as_number(self._read_any(b"preferences", token))

    def unsubscribe(self, subscriber: int, message: int) -> str:
        """Return a token that stops everything to a subscriber and records the message."""
        return self._newest.sign(b"unsubscribe", _number(subscriber) + _number(message))

    def read_unsubscribe(self, token: str) -> tuple[int, int]:
        """Return subscriber and message, even with a leaked key; raise `TokenRefusedError`."""
        payload = self._read_any(b"unsubscribe", token)
        return _as_number(payload[:8]), _as_number(payload[8:])

    def is_outdated(self, token: str) -> bool:
        """Return whether only a leaked key vouches for a token read as one of these two."""
        raw = _raw(token)
        purposes = (b"unsubscribe", b"preferences")
        return all(_find(self._signers, purpose, raw) is None for purpose in purposes)

    @staticmethod
    def whose(address_hash: str) -> str:
        """Return the keyed hash of an address, for a link whose number may be lost."""
        return _text(bytes.fromhex(address_hash))

    @staticmethod
    def read_whose(said: str) -> str:
        """Return the keyed hash, or an empty string if it is not valid."""
        try:
            raw = urlsafe_b64decode(said.encode("ascii"))
        except ValueError:
            return ""
        return raw.hex() if len(raw) == _CODE and _text(raw) == said else ""

    def confirm(self, message: int) -> str:
        """Return a token that opens the page for confirming what that message asked."""
        return self._newest.sign(b"confirm", _number(message))

    def read_confirm(self, token: str) -> int:
        """Return the message, or raise `TokenRefusedError`."""
        return _as_number(self._read(b"confirm", token))

    def why(self, message: int) -> str:
        """Return a token that opens the page that says why that message was sent."""
        return self._newest.sign(b"why", _number(message))

    def read_why(self, token: str) -> int:
        """Return the message, or raise `TokenRefusedError`."""
        return _as_number(self._read(b"why", token))

    def form_page(self, made_at: int) -> str:
        """Return a token that says when the page of a form was made, in milliseconds."""
        return self._newest.sign(b"form", _number(made_at))

    def read_form_page(self, token: str) -> int:
        """Return when the page was made, or raise `TokenRefusedError`."""
        return _as_number(self._read(b"form", token))

    @property
    def challenge_secrets(self) -> tuple[str, ...]:
        """The secrets that sign the challenges of forms, the newest first."""
        return tuple(one.code(b"challenge", b"proof of work").hex() for one in self._signers)

    def opened(self, message: int) -> str:
        """Return the token in the address of a message's pixel."""
        return self._newest.sign(b"open", _number(message))

    def read_opened(self, token: str) -> int:
        """Return the message, or raise `TokenRefusedError`."""
        return _as_number(self._read(b"open", token))

    def click(self, message: int, url: str) -> str:
        """Return a token that redirects to `url` and nowhere else, and identifies the message."""
        fixed, tail = self.clicks_to(url)
        return (self.click_head(message) + fixed + tail(message)).decode("ascii")

    def click_head(self, message: int) -> bytes:
        """Return the beginning of every click token of a message."""
        return urlsafe_b64encode(self._newest.id + _number(message))

    def clicks_to(self, url: str) -> tuple[bytes, Callable[[int], bytes]]:
        """Return what makes the click tokens of one destination, for many messages.

        The first value is what they share after the head; the second makes a message's own end.
        That way an email with many links costs each person one code per link.
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
        """Return the message and the destination, or raise `TokenRefusedError`."""
        payload = self._read(b"click", token)
        return _as_number(payload[:8]), payload[8:].decode()

    def message_id(self, message: int) -> str:
        """Return the left side of a Message-ID: the row's number, and proof that it is ours.

        It never changes, so that an email that is offered twice is recognised after a rotation.
        """
        return f"{message}.{self.message_code(message)}"

    def message_code(self, message: int, marked: bool = True) -> str:
        """Return a Message-ID's proof, in hexadecimal; without a mark, as earlier programs did."""
        signer = self._lasting if marked else self._before
        return signer.code(b"message", _number(message)).hex()

    def read_message_id(self, message_id: str) -> int:
        """Return the message a Message-ID belongs to, or raise `TokenRefusedError`.

        A leaked key is accepted too: the Message-ID comes from a provider, who proves with a secret
        of its own that the call is theirs, and reports about emails sent earlier must not be lost.
        """
        number, _, code = message_id.strip("<>").partition("@")[0].partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise TokenRefusedError("This is not a Message-ID of this program.")
        payload = _number(int(number))
        if not any(
            compare_digest(code.encode(), s.code(b"message", payload).hex().encode())
            for s in (self._lasting, *self._signers, *self._leaked)
        ):
            raise TokenRefusedError("This is not a Message-ID of this program.")
        return int(number)

    def step_mark(self, email: str) -> str:
        """Return a label for a Message-ID's domain that tells us alone which email it was.

        It never changes, like the rest of the Message-ID.
        """
        return f"s{self._lasting.code(b'step', email.encode())[:_MARK].hex()}"

    def bears_mark(self, email: str, message_id: str) -> bool:
        """Return whether a Message-ID says that it was that email."""
        return find_step_mark(message_id) == self.step_mark(email)

    @property
    def key_mark(self) -> str:
        """The mark that distinguishes the key of the address hashes, and reveals nothing else."""
        return self._lasting.code(b"address", b"the mark of the key").hex()

    def address_hash(self, address_key: str) -> str:
        """Return the keyed hash under which an address is suppressed, in hexadecimal."""
        return self._lasting.code(b"address", address_key.encode()).hex()

    def address_hashes(self, address: str) -> tuple[str, ...]:
        """Return every keyed hash that may suppress an address, the current one first."""
        return tuple(map(self.address_hash, address_keys(address)))

    def mailbox_hash(self, address: str) -> str | None:
        """Return the keyed hash of the mailbox that an address is one of several spellings of.

        It is `None` if the address is the mailbox's own key, or folds into no other.
        """
        return self.address_hash(mailbox_key(address)) if is_foldable(address) else None

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
    """Return the mark in a Message-ID; None in those of older versions."""
    label = message_id.strip("<>").partition("@")[2].partition(".")[0]
    return label if _STEP_MARK.fullmatch(label) else None


class _Signer:
    """One secret with a prepared keyed state per purpose, because setting up a key costs most."""

    def __init__(self, secret: str) -> None:
        self._secret = blake2b(secret.encode()).digest()
        self.id = blake2b(self._secret, person=b"nurture-id", digest_size=1).digest()
        pages = (b"guide", b"preferences", b"unsubscribe", b"confirm", b"why", b"form")
        purposes = (*pages, b"open", b"click", b"message", b"address", b"step", b"challenge")
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
    """Return what a token says, if one of these has signed it for that purpose."""
    found = (signer.read(purpose, raw) for signer in signers)
    return next((payload for payload in found if payload is not None), None)


def _raw(token: str) -> bytes:
    """Return the bytes of a token, or none if it is not spelt as we spell them."""
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
    """Return what a code is made over, with the part that many tokens share first.

    That part needs to be processed only once.
    """
    return payload[8:] + payload[:8]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _number(number: int) -> bytes:
    return number.to_bytes(8)


def _as_number(payload: bytes) -> int:
    return int.from_bytes(payload)
