"""Reading the blog's feed: a new post becomes a draft once, whatever is killed and repeated."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from threading import Thread

import pytest

from nurture.clock import real_now
from nurture.domain.broadcasts.broadcast import BroadcastStatus
from nurture.domain.subscribers.consent import Purpose
from nurture.rendering.lint.preflight import stops_publishing
from nurture.services.broadcasts import feed
from nurture.services.broadcasts.feed import FeedReading
from nurture.services.broadcasts.feed_source import (
    FeedFixedError,
    FeedSource,
    choose_feed,
    failing_since,
    feed_state,
)
from nurture.services.publishing import email_editor
from nurture.store.tables import feed_posts
from nurture.store.tables.feed_state import hold_feed, take_feed_lease
from tests.installation import BASE_URL, Installation
from tests.servers.blog import BlogServer
from tests.services.broadcasts.posts import drafts_of, post, read


def test_the_first_reading_drafts_nothing(reader: Installation, blog: BlogServer) -> None:
    blog.show(post(2), post(1))
    assert read(reader) == FeedReading(posts=2, first=True)
    assert drafts_of(reader) == []


def test_a_new_post_becomes_a_draft_once(reader: Installation, blog: BlogServer) -> None:
    read(reader)
    blog.show(post(1, "Why a strong back matters"))
    readings = [read(reader), read(reader)]
    [draft] = drafts_of(reader)
    assert [one.drafted for one in readings] == [("why-a-strong-back-matters",), ()]
    assert (draft.title, draft.stream) == ("Why a strong back matters", Purpose.ARTICLES)
    assert draft.status is BroadcastStatus.DRAFT


def test_a_draft_passes_the_preflight_as_it_is(reader: Installation, blog: BlogServer) -> None:
    read(reader)
    blog.show(post(1, "A “strange” {{ title }} *with* <marks> & more"))
    read(reader)
    [draft] = drafts_of(reader)
    database = reader.context.database
    found = email_editor.find_editing(database, draft.email_key)
    assert found is not None
    concerns = email_editor.preflight_email(database, draft.email_key, found.written, BASE_URL)
    assert not stops_publishing(concerns)


def test_two_posts_of_one_title_become_two_drafts(reader: Installation, blog: BlogServer) -> None:
    read(reader)
    blog.show(post(2, "Again"), post(1, "Again"))
    assert read(reader).drafted == ("again", "again-2")


def test_what_a_post_was_called_before_is_remembered(
    reader: Installation, blog: BlogServer
) -> None:
    read(reader)
    changes = [
        post(1),
        post(1, "Edited", address="https://blog.example.org/renamed/"),
        post(2, "Edited", address="https://www.blog.example.org/renamed?utm_source=rss"),
        post(2, "Edited", address="https://moved.example.org/again/"),
        post(3, "Edited", address="https://moved.example.org/again/"),
    ]
    found = []
    for change in changes:
        blog.show(change)
        found.append(len(read(reader).drafted))
    assert found == [1, 0, 0, 0, 0]
    with reader.context.database.reading() as connection:
        [only] = feed_posts.list_posts(connection)
    assert (only.title, only.address) == ("Edited", "https://moved.example.org/again/")


def test_an_unchanged_feed_is_not_read_again(reader: Installation, blog: BlogServer) -> None:
    blog.headers = {"ETag": '"1"'}
    assert read(reader).first
    blog.show(post(1))
    assert read(reader).unchanged
    blog.headers = {"ETag": '"2"'}
    assert len(read(reader).drafted) == 1


def test_a_failed_first_reading_is_no_baseline(reader: Installation, blog: BlogServer) -> None:
    blog.status = 500
    assert "500" in read(reader).trouble
    blog.status = 200
    blog.show(post(1))
    assert read(reader).first
    assert drafts_of(reader) == []


def test_a_blog_at_another_address_begins_with_a_first_reading(
    reader: Installation, blog: BlogServer
) -> None:
    blog.show(post(1))
    read(reader)
    with BlogServer() as other:
        other.show(post(7), post(8))
        source = FeedSource(other.url, ("127.0.0.0/8",))
        database, now = reader.context.database, reader.clock.now
        assert feed.read_feed(database, source, now).first
        other.show(post(9), post(7))
        assert len(feed.read_feed(database, source, now).drafted) == 1


def test_a_blog_that_moved_goes_on_where_it_was(reader: Installation, blog: BlogServer) -> None:
    blog.show(post(1))
    read(reader)
    with BlogServer() as other:
        other.show(post(2), post(1, address="https://moved.example.org/post-1"))
        source = FeedSource(other.url, ("127.0.0.0/8",))
        found = feed.read_feed(reader.context.database, source, reader.clock.now)
    assert found.drafted == ("post-number-2",)


def test_no_feed_is_read_unless_one_is_set(home: Installation) -> None:
    assert read(home) == FeedReading()


def test_a_feed_can_be_chosen_and_given_up(home: Installation, blog: BlogServer) -> None:
    database, now = home.context.database, home.clock.now
    source = FeedSource(allowed=("127.0.0.0/8",))
    choose_feed(database, source, f" {blog.url} ", True, now)
    assert feed.read_feed(database, source, now).first
    assert feed_state(database).sends_since == now
    choose_feed(database, source, "", None, now)
    assert feed.read_feed(database, source, now) == FeedReading()
    assert feed_state(database).sends_since == now


def test_the_environment_decides_where_the_feed_is(sqlite_reader: Installation) -> None:
    context = sqlite_reader.context
    with pytest.raises(FeedFixedError):
        choose_feed(
            context.database,
            FeedSource.of(context.settings),
            "https://b.example/feed",
            None,
            context.clock(),
        )
    choose_feed(context.database, FeedSource.of(context.settings), None, True, context.clock())
    assert feed_state(context.database).sends_since == sqlite_reader.clock.now


def test_a_feed_that_fails_for_three_days_is_told(reader: Installation, blog: BlogServer) -> None:
    context, begun = reader.context, reader.clock.now
    told = []
    blog.status = 503
    for hours in (0, 71, 72):
        reader.clock.set(begun + timedelta(hours=hours))
        read(reader)
        told.append(
            failing_since(
                FeedSource.of(context.settings), feed_state(context.database), context.clock()
            )
        )
    assert told == [None, None, begun]
    blog.status = 200
    read(reader)
    state = feed_state(context.database)
    assert (
        state.trouble,
        failing_since(FeedSource.of(context.settings), state, context.clock()),
    ) == ("", None)


def test_one_process_reads_at_a_time(reader: Installation, blog: BlogServer) -> None:
    read(reader)
    blog.show(post(1))
    blog.delay = 0.5
    contexts = [reader.another() for _ in range(3)]
    found: list[FeedReading] = []

    def look(number: int) -> None:
        context = contexts[number]
        found.append(
            feed.read_feed(context.database, FeedSource.of(context.settings), reader.clock.now)
        )

    threads = [Thread(target=look, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for context in contexts:
        context.database.close()
    assert sum(len(one.drafted) for one in found) == 1
    assert len(drafts_of(reader)) == 1


def test_a_reader_that_slept_through_its_lease_changes_nothing(
    reader: Installation, blog: BlogServer
) -> None:
    def take_the_lease() -> None:
        """Let another process take the lease while this one has the feed in hand."""
        later = real_now() + timedelta(hours=1)
        with reader.context.database.writing() as connection:
            hold_feed(connection)
            take_feed_lease(connection, "other", later, later + timedelta(minutes=3))

    read(reader)
    blog.show(post(1))
    blog.meanwhile = take_the_lease
    assert read(reader).busy
    assert drafts_of(reader) == []


#: Reads the feed, and dies where a test says: before or after a statement of the last transaction.
_KILLED = """
import os, signal, sys
import sqlalchemy as sa
from nurture.bootstrap import build
from nurture.services.broadcasts.feed import read_feed
from nurture.services.broadcasts.feed_source import FeedSource

context, left = build(), int(sys.argv[1])

def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(context.database.engine, sys.argv[2], count)
read_feed(context.database, FeedSource.of(context.settings), context.clock())
"""


@pytest.mark.parametrize("event", ["before_cursor_execute", "commit"])
def test_a_reader_killed_anywhere_loses_no_draft_and_doubles_none(
    reader: Installation, blog: BlogServer, event: str
) -> None:
    read(reader)
    blog.show(post(2), post(1))
    environment = {**os.environ, **reader.environment}
    killed = 0
    for place in range(0, 60, 7 if event == "before_cursor_execute" else 1):
        command = [sys.executable, "-c", _KILLED, str(place), event]
        done = subprocess.run(command, env=environment, capture_output=True)
        if done.returncode != -signal.SIGKILL:
            break
        killed += 1
        _forget_lease(reader)
    assert done.returncode == 0, done.stderr
    assert killed > 1
    assert sorted(one.key for one in drafts_of(reader)) == ["post-number-1", "post-number-2"]


def _forget_lease(home: Installation) -> None:
    """Let the lease of the process that was killed run out."""
    long_after = real_now() + timedelta(hours=1)
    with home.context.database.writing() as connection:
        hold_feed(connection)
        take_feed_lease(connection, "gone", long_after, real_now())
