"""Mailbox and page addresses in a form that any email can carry: in ASCII, and complete."""

import re
from functools import lru_cache
from ipaddress import ip_address
from unicodedata import category
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from email_validator import EmailNotValidError, validate_email

from nurture.domain.errors import NurtureError

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)

#: Characters that no address contains unencoded, as each would end it (RFC 3986, appendix C).
_ENDS_IT = frozenset('<>"\\^`{|}')

#: All printable ASCII stays as it was written; everything else becomes %-escapes.
_AS_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))


class AddressError(NurtureError):
    """Something given as an address that cannot be one; the message is a sentence."""


def plain_mailbox(text: str) -> str:
    """Return a mailbox's address with an international domain in ASCII letters (RFC 5890).

    Raise `AddressError` if it is not valid. Letters outside ASCII before the @-sign are refused,
    because few mail servers accept them (RFC 6531).
    """
    if not text.rpartition("@")[0].isascii():
        raise AddressError(
            "Few mail servers take such letters before the @-sign; use an address without them."
        )
    try:
        read = validate_email(text, check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(f"{str(error).rstrip('.')}.") from None
    return read.ascii_email or read.normalized


def plain_page(text: str) -> str:
    """Return a page's address, beginning with http:// or https://, in ASCII (RFC 3987, 3.1).

    Raise `AddressError` if it is not valid.
    """
    parts = _split(text)
    host = _plain_host(parts.hostname or "")
    if not host or "@" in parts.netloc or _ENDS_IT & set(text):
        raise AddressError("Write the whole address, beginning with https://.")
    port = f":{parts.port}" if parts.port is not None else ""
    rest = (quote(part, safe=_AS_WRITTEN) for part in parts[2:])
    return urlunsplit((parts.scheme, host + port, *rest)) if not text.isascii() else text


def plain_feed(text: str) -> str:
    """Return the address of a feed in ASCII, without a fragment; raise `AddressError` if invalid.

    An address with a user and a password is none, as it would be shown.
    """
    return plain_page(text.strip()).partition("#")[0]


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_for_secrets(url: str) -> bool:
    """Return whether an address is https, or that of a server on this machine."""
    try:
        parts = urlsplit(plain_page(url))
    except AddressError:
        return False
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


@lru_cache(maxsize=4096)
def plain_network_address(text: str) -> str:
    """Return an IP address in its canonical spelling, or ""."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or any(c.isspace() or category(c)[0] in "CZ" for c in text):
        raise AddressError("Write the whole address, beginning with https://.")
    return parts


def _plain_host(host: str) -> str:
    """Return a host as the network knows it, or an empty string if the name is impossible."""
    if ":" in host:
        return f"[{host}]" if _is_number(host) else ""
    if not host.isascii():
        try:
            return plain_mailbox(f"a@{host}").partition("@")[2]
        except AddressError:
            return ""
    labels = host.removesuffix(".").split(".")
    fits = len(host) <= 253 and all(map(_LABEL.fullmatch, labels))
    return host if fits and (not labels[-1].isdigit() or _is_number(host)) else ""


def _is_number(host: str) -> bool:
    try:
        return bool(ip_address(host.partition("%")[0]))
    except ValueError:
        return False
