"""Reading a mailbox by IMAP (RFC 3501), changing nothing in it.

The standard library's client does what is needed here, five commands and literals, and is kept
as long as Python is; what others add are folders, flags and waiting, none of which is used. Waiting
for news (IDLE, RFC 2177) is left out: it would hold a process, a connection and the lease all day
for news that is as useful five minutes later.
"""

import imaplib
import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.kept_payload import without_addresses
from nurture.mail.login import AccessTokens
from nurture.mail.mailbox.address import MailboxAddress
from nurture.mail.mailbox.parts import LARGEST

#: How long the server may be silent, and how much it may send in one conversation.
_SILENCE_SECONDS, _MOST_BYTES = 30.0, 400_000_000

#: As much of the headers of one mail as is asked for.
_HEAD = 65_536

#: How many numbers are asked for together.
_SPAN = 20_000

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: The code before a server's words (RFC 5530).
_CODE = re.compile(r"^\[?[A-Z-]{1,40}\] ?")
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_RECEIVED = re.compile(rb'INTERNALDATE "([^"]{10,40})"')


class MailboxError(NurtureError):
    """The mailbox cannot be read now; the sentence says why, for the owner."""


@dataclass(frozen=True, slots=True)
class MailHead:
    """The headers of a mail, its number, and when the server received it, if it says so."""

    uid: int
    received_at: datetime | None
    data: bytes


@dataclass
class Mailbox:
    """An open folder; its numbers are valid as long as `uid_validity` stays the same."""

    uid_validity: int
    uid_next: int
    _client: imaplib.IMAP4 = field(repr=False)

    def uids_after(self, last: int) -> Iterator[int]:
        """Yield the numbers that follow that one, in order."""
        for start in range(last + 1, self.uid_next, _SPAN):
            span = f"{start}:{min(start + _SPAN, self.uid_next) - 1}"
            yield from self._search("UID", span)

    def uids_since(self, day: date) -> list[int]:
        """Return the numbers of what was received on that day or later, in order."""
        return self._search("SINCE", f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    def heads(self, uids: Sequence[int]) -> list[MailHead]:
        """Return the headers under these numbers; those deleted meanwhile are left out."""
        wanted = f"(UID INTERNALDATE BODY.PEEK[HEADER]<0.{_HEAD}>)"
        return [
            MailHead(uid, _received_at(about), data)
            for uid, about, data in self._fetch(",".join(map(str, uids)), wanted)
            if uid in uids
        ]

    def whole(self, uid: int) -> bytes:
        """Return a mail as far as it is read at all; empty if it was deleted meanwhile."""
        found = self._fetch(str(uid), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
        return next((data for number, _, data in found if number == uid), b"")

    def _search(self, *criteria: str) -> list[int]:
        with _told_apart():
            said, found = self._client.uid("SEARCH", *criteria)
            _insist(said)
            numbers = b" ".join(one for one in found if isinstance(one, bytes)).split()
            return sorted(int(one) for one in numbers if one.isdigit() and len(one) <= 10)

    def _fetch(self, uids: str, wanted: str) -> list[tuple[int, bytes, bytes]]:
        """Return number, attributes and content of each mail, wherever the server puts them."""
        with _told_apart():
            said, found = self._client.uid("FETCH", uids, wanted)
            _insist(said)
            return list(_fetched(found))


@contextmanager
def open_mailbox(
    address: MailboxAddress, tokens: AccessTokens | None, patience: timedelta
) -> Iterator[Mailbox]:
    """Open a folder for reading only; raise `MailboxError` in the end after `patience`."""
    with _told_apart(address):
        client = _connect(address)
    watch = threading.Timer(patience.total_seconds(), _cut, [client])
    watch.daemon = True
    watch.start()
    try:
        with _told_apart(address):
            _log_in(client, address, tokens)
            mailbox = _examine(client, address)
        yield mailbox
    finally:
        watch.cancel()
        with suppress(OSError, imaplib.IMAP4.error):
            client.logout()


class _Bounded(imaplib.IMAP4):
    """A client that reads no more than one conversation can need."""

    _read_so_far = 0

    def read(self, size: int) -> bytes:
        return self._counted(super().read(size)) if size <= 2 * LARGEST else self._too_much()

    def readline(self) -> bytes:
        return self._counted(super().readline())

    def _counted(self, data: bytes) -> bytes:
        self._read_so_far += len(data)
        return data if self._read_so_far <= _MOST_BYTES else self._too_much()

    def _too_much(self) -> bytes:
        raise self.abort("more than was asked for")


class _BoundedTls(_Bounded, imaplib.IMAP4_SSL):
    """The same, encrypted from the start."""


def _connect(address: MailboxAddress) -> imaplib.IMAP4:
    at: dict[str, Any] = {"host": address.host, "port": address.port, "timeout": _SILENCE_SECONDS}
    if address.implicit_tls:
        return _BoundedTls(**at, ssl_context=ssl.create_default_context())
    client = _Bounded(**at)
    if not address.is_plain:
        client.starttls(ssl.create_default_context())
    return client


def _cut(client: imaplib.IMAP4) -> None:
    with suppress(OSError):
        client.socket().shutdown(socket.SHUT_RDWR)


def _log_in(client: imaplib.IMAP4, address: MailboxAddress, tokens: AccessTokens | None) -> None:
    try:
        if address.by_token:
            client.authenticate("XOAUTH2", _xoauth2(address, tokens))
        else:
            client.login(address.user, address.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        said = _quoted(error, address.password)
        raise MailboxError(
            f"The mailbox refuses the login: {said}",
            remedy="See that user name and password in NURTURE_IMAP_URL are right, and whether the "
            "provider wants a password for apps, or “nurture account connect”.",
        ) from None


def _xoauth2(address: MailboxAddress, tokens: AccessTokens | None) -> Callable[[bytes], bytes]:
    """Return what answers the server: the token first, then nothing, to hear its reason."""
    if tokens is None:
        raise MailboxError(
            "No account is connected whose access token could open the mailbox.",
            remedy="Connect it with “nurture account connect”, or use a password.",
        )
    answers = [f"user={address.user}\x01auth=Bearer {tokens.current()}\x01\x01".encode()]
    return lambda _: answers.pop() if answers else b""


def _examine(client: imaplib.IMAP4, address: MailboxAddress) -> Mailbox:
    said, found = client.select(_as_named(address.folder), readonly=True)
    if said != "OK":
        raise MailboxError(
            f"The mailbox has no such folder: {_quoted(found[-1:], address.password)}",
            remedy="Name the folder after the host in NURTURE_IMAP_URL, as its server spells it.",
        )
    return Mailbox(_number(client, "UIDVALIDITY"), _number(client, "UIDNEXT"), client)


def _as_named(folder: str) -> str:
    """Return a folder's name in modified UTF-7 (RFC 3501 §5.1.3), in quotation marks."""
    runs = re.split(r"([^ -~]+)", folder.replace("&", "&-"))
    name = "".join(_shifted(run) if index % 2 else run for index, run in enumerate(runs))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shifted(run: str) -> str:
    coded = b64encode(run.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
    return f"&{coded.decode('ascii')}-"


def _number(client: imaplib.IMAP4, name: str) -> int:
    _, found = client.response(name)
    value = found[-1] if found else None
    if not isinstance(value, bytes) or not value.isdigit() or len(value) > 10:
        raise imaplib.IMAP4.error(f"no {name}")
    return int(value)


def _fetched(found: Sequence[Any]) -> Iterator[tuple[int, bytes, bytes]]:
    for index, one in enumerate(found):
        if not isinstance(one, tuple):
            continue
        after = found[index + 1] if index + 1 < len(found) else b""
        about = one[0] + (after if isinstance(after, bytes) else b"")
        uid = _UID.search(about)
        if uid:
            yield int(uid[1]), about, one[1]


def _received_at(about: bytes) -> datetime | None:
    found = _RECEIVED.search(about)
    if found is None:
        return None
    try:
        text = found[1].decode("ascii").strip().replace("-", " ", 2)
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _insist(said: str) -> None:
    if said != "OK":
        raise imaplib.IMAP4.error("refused")


@contextmanager
def _told_apart(address: MailboxAddress | None = None) -> Iterator[None]:
    """Turn whatever goes wrong in a conversation into a `MailboxError`."""
    where = f"The mailbox’s server {address}" if address else "The mailbox’s server"
    try:
        yield
    except NurtureError as error:
        raise error if isinstance(error, MailboxError) else MailboxError(str(error)) from None
    except ssl.SSLError as error:
        why = "its certificate cannot be verified" if _is_of_trust(error) else "TLS fails"
        raise MailboxError(
            f"{where} cannot be trusted: {why}.",
            remedy="Use the host name that its certificate names, and the right port.",
        ) from None
    except TimeoutError:
        raise MailboxError(f"{where} does not answer in time.") from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise MailboxError(f"{where} cannot be reached: {why}.") from None
    except (imaplib.IMAP4.error, ValueError, IndexError, TypeError, AttributeError):
        # A server that breaks off, or answers in a way that is none, confuses the client.
        raise MailboxError(f"{where} broke off, or answers in no way that IMAP knows.") from None


def _is_of_trust(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError)


def _quoted(said: object, password: str) -> str:
    """Return a server's words without addresses, and without the password it may repeat."""
    text = _CODE.sub("", str(said).strip("[]b'\""))
    plain = text.replace(password, "•••") if password else text
    return without_addresses(plain)[:200]
