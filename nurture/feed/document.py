"""The feed as a document: RSS or Atom, in any dialect, read as posts."""

import calendar
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from nurture.addresses import AddressError, plain_page
from nurture.domain.broadcasts.posts import Post, without_tracking
from nurture.feed.network import FeedError
from nurture.feed.text import first_paragraph, first_picture, from_html, one_line

#: More entries than this are not looked at.
MOST_POSTS = 200

_LONGEST_TITLE, _LONGEST_PARAGRAPH, _LONGEST_ADDRESS = 200, 700, 1000

#: Of a text, only so much is searched for its first paragraph.
_LONGEST_TEXT = 200_000


def read_document(data: bytes, address: str, content_type: str = "") -> list[Post]:
    """Return the posts of a feed in its order; raise `FeedError` if it is none.

    Nothing is fetched. Entries without a title or an address are left out.
    """
    # Without the feed's own address, a GUID stays as it is written when the feed moves.
    headers = {"content-type": content_type} if content_type else {}
    # A stream, because the parser would open an address or a file that it was given as text.
    read = feedparser.parse(
        BytesIO(data), sanitize_html=False, resolve_relative_uris=False, response_headers=headers
    )
    if not read.get("version") and not read.entries:
        raise FeedError(
            f"What {urlsplit(address).hostname} sends is no RSS or Atom feed.",
            remedy="Give the feed’s own address; with WordPress it often ends in /feed/.",
        )
    posts = (_post(entry, address) for entry in read.entries[:MOST_POSTS])
    return [post for post in posts if post.title and post.address]


def _post(entry: Mapping[str, Any], base: str) -> Post:
    address = _web(str(entry.get("link", "")), base)
    html = _text(entry)[:_LONGEST_TEXT]
    return Post(
        guid=one_line(str(entry.get("id", "")), _LONGEST_ADDRESS),
        address=without_tracking(address),
        title=_title(entry),
        picture=_picture(entry, html, address or base),
        paragraph=first_paragraph(html, _LONGEST_PARAGRAPH),
        published=_moment(entry.get("published_parsed")),
    )


def _title(entry: Mapping[str, Any]) -> str:
    said = str(entry.get("title", ""))
    kind = entry.get("title_detail", {}).get("type", "text/plain")
    is_markup = kind != "text/plain"
    return from_html(said, _LONGEST_TITLE) if is_markup else one_line(said, _LONGEST_TITLE)


def _text(entry: Mapping[str, Any]) -> str:
    """Return the post's own text or, without one, its summary."""
    contents = [str(one.get("value", "")) for one in entry.get("content", ())]
    return next(filter(None, contents), "") or str(entry.get("summary", ""))


def _picture(entry: Mapping[str, Any], html: str, base: str) -> str:
    found = (_https(one, base) for one in _pictures(entry, html))
    return next(filter(None, found), "")


def _pictures(entry: Mapping[str, Any], html: str) -> Iterator[str]:
    """Yield the addresses of the post's pictures, the one it names for itself first."""
    for media in entry.get("media_content", ()):
        kind = str(media.get("type", ""))
        if media.get("medium") == "image" or kind.startswith("image/"):
            yield str(media.get("url", ""))
    for enclosure in entry.get("enclosures", ()):
        if str(enclosure.get("type", "")).startswith("image/"):
            yield str(enclosure.get("href", ""))
    for thumbnail in entry.get("media_thumbnail", ()):
        yield str(thumbnail.get("url", ""))
    yield first_picture(html)
    yield first_picture(str(entry.get("summary", ""))[:_LONGEST_TEXT])


def _https(written: str, base: str) -> str:
    address = _web(written, base)
    return address if address.startswith("https://") else ""


def _web(written: str, base: str) -> str:
    """Return a page's address in ASCII; empty if it is none that an email can carry."""
    written = "".join(c for c in written.strip() if c.isprintable()).replace(" ", "%20")
    if not written:
        return ""
    try:
        address = plain_page(urljoin(base, written))
    except (AddressError, ValueError):
        return ""
    return address if len(address) <= _LONGEST_ADDRESS else ""


def _moment(parsed: time.struct_time | None) -> datetime | None:
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
