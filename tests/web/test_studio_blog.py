"""The studio's page about the blog, and the offer to fill in the addresses of articles."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.services.broadcasts import feed, feed_hour
from nurture.services.broadcasts.feed_source import FeedSource
from tests.installation import Installation
from tests.servers.blog import BlogServer
from tests.services.broadcasts.posts import drafts_of, post, read
from tests.web.reading import words
from tests.web.studio import send

PAGE, EMAILS = "/studio/settings/blog", "/studio/emails/"
TITLE = "When can I stop doing my rehab exercises?"
EMAIL = "pain-guide/when-can-i-stop-my-rehab-exercises"


@pytest.fixture
def blog(sqlite_home: Installation) -> Iterator[BlogServer]:
    """A blog on this machine, which the program may read."""
    allowed = sqlite_home.context.settings.model_copy(update={"feed_allow": ("127.0.0.0/8",)})
    object.__setattr__(sqlite_home.context, "settings", allowed)
    with BlogServer() as server:
        server.show(post(1, TITLE))
        yield server


def page(browser: FlaskClient, address: str = PAGE) -> str:
    """Return a page's HTML."""
    return browser.get(address).get_data(as_text=True)


def choose(browser: FlaskClient, url: str, sends_itself: str = "no") -> int:
    """Save the form; return the answer's status."""
    return send(browser, PAGE, url=url, sends_itself=sends_itself).status_code


def test_a_feed_that_is_saved_is_read_at_once(paul: FlaskClient, blog: BlogServer) -> None:
    assert choose(paul, blog.url) == 303
    said = page(paul)
    assert "The feed was read: 1 post." in said
    assert TITLE in said and "none: it was there already" in said


def test_a_new_post_is_drafted_by_reading_now(
    paul: FlaskClient, blog: BlogServer, sqlite_home: Installation
) -> None:
    choose(paul, blog.url, "yes")
    blog.show(post(2), post(1, TITLE))
    assert send(paul, PAGE, f"{PAGE}/reading").status_code == 303
    assert [one.key for one in drafts_of(sqlite_home)] == ["post-number-2"]
    assert "post-number-2" in page(paul)


def test_a_draft_that_is_sent_by_itself_says_when(
    paul: FlaskClient, blog: BlogServer, sqlite_home: Installation
) -> None:
    choose(paul, blog.url, "yes")
    blog.show(post(2), post(1, TITLE))
    context, begun = sqlite_home.context, sqlite_home.clock.now
    feed_hour.follow_feed(context.dispatch, context.settings, begun)
    draft = "/studio/broadcasts/post-number-2"
    notice = f"sent by itself at {begun:%H:%M} tomorrow"
    assert notice in words(page(paul, draft)) and notice in words(page(paul, f"{draft}/review"))


def test_an_address_that_is_none_is_refused_beside_its_field(
    paul: FlaskClient, blog: BlogServer
) -> None:
    assert choose(paul, "my blog") == 422
    assert choose(paul, "") == 303


def test_trouble_is_said_on_the_page_and_after_three_days_on_today(
    paul: FlaskClient, blog: BlogServer, sqlite_home: Installation
) -> None:
    choose(paul, blog.url)
    blog.status = 500
    days_before = sqlite_home.clock.now - timedelta(days=3)
    told = ["Your blog’s feed cannot be read" in page(paul, "/studio/")]
    context = sqlite_home.context
    feed.read_feed(context.database, FeedSource.of(context.settings), days_before)
    told.append("Your blog’s feed cannot be read" in page(paul, "/studio/"))
    assert told == [False, True]
    assert "answered 500" in page(paul)


def test_a_feed_of_the_environment_is_shown_as_fixed(
    paul: FlaskClient, blog: BlogServer, sqlite_home: Installation
) -> None:
    fixed = sqlite_home.context.settings.model_copy(update={"feed_url": blog.url})
    object.__setattr__(sqlite_home.context, "settings", fixed)
    assert "NURTURE_FEED_URL" in page(paul)
    assert 'name="url"' not in page(paul)
    assert send(paul, PAGE, sends_itself="yes").status_code == 303
    assert read(sqlite_home).posts == 1


def test_the_list_of_emails_offers_to_fill_in_an_address(
    paul: FlaskClient, blog: BlogServer, sqlite_home: Installation
) -> None:
    assert "address is known now" not in page(paul, EMAILS)
    choose(paul, blog.url)
    assert f'value="{EMAIL}"' in page(paul, EMAILS)
    assert send(paul, EMAILS, "/studio/emails/articles", email=EMAIL).status_code == 303
    assert "address is known now" not in page(paul, EMAILS)
    published = sqlite_home.context.get_published().emails[EMAIL][1]
    assert published.article_url == "https://blog.example.org/post-1/"
