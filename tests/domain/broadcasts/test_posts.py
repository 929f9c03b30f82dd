"""Posts: what is the same post, and that none becomes a draft twice."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings

from nurture.domain.broadcasts.posts import (
    Post,
    marks_of,
    new_posts,
    posts_of,
    title_key,
    without_tracking,
)
from tests.domain.broadcasts.feed_history import BEGUN, Blog, Memory, histories, take


def play(history: list[tuple[object, ...]]) -> tuple[Counter[int], set[int], set[int]]:
    """Return how often each post was drafted, those of before, and those that were seen."""
    blog, memory = Blog(), Memory()
    drafted: Counter[int] = Counter()
    first: set[int] = set()
    seen: set[int] = set()
    for step in [*history, ("read",)]:
        if step != ("read",):
            take(blog, step)
            continue
        feed = blog.feed()
        numbers = {post: number for number, post in feed}
        first |= set() if memory.has_read else {one.number for one in blog.posts}
        found = memory.read([post for _, post in feed])
        drafted.update(numbers[one.post] for one in found)
        seen |= set(numbers.values())
        blog.seen()
    return drafted, first, seen


@settings(max_examples=400)
@given(histories)
def test_no_post_becomes_a_draft_twice(history: list[tuple[object, ...]]) -> None:
    drafted, _, _ = play(history)
    assert [number for number, times in drafted.items() if times > 1] == []


@settings(max_examples=400)
@given(histories)
def test_every_new_post_that_is_seen_becomes_a_draft(history: list[tuple[object, ...]]) -> None:
    drafted, first, seen = play(history)
    assert seen - first - set(drafted) == set()


@given(histories)
def test_nothing_that_the_first_reading_shows_becomes_a_draft(
    history: list[tuple[object, ...]],
) -> None:
    blog, memory = Blog(), Memory()
    for step in history:
        if step != ("read",):
            take(blog, step)
    feed = [post for _, post in blog.feed()]
    assert (memory.read(feed), memory.read(feed)) == ([], [])


def test_after_an_empty_first_reading_the_first_post_becomes_a_draft() -> None:
    memory = Memory()
    assert memory.read([]) == []
    assert len(memory.read([Post("1", "https://blog.example/a", "A")])) == 1


def test_old_posts_that_a_longer_feed_shows_become_no_drafts() -> None:
    posts = [
        Post(f"{n}", f"https://blog.example/{n}", f"{n}", published=BEGUN - timedelta(days=n))
        for n in range(20)
    ]
    memory = Memory()
    memory.read(posts[:5])
    assert memory.read(posts) == []


def test_entries_that_share_a_mark_with_a_third_are_one_post() -> None:
    feed = [
        Post("1", "https://blog.example/a", "A"),
        Post("2", "https://blog.example/b", "B"),
        Post("1", "https://blog.example/b", "C"),
    ]
    [only] = posts_of(feed)
    assert only.post.title == "A"


def test_the_homepage_identifies_no_post() -> None:
    feed = [
        Post("https://blog.example/", "https://blog.example/", "A"),
        Post("https://blog.example/", "https://blog.example/?utm_source=rss", "B"),
    ]
    assert posts_of(feed) == []


def test_new_posts_are_drafted_in_the_order_they_were_published() -> None:
    feed = [
        Post(f"{n}", f"https://blog.example/{n}", f"{n}", published=BEGUN + timedelta(days=n))
        for n in (3, 1, 2)
    ]
    found = new_posts(set(), feed, is_first_reading=False)
    assert [one.post.title for one in found] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "address",
    [
        "http://blog.example/a-post",
        "https://www.blog.example/a-post/",
        "https://moved.example/a-post/?utm_source=rss&fbclid=x",
        "https://blog.example//a-post/index.html",
        "https://blog.example/a%2Dpost#comments",
    ],
)
def test_an_address_written_differently_is_the_same_post(address: str) -> None:
    before = marks_of(Post("", "https://blog.example/a-post", "A"))
    assert marks_of(Post("", address, "A")) == before


@pytest.mark.parametrize("address", ["https://blog.example/b", "https://blog.example/?p=2"])
def test_another_page_is_another_post(address: str) -> None:
    before = marks_of(Post("", "https://blog.example/?p=1", "A"))
    assert marks_of(Post("", address, "A")).isdisjoint(before)


def test_a_mark_is_no_longer_than_an_index_takes() -> None:
    marks = marks_of(Post("g" * 5000, f"https://blog.example/{'a' * 5000}", "A"))
    assert max(len(mark.encode()) for mark in marks) <= 300


@pytest.mark.parametrize(
    "title",
    [
        "Why stretching and massage won't solve back pain",
        "WHY STRETCHING – AND MASSAGE – WON’T SOLVE BACK PAIN!",
        "“Why  stretching and massage wonʼt solve back-pain”",
    ],
)
def test_titles_are_the_same_whatever_their_case_quotes_and_dashes(title: str) -> None:
    assert title_key(title) == title_key("Why stretching and massage won’t solve back pain")


def test_an_address_keeps_all_but_where_a_reader_came_from() -> None:
    assert without_tracking("https://b.example/?p=1&utm_source=rss#a") == "https://b.example/?p=1#a"
    assert without_tracking("https://b.example/a?b=%20c") == "https://b.example/a?b=%20c"
