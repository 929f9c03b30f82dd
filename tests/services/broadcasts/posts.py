"""What tests about the blog's feed have in common."""

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.broadcasts.posts import Post
from nurture.services.broadcasts import feed
from nurture.services.broadcasts.feed import FeedReading
from nurture.services.broadcasts.feed_source import FeedSource
from nurture.store.tables.broadcasts import list_broadcasts
from nurture.store.tables.owners import add_owner
from tests.installation import Installation

PARAGRAPH = (
    "When your back hurts, it is natural to want someone to press on it. What helps in the end is "
    "to become stronger, a little at a time, and to go on with it when the pain has gone away."
)


def post(number: int, title: str = "", **more: str) -> Post:
    """Return a post of the blog."""
    address = more.get("address", f"https://blog.example.org/post-{number}/")
    return Post(f"guid-{number}", address, title or f"Post number {number}", "", PARAGRAPH)


def read(home: Installation) -> FeedReading:
    """Read the feed once."""
    context = home.context
    return feed.read_feed(context.database, FeedSource.of(context.settings), home.clock.now)


def drafts_of(home: Installation) -> list[Broadcast]:
    """Return all broadcasts, oldest first."""
    with home.context.database.reading() as connection:
        return list_broadcasts(connection)[::-1]


def add_owners(home: Installation, *addresses: str) -> None:
    """Let these people open the studio."""
    with home.context.database.writing() as connection:
        for address in addresses:
            add_owner(connection, address, home.clock.now)
