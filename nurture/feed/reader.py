"""Fetching the feed if it has changed, within limits of size, time and place."""

import ssl
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore

from nurture.feed.network import CheckedNetwork, FeedError, FetchDeadline, Lookup, look_up
from nurture.feed.site import redirected

#: A feed has at most this many bytes, as it is sent and as it is read.
LARGEST = 2 * 1024 * 1024

#: Seconds from the first name lookup to the last byte, redirects included.
PATIENCE_SECONDS = 20.0

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED, _OK = 304, 200
_TIMEOUTS = {"connect": 5.0, "read": 8.0, "write": 5.0, "pool": 5.0}
_LONGEST_VALIDATOR = 500

_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*"


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said about the feed that it sent, to be asked whether it has changed."""

    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> Mapping[bytes | str, bytes | str]:
        """The headers of a conditional request (RFC 9110, section 13.1)."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: said for name, said in given.items() if said}


@dataclass(frozen=True, slots=True)
class FetchedFeed:
    """The bytes of a feed, where they came from, and how to ask for newer ones."""

    data: bytes
    address: str
    content_type: str = ""
    validators: Validators = Validators()


def fetch_feed(
    feed: str,
    validators: Validators = Validators(),
    *,
    allowed: Collection[str] = (),
    patience: float = PATIENCE_SECONDS,
    lookup: Lookup = look_up,
) -> FetchedFeed | None:
    """Fetch a feed, or return `None` if it has not changed; raise `FeedError`.

    Private addresses are refused, except in the networks that are `allowed`.
    """
    deadline = FetchDeadline(patience)
    network = CheckedNetwork(deadline, allowed, lookup)
    with httpcore.ConnectionPool(ssl.create_default_context(), network_backend=network) as pool:
        page = feed
        for _ in range(_MOST_REDIRECTS + 1):
            with _told_errors(page, deadline):
                found = _ask(pool, page, validators)
            if not isinstance(found, _Elsewhere):
                return found
            page = redirected(feed, page, found.location)
    raise FeedError(f"The feed redirects more than {_MOST_REDIRECTS} times.")


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    location: str


_Found = FetchedFeed | _Elsewhere | None


def _ask(pool: httpcore.ConnectionPool, page: str, validators: Validators) -> _Found:
    headers: dict[bytes | str, bytes | str] = {
        "User-Agent": "nurture",
        "Accept": _ACCEPT,
        "Accept-Encoding": "gzip",
    }
    asked = {**headers, **validators.headers}
    with pool.stream("GET", page, headers=asked, extensions={"timeout": _TIMEOUTS}) as answer:
        said = {name.lower().decode(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in _REDIRECTS and "location" in said:
            return _Elsewhere(said["location"])
        if answer.status == _NOT_MODIFIED and validators.headers:
            return None
        if answer.status != _OK:
            raise FeedError(
                f"{urlsplit(page).hostname} answered {answer.status} instead of a feed.",
                remedy="Open the feed's address in a browser, and see whether it is still right.",
            )
        data = _body(answer.iter_stream(), said.get("content-encoding", ""))
    return FetchedFeed(
        data,
        page,
        said.get("content-type", ""),
        Validators(_kept(said.get("etag", "")), _kept(said.get("last-modified", ""))),
    )


def _body(chunks: Iterator[bytes], encoding: str) -> bytes:
    """Return the whole body, unpacked no further than the limit."""
    if encoding.strip().lower() not in ("", "identity", "gzip", "x-gzip"):
        raise FeedError("The feed comes in a packing that was not asked for.")
    unpack = zlib.decompressobj(31) if "gzip" in encoding.lower() else None
    data, received = bytearray(), 0
    for chunk in chunks:
        received += len(chunk)
        data += unpack.decompress(chunk, LARGEST + 1 - len(data)) if unpack else chunk
        if received > LARGEST or len(data) > LARGEST:
            raise FeedError(
                f"The feed is larger than {LARGEST // 1024 // 1024} megabytes.",
                remedy="Let it show fewer posts: ten are enough.",
            )
    if unpack and not unpack.eof:
        raise FeedError("The feed broke off before its end.")
    return bytes(data)


def _kept(validator: str) -> str:
    """Return a validator, unless it is one that cannot be sent back."""
    fits = validator.isascii() and validator.isprintable()
    return validator if fits and len(validator) <= _LONGEST_VALIDATOR else ""


@contextmanager
def _told_errors(page: str, deadline: FetchDeadline) -> Iterator[None]:
    """Raise every trouble as a `FeedError` that names the host and no more."""
    host = urlsplit(page).hostname
    try:
        yield
    except httpcore.TimeoutException:
        raise FeedError(
            f"{host} did not answer in time; a feed has {deadline.patience:g} seconds."
        ) from None
    except httpcore.ConnectError as error:
        if "CERTIFICATE" in str(error):
            raise FeedError(f"{host} showed a certificate that is not valid for it.") from None
        raise FeedError(f"{host} could not be reached.") from None
    except zlib.error:
        raise FeedError(f"{host} sent something that cannot be unpacked.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
        raise FeedError(f"{host} broke off ({type(error).__name__}).") from None
