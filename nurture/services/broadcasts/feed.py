"""Reading the blog's feed: each new post becomes a draft, once.

One reader at a time has a lease. What was read, the posts, their marks and the drafts are one
transaction, which holds only while the lease is still the reader's: a reader that is killed leaves
nothing behind, and one that slept through its lease changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from nurture.clock import real_now
from nurture.domain.broadcasts.posts import (
    Post,
    SeenPost,
    horizon_of,
    marks_of,
    new_posts,
    posts_of,
)
from nurture.domain.messages.email import EmailFormat
from nurture.domain.subscribers.consent import Purpose
from nurture.feed.confined import read_confined
from nurture.feed.network import FeedError
from nurture.feed.reader import FetchedFeed, Validators, fetch_feed
from nurture.library.post_email import post_email
from nurture.services.broadcasts import drafts
from nurture.services.broadcasts.feed_source import FeedSource
from nurture.services.publishing.studio import Written
from nurture.store.database import Connection, Database
from nurture.store.tables import feed_posts
from nurture.store.tables.feed_state import (
    FeedState,
    end_feed_lease,
    find_feed,
    hold_feed,
    take_feed_lease,
)

#: A reader that says nothing for so long is assumed to have died; fetching and reading together
#: are limited to less.
_LEASE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class FeedReading:
    """What one reading found: how many posts, and the keys of the drafts that were made.

    `busy` says that another process is reading, `unchanged` that the feed is as it was, and
    `first` that nothing became a draft because it was the first reading.
    """

    posts: int = 0
    drafted: tuple[str, ...] = ()
    trouble: str = ""
    busy: bool = False
    unchanged: bool = False
    first: bool = False


NOTHING_SET = FeedReading()


def read_feed(database: Database, source: FeedSource, now: datetime) -> FeedReading:
    """Read the feed and make drafts of what is new; do nothing if no feed is set.

    Trouble with the feed is recorded and returned, never raised. May raise
    `DatabaseUnavailableError`; the next reading finds the same posts.
    """
    with database.reading() as connection:
        url = source.url(find_feed(connection))
    if not url:
        return NOTHING_SET
    reader = token_hex(8)
    with database.writing() as connection:
        state = hold_feed(connection)
        taken = take_feed_lease(connection, reader, real_now(), real_now() + _LEASE)
    if not taken:
        return FeedReading(busy=True)
    try:
        fetched = fetch_feed(url, _validators(state, url), allowed=source.allowed)
        posts = read_confined(fetched) if fetched else None
    except FeedError as error:
        return _fail(database, reader, str(error), now)
    return _keep(database, reader, url, fetched, posts, now)


def _validators(state: FeedState, url: str) -> Validators:
    """Return what to ask with; a feed at another address is asked as for the first time."""
    same = state.source == url and state.first_read_at is not None
    return Validators(state.etag, state.last_modified) if same else Validators()


def _fail(database: Database, reader: str, trouble: str, now: datetime) -> FeedReading:
    with database.writing() as connection:
        state = hold_feed(connection)
        since = state.trouble_since or now
        end_feed_lease(connection, reader, {"trouble": trouble, "trouble_since": since})
    return FeedReading(trouble=trouble)


def _keep(
    database: Database,
    reader: str,
    url: str,
    fetched: FetchedFeed | None,
    posts: list[Post] | None,
    now: datetime,
) -> FeedReading:
    """Store what was read, and the drafts, if the lease is still ours."""
    fine: dict[str, Any] = {"trouble": "", "trouble_since": None, "read_at": now, "source": url}
    with database.writing() as connection:
        state = hold_feed(connection)
        if state.reader != reader:
            return FeedReading(busy=True)
        if fetched is None or posts is None:
            end_feed_lease(connection, reader, fine)
            return FeedReading(unchanged=True)
        known = feed_posts.known_marks(connection, _all_marks(posts))
        first = _is_first(state, url, known)
        if first:
            fine |= {"first_read_at": now, "horizon": horizon_of(posts)}
        horizon = fine.get("horizon", state.horizon)
        fresh = new_posts(known, posts, is_first_reading=first, horizon=horizon)
        drafted = [_draft(connection, one, now) for one in fresh]
        _remember(connection, posts, known, now)
        asked = fetched.validators
        fine |= {"etag": asked.etag, "last_modified": asked.last_modified}
        end_feed_lease(connection, reader, fine)
    return FeedReading(len(posts), tuple(drafted), first=first)


def _is_first(state: FeedState, url: str, known: Iterable[str]) -> bool:
    """Return whether nothing of this feed can be new.

    A feed at another address that shows a post that is known is the same blog, which has moved.
    """
    return state.first_read_at is None or (state.source != url and not list(known))


def _all_marks(posts: Iterable[Post]) -> set[str]:
    return {mark for post in posts for mark in marks_of(post)}


def _draft(connection: Connection, seen: SeenPost, now: datetime) -> str:
    """Make a draft of a post, and record the post with it; return the draft's key."""
    key = drafts.free_key(connection, seen.post.title)
    written = Written(EmailFormat.MARKDOWN, post_email(seen.post))
    drafts.new_draft(
        connection,
        key=key,
        title=seen.post.title,
        stream=Purpose.ARTICLES,
        written=written,
        now=now,
    )
    feed_posts.add_post(connection, seen, key, now)
    return key


def _remember(
    connection: Connection, posts: Iterable[Post], known: dict[str, int], now: datetime
) -> None:
    """Record every other post, and by what else a known one can be recognised from now on."""
    for seen in posts_of(posts):
        numbers = {known[mark] for mark in seen.marks if mark in known}
        if numbers:
            post = min(numbers)
            feed_posts.add_marks(connection, post, seen.marks - known.keys())
            feed_posts.keep_words(connection, post, seen)
        elif not feed_posts.known_marks(connection, seen.marks):
            feed_posts.add_post(connection, seen, None, now)
