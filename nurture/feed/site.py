"""The site that a feed belongs to: where it may be fetched from, and where it may redirect to."""

from urllib.parse import urljoin, urlsplit

from nurture.addresses import AddressError, plain_feed
from nurture.feed.network import FeedError

_PORTS = {"http": 80, "https": 443}


def redirected(feed: str, page: str, location: str) -> str:
    """Return where a page of the feed's site redirects to; raise `FeedError` if that is elsewhere.

    Only the same host is the site, with or without www., and encryption is never given up.
    """
    try:
        target = plain_feed(urljoin(page, location))
    except (AddressError, ValueError):
        raise FeedError("The feed redirects to something that is no address.") from None
    if _host(target) != _host(feed) or _port(target) not in {_port(feed), *_usual(feed)}:
        raise FeedError(
            f"The feed redirects to another site, {urlsplit(target).hostname}.",
            remedy="If your blog has moved there, set the feed's new address.",
        )
    if urlsplit(page).scheme == "https" and urlsplit(target).scheme == "http":
        raise FeedError("The feed redirects to an address without encryption.")
    return target


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".").removeprefix("www.")


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or _PORTS[parts.scheme]


def _usual(feed: str) -> set[int]:
    """Return the ports that a feed without a port of its own may be redirected to."""
    return set(_PORTS.values()) if urlsplit(feed).port in (None, 80, 443) else set()
