"""Posts of the practice's blog: which entries are the same post, and which posts are new.

A post is recognised by its GUID or by its address, whichever stays the same. Of an address the path
and the parameters count, but not the host, so that a blog that moves brings no new posts.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from unicodedata import combining, normalize
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

#: Parameters that say where a reader came from, and nothing about the page.
_TRACKING = frozenset(
    {"fbclid", "gclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "_ga", "_gl"}
)

#: A longer mark is stored as a digest, as an index does not take it.
_LONGEST_MARK = 300

_APOSTROPHES = re.compile("['`´‘’ʼ]")
_NOT_A_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Post:
    """An entry of the feed, in plain text.

    `picture` is an https address, or empty. `paragraph` is the first one. `published` is `None` if
    the feed does not say when.
    """

    guid: str
    address: str
    title: str
    picture: str = ""
    paragraph: str = ""
    published: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenPost:
    """All entries of one reading that are the same post, and what it is recognised by."""

    post: Post
    marks: frozenset[str]

    def is_known(self, known: Collection[str]) -> bool:
        """Return whether any of the marks is known."""
        return any(mark in known for mark in self.marks)


def new_posts(
    known: Collection[str],
    feed: Iterable[Post],
    *,
    is_first_reading: bool,
    horizon: datetime | None = None,
) -> list[SeenPost]:
    """Return the posts to draft, in the order they were published.

    `known` are the marks of all posts that were ever seen. Nothing is new at the first reading, and
    nothing that was published before the `horizon`: the oldest post of the first reading. A feed
    that becomes longer shows such posts, although they are old.
    """
    if is_first_reading:
        return []
    found = [one for one in posts_of(feed) if not one.is_known(known)]
    return sorted(
        (one for one in found if not _is_older(one.post, horizon)),
        key=lambda one: (one.post.published is not None, one.post.published),
    )


def horizon_of(feed: Iterable[Post]) -> datetime | None:
    """Return when the oldest post was published, if the feed says so of any."""
    return min((post.published for post in feed if post.published), default=None)


def posts_of(feed: Iterable[Post]) -> list[SeenPost]:
    """Return each post of a feed once, oldest entry first.

    Entries that share a mark are one post, as are those that share one with the same third entry.
    An entry without an address, or by which nothing can be recognised, is left out.
    """
    found: list[SeenPost] = []
    for post in reversed(list(feed)):
        if not (post.address and (marks := marks_of(post))):
            continue
        same = [one for one in found if not one.marks.isdisjoint(marks)]
        found = [one for one in found if one not in same]
        found.append(SeenPost(post, marks.union(*(one.marks for one in same))))
    return found


def marks_of(post: Post) -> frozenset[str]:
    """Return what a post is recognised by: its GUID, and its address in a form that stays."""
    pages = {_page_of(post.address), _page_of(post.guid)} - {""}
    is_bare_site = _is_web(post.guid) and not _page_of(post.guid)
    guids = set() if is_bare_site or not post.guid else {post.guid}
    return frozenset(
        _short(f"{kind}:{said}")
        for kind, all_said in (("guid", guids), ("page", pages))
        for said in all_said
    )


def without_tracking(address: str) -> str:
    """Return an address without the parameters that say where a reader came from."""
    parts = urlsplit(address)
    kept = _kept_parameters(parts.query)
    if len(kept) == len(parse_qsl(parts.query, keep_blank_values=True)):
        return address
    return urlunsplit(parts._replace(query=urlencode(kept)))


def title_key(title: str) -> str:
    """Return a title without what people and programs write differently: case, quotes, dashes."""
    plain = "".join(c for c in normalize("NFKD", title) if not combining(c)).casefold()
    return _NOT_A_WORD.sub(" ", _APOSTROPHES.sub("", plain)).strip()


def _is_older(post: Post, horizon: datetime | None) -> bool:
    return horizon is not None and post.published is not None and post.published < horizon


def _page_of(address: str) -> str:
    """Return the path and the parameters of an address; empty for a site's first page.

    Where the path says nothing, as in a blog of one page, the fragment counts.
    """
    if not _is_web(address):
        return ""
    parts = urlsplit(address)
    path = re.sub(r"/index\.(?:html?|php)$", "/", unquote(parts.path))
    path = quote(re.sub(r"/{2,}", "/", path)).rstrip("/")
    kept = urlencode(sorted(_kept_parameters(parts.query)))
    if not path and not kept:
        return f"/#{parts.fragment}" if parts.fragment else ""
    return f"{path}?{kept}" if kept else path


def _is_web(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in ("http", "https")
    except ValueError:
        return False


def _kept_parameters(query: str) -> Sequence[tuple[str, str]]:
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return [(query, "")]
    return [
        (name, value)
        for name, value in given
        if name.lower() not in _TRACKING and not name.lower().startswith("utm_")
    ]


def _short(mark: str) -> str:
    if len(mark.encode()) <= _LONGEST_MARK:
        return mark
    kind, _, _ = mark.partition(":")
    return f"{kind}:{blake2b(mark.encode(), digest_size=32).hexdigest()}"
