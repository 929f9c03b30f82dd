"""Owners are told of a draft once; an untouched one is sent after a day if that was chosen."""

from datetime import timedelta

import pytest

from nurture.domain.broadcasts.broadcast import BroadcastStatus
from nurture.services.broadcasts import drafts, feed_hour, feed_notices, sending
from nurture.services.broadcasts.feed_source import FeedSource, choose_feed
from nurture.services.publishing import email_editor
from nurture.store.tables import feed_posts
from nurture.store.tables.instance import instance
from tests.installation import BASE_URL, Installation
from tests.installations import ScriptedSink
from tests.servers.blog import BlogServer
from tests.services.broadcasts.posts import add_owners, drafts_of, post, read

PAUL, CLARA = "paul@example.org", "clara@example.org"


def follow(home: Installation) -> None:
    """Do what is done every hour."""
    context = home.context
    feed_hour.follow_feed(context.dispatch, context.settings, home.clock.now)


def told(sink: ScriptedSink) -> list[str]:
    """Return the addresses that were told of a draft."""
    return sorted(mail.recipients[0] for mail in sink.mails)


def words_of(sink: ScriptedSink) -> str:
    """Return what the first email says."""
    return str(sink.mails[0].message.get_content())


def choose(home: Installation, sends_itself: bool) -> None:
    """Choose whether an untouched draft is sent after a day."""
    context = home.context
    choose_feed(
        context.database, FeedSource.of(context.settings), None, sends_itself, home.clock.now
    )


def status_of(home: Installation) -> BroadcastStatus:
    """Return the status of the only broadcast."""
    [only] = drafts_of(home)
    return only.status


@pytest.fixture
def drafted(reader: Installation, blog: BlogServer) -> Installation:
    """An installation with an owner, whose blog has just got a new post."""
    add_owners(reader, PAUL)
    read(reader)
    blog.show(post(1, "Why a strong back matters"))
    return reader


def test_each_owner_gets_one_email_that_leads_to_the_review_page(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    add_owners(drafted, CLARA)
    follow(drafted)
    follow(drafted)
    assert told(smtp_sink) == [CLARA, PAUL]
    text = words_of(smtp_sink)
    assert f"{BASE_URL}/studio/broadcasts/why-a-strong-back-matters/review" in text
    assert "Nothing is sent unless you press" in text


def test_an_email_that_the_server_did_not_take_is_tried_again(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.script = lambda _: "451 4.3.0 Try again later"
    follow(drafted)
    smtp_sink.script = None
    follow(drafted)
    assert told(smtp_sink) == [PAUL]


def test_an_email_in_doubt_is_not_repeated(drafted: Installation, smtp_sink: ScriptedSink) -> None:
    def cut_off(server: object) -> str | None:
        server.transport.abort()  # type: ignore[attr-defined]
        return None

    smtp_sink.script = cut_off
    follow(drafted)
    taken = len(smtp_sink.mails)
    smtp_sink.script = None
    follow(drafted)
    assert len(smtp_sink.mails) == taken


def test_an_owner_whose_claim_is_taken_is_told_by_nobody_else(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    read(drafted)
    with drafted.context.database.writing() as connection:
        [only] = feed_posts.drafted_since(connection, drafted.clock.now)
        assert feed_posts.claim_notice(connection, only.id, 1, drafted.clock.now)
        assert not feed_posts.claim_notice(connection, only.id, 1, drafted.clock.now)
    follow(drafted)
    assert told(smtp_sink) == []


def test_a_copy_of_the_database_tells_nobody(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    with drafted.context.database.writing() as connection:
        row = {"id": 1, "armed_for": "another", "armed_at": drafted.clock.now}
        connection.execute(instance.delete())
        connection.execute(instance.insert().values(row))
    follow(drafted)
    assert told(smtp_sink) == []


def test_nobody_is_told_of_a_draft_that_was_deleted(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    read(drafted)
    drafts.discard(drafted.context.database, "why-a-strong-back-matters")
    follow(drafted)
    assert told(smtp_sink) == []


def test_a_draft_stays_one_unless_it_was_chosen_otherwise(drafted: Installation) -> None:
    follow(drafted)
    drafted.clock.set(drafted.clock.now + timedelta(days=3))
    follow(drafted)
    assert status_of(drafted) is BroadcastStatus.DRAFT


def test_an_untouched_draft_is_sent_after_a_day_if_that_was_chosen(
    drafted: Installation, smtp_sink: ScriptedSink
) -> None:
    choose(drafted, True)
    follow(drafted)
    assert "it is sent in 24 hours" in words_of(smtp_sink)
    found, begun = [], drafted.clock.now
    database, key = drafted.context.database, "why-a-strong-back-matters"
    assert feed_notices.sends_itself_at(database, key, begun) == begun + timedelta(hours=24)
    for hours in (23, 24, 25):
        drafted.clock.set(begun + timedelta(hours=hours))
        follow(drafted)
        found.append(status_of(drafted))
    assert found == [BroadcastStatus.DRAFT, BroadcastStatus.SENDING, BroadcastStatus.SENDING]


@pytest.mark.parametrize("touch", ["words", "audience", "undone", "too late", "untold"])
def test_a_draft_that_is_the_owners_is_not_sent(drafted: Installation, touch: str) -> None:
    context, key = drafted.context, "why-a-strong-back-matters"
    choose(drafted, touch != "too late")
    if touch != "untold":
        follow(drafted)
    else:
        read(drafted)
        with context.database.writing() as connection:
            [only] = feed_posts.drafted_since(connection, drafted.clock.now)
            feed_posts.claim_notice(connection, only.id, 1, drafted.clock.now)
    drafted.clock.set(drafted.clock.now + timedelta(hours=1))
    if touch == "words":
        _write(drafted, key)
    elif touch == "audience":
        drafts.change_draft(context.database, key, title="Another")
    elif touch == "undone":
        sending.send(context.database, context.catalogue, key, drafted.clock.now)
        sending.undo(context.database, key, drafted.clock.now)
    elif touch == "too late":
        choose(drafted, True)
    assert feed_notices.sends_itself_at(context.database, key, drafted.clock.now) is None
    drafted.clock.set(drafted.clock.now + timedelta(hours=25))
    follow(drafted)
    assert status_of(drafted) is BroadcastStatus.DRAFT


def _write(home: Installation, key: str) -> None:
    database, name = home.context.database, f"broadcast:{key}/email"
    found = email_editor.find_editing(database, name)
    assert found is not None
    email_editor.save_draft(database, name, found.written, found.version, home.clock.now)
