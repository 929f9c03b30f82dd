"""The blog's feed as it is set: its address, whether drafts are sent after a day, its state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from nurture.addresses import plain_feed
from nurture.domain.errors import NurtureError
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.tables.feed_state import FeedState, find_feed, hold_feed, keep_choice

#: A feed that has failed for so long is told to the owner.
TOLD_AFTER = timedelta(days=3)


class FeedFixedError(NurtureError):
    """The environment sets the feed, so it cannot be chosen elsewhere."""


@dataclass(frozen=True, slots=True)
class FeedSource:
    """The feed as the environment sets it: its address, and which private networks it may be on."""

    fixed_url: str = ""
    allowed: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the feed as the settings have it."""
        return cls(settings.feed_url, settings.feed_allow)

    def url(self, state: FeedState) -> str:
        """Return the feed's address: that of the environment, else the one that was chosen."""
        return self.fixed_url or state.url


def choose_feed(
    database: Database,
    source: FeedSource,
    url: str | None,
    sends_itself: bool | None,
    now: datetime,
) -> None:
    """Store the feed's address and whether drafts are sent after a day; may raise `AddressError`.

    `None` leaves what was chosen before, and an empty address reads no feed. Raise `FeedFixedError`
    if the environment sets another address.
    """
    plain = plain_feed(url) if url and url.strip() else ""
    if source.fixed_url and url is not None and plain != source.fixed_url:
        raise FeedFixedError(
            "NURTURE_FEED_URL sets the feed, so it cannot be changed here.",
            remedy="Change or remove that setting, and start nurture again.",
        )
    with database.writing() as connection:
        state = hold_feed(connection)
        kept = state.url if url is None or source.fixed_url else plain
        wanted = state.sends_since is not None if sends_itself is None else sends_itself
        keep_choice(connection, kept, (state.sends_since or now) if wanted else None)


def feed_state(database: Database) -> FeedState:
    """Return what was chosen, and how the feed is doing."""
    with database.reading() as connection:
        return find_feed(connection)


def failing_since(source: FeedSource, state: FeedState, now: datetime) -> datetime | None:
    """Return since when the feed has failed, if that is long enough to be told."""
    since = state.trouble_since
    if not source.url(state) or not state.trouble or since is None:
        return None
    return since if now - since >= TOLD_AFTER else None


def feed_trouble(database: Database, source: FeedSource, now: datetime) -> str:
    """Return what is wrong with the feed, in sentences, once it has failed for days; else ""."""
    state = feed_state(database)
    since = failing_since(source, state, now)
    if since is None:
        return ""
    return (
        f"Since {since:%-d %B} your blog’s feed could not be read, so new posts become no drafts. "
        f"{state.trouble}"
    )
