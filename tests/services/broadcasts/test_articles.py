"""Addresses of articles are filled in where a post has the same title."""

import pytest

from nurture.library.writing import with_front
from nurture.services.broadcasts.articles import FoundArticle, articles_to_fill_in, fill_in
from nurture.services.publishing import email_editor
from nurture.services.publishing.studio import Written, as_written, find_email
from tests.installation import Installation
from tests.servers.blog import BlogServer
from tests.services.broadcasts.posts import post, read

GOLF = "How to use resistance training to improve power for golf without getting injured"
OVER_60 = "HOW TO GET STRONGER – WITHOUT GETTING INJURED IF YOU'RE OVER 60"
ADDRESS = "https://blog.example.org/golf/"


@pytest.fixture
def titled(reader: Installation, blog: BlogServer) -> Installation:
    """An installation whose blog has two articles that three shipped emails are about."""
    blog.show(post(1, GOLF, address=ADDRESS), post(2, OVER_60), post(3))
    read(reader)
    return reader


def known(home: Installation) -> list[FoundArticle]:
    """Return what can be filled in."""
    with home.context.database.reading() as connection:
        return articles_to_fill_in(connection, home.context.catalogue.current(connection))


def test_emails_whose_article_has_the_title_of_a_post_are_found(titled: Installation) -> None:
    assert [(one.email, one.address) for one in known(titled)] == [
        ("golf/your-game", ADDRESS),
        ("over-50-guide/power-for-golf", ADDRESS),
        ("over-50-guide/stronger-over-60", "https://blog.example.org/post-2/"),
    ]


def test_filling_in_publishes_the_email_with_its_address_alone(titled: Installation) -> None:
    context = titled.context
    with context.database.reading() as connection:
        before = find_email(connection, "golf/your-game")
    published = context.get_published()
    [done] = fill_in(context.database, published, ["golf/your-game", "no/such"], titled.clock.now)
    assert done.address == ADDRESS
    with context.database.reading() as connection:
        after = find_email(connection, "golf/your-game")
    assert before is not None and after is not None
    assert after.content == with_front(before.content, {"article": ADDRESS})
    assert context.get_published().emails["golf/your-game"][1].article_url == ADDRESS
    assert len(known(titled)) == 2


def test_everything_is_filled_in_once(titled: Installation) -> None:
    context = titled.context
    done = [
        len(fill_in(context.database, context.get_published(), None, titled.clock.now))
        for _ in range(2)
    ]
    assert done == [3, 0]


def test_an_email_that_is_being_changed_is_left_alone(titled: Installation) -> None:
    context, key = titled.context, "golf/your-game"
    with context.database.reading() as connection:
        source = find_email(connection, key)
    assert source is not None
    written = as_written(source)
    changed = Written(written.format, written.content + "\nMore words.", written.text)
    email_editor.save_draft(context.database, key, changed, 0, titled.clock.now)
    assert [one.email for one in known(titled) if one.is_drafted] == [key]
    done = fill_in(context.database, context.get_published(), [key], titled.clock.now)
    editing = email_editor.find_editing(context.database, key)
    assert done == [] and editing is not None and editing.written == changed


def test_two_posts_of_one_title_are_no_answer(reader: Installation, blog: BlogServer) -> None:
    blog.show(post(1, GOLF), post(2, GOLF))
    read(reader)
    assert known(reader) == []
