"""What is done for the blog every hour: its feed is read, owners are told, a day that is over ends.

With no feed set, it costs one look at one row.
"""

from datetime import datetime

from nurture.services.broadcasts.feed_source import FeedSource, feed_state
from nurture.services.delivery.dispatch import Dispatch
from nurture.settings import Settings


def follow_feed(dispatch: Dispatch, settings: Settings, now: datetime) -> None:
    """Make drafts of new posts, tell the owners, and send what they chose to have sent.

    Each part can be repeated: what a process that was killed had begun, the next one finishes.
    """
    source = FeedSource.of(settings)
    if not source.url(feed_state(dispatch.database)):
        return
    # What fetches and parses is loaded only where there is something to fetch.
    from nurture.services.broadcasts import feed, feed_notices

    feed.read_feed(dispatch.database, source, now)
    feed_notices.tell_owners(dispatch, settings.public_url, now)
    feed_notices.send_untouched(dispatch, now)
