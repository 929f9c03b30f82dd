"""The mailbox's address and how to log in to it: the meaning of NURTURE_IMAP_URL."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from nurture.addresses import is_loopback
from nurture.domain.errors import NurtureError

TLS_PORT, PLAIN_PORT = 993, 143

_WRITE_IT = "Write it as imaps://user:password@host/INBOX."


class MailboxAddressError(NurtureError):
    """The mailbox's URL cannot be used; it is never quoted, because it contains a password."""


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """A folder on a mail server, and the login to use there.

    With `by_token`, an access token takes the place of the password.
    """

    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    folder: str = "INBOX"
    implicit_tls: bool = True
    by_token: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_plain(self) -> bool:
        """Whether nothing is encrypted, because the server is on this machine."""
        return not self.implicit_tls and is_loopback(self.host)

    @property
    def key(self) -> str:
        """What identifies the mailbox without naming it, whatever its password."""
        named = "\n".join((self.host.lower(), self.user, self.folder))
        return blake2b(named.encode(), digest_size=16).hexdigest()

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Parse `imaps://user:password@host:port/folder`, percent-decoding it.

        `imap://` is encrypted with STARTTLS, except on this machine. `?auth=xoauth2` takes an
        access token instead of a password. Raise MailboxAddressError, which names the invalid
        part and never quotes it.
        """
        parts = _split(url)
        by_token = _is_by_token(parts)
        user, password = _decoded(parts.username, "user name"), _decoded(parts.password, "password")
        if not user or bool(password) == by_token:
            raise MailboxAddressError(
                "NURTURE_IMAP_URL needs a user name, and either a password or ?auth=xoauth2.",
                remedy=_WRITE_IT,
            )
        return cls(
            host=_host(parts),
            port=_port(parts),
            user=user,
            password=password,
            folder=unquote(parts.path.strip("/"), errors="replace") or "INBOX",
            implicit_tls=parts.scheme == "imaps",
            by_token=by_token,
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise MailboxAddressError("NURTURE_IMAP_URL cannot be read.", remedy=_WRITE_IT) from None
    if parts.scheme not in ("imap", "imaps"):
        raise MailboxAddressError(
            "NURTURE_IMAP_URL does not begin with imaps:// or imap://.", remedy=_WRITE_IT
        )
    if parts.fragment or not unquote(parts.path).isprintable():
        raise MailboxAddressError(
            "NURTURE_IMAP_URL goes on after the folder.",
            remedy="If the password holds / ? # or @, write them as %2F %3F %23 and %40.",
        )
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or not (host.isascii() and host.isprintable() and " " not in host):
        raise MailboxAddressError(
            "NURTURE_IMAP_URL names no host that can be.",
            remedy="Use letters, digits, hyphens and dots; international names begin with xn--.",
        )
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise MailboxAddressError(
            "The port in NURTURE_IMAP_URL is not a number from 1 to 65535.",
            remedy="Usual ports are 993 and 143. If the password holds : / ? # or @, "
            "write them as %3A %2F %3F %23 and %40.",
        )
    return port or (TLS_PORT if parts.scheme == "imaps" else PLAIN_PORT)


def _decoded(quoted: str | None, name: str) -> str:
    text = unquote(quoted or "", errors="replace")
    if not (text.isascii() and text.isprintable()):
        raise MailboxAddressError(
            f"The {name} in NURTURE_IMAP_URL holds a character outside printable ASCII.",
            remedy="Ask the mail provider for a login without such characters.",
        )
    return text


def _is_by_token(parts: SplitResult) -> bool:
    options = parse_qs(parts.query, keep_blank_values=True)
    values = options.pop("auth", None)
    if options or (values is not None and values[-1] != "xoauth2"):
        raise MailboxAddressError(
            "NURTURE_IMAP_URL has an option that is not known.",
            remedy="The only one is ?auth=xoauth2. If the password holds a ?, write it as %3F.",
        )
    return values is not None
