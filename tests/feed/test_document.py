"""Reading a feed: RSS and Atom, plain words whatever was written, and nothing that hurts."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.broadcasts.posts import Post
from nurture.feed.confined import read_confined
from nurture.feed.document import read_document
from nurture.feed.network import FeedError
from nurture.feed.reader import FetchedFeed
from nurture.feed.site import redirected
from nurture.feed.text import first_paragraph, from_html, one_line
from tests.servers.blog import rss

FEED = "https://blog.example/feed/"
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:media="http://search.yahoo.com/mrss/"'
)


def read(item: str) -> Post:
    """Return the only post of an RSS feed with this item."""
    document = f'<?xml version="1.0"?><rss version="2.0" {SPACES}><channel>{item}</channel></rss>'
    [post] = read_document(document.encode(), FEED)
    return post


def item(**elements: str) -> str:
    """Return an item with these elements."""
    given = {"title": "A", "link": "https://blog.example/a"} | elements
    return f"<item>{''.join(f'<{n}>{said}</{n}>' for n, said in given.items())}</item>"


def test_an_rss_item_of_wordpress_is_a_post() -> None:
    post = read(
        "<item><title>Why stretching won&#8217;t help &#038; what will</title>"
        "<link>https://blog.example/a/?utm_source=rss</link>"
        '<guid isPermaLink="false">https://blog.example/?p=7</guid>'
        "<pubDate>Mon, 02 Mar 2026 10:00:00 +0100</pubDate>"
        "<description><![CDATA[<p>An excerpt [&#8230;]</p><p>The post A appeared first on B.</p>]]>"
        "</description><content:encoded><![CDATA[<h2>A heading</h2><figure><img src='/a.jpg'>"
        "<figcaption>A caption of the picture</figcaption></figure><p>By Paul</p>"
        "<p>The <b>first</b> paragraph<br>of what I have to say &amp; mean.</p><p>Next.</p>]]>"
        "</content:encoded></item>"
    )
    assert post == Post(
        "https://blog.example/?p=7",
        "https://blog.example/a/",
        "Why stretching won’t help & what will",
        "https://blog.example/a.jpg",
        "The first paragraph of what I have to say & mean.",
        datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    )


def test_an_atom_entry_is_a_post() -> None:
    document = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:blog.example,2026:7</id>'
        '<title type="html">Fish &amp;amp; &lt;i&gt;chips&lt;/i&gt;</title>'
        '<link rel="alternate" href="/fish"/><published>2026-03-02T10:00:00Z</published>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Eat what you like, and '
        "then move.</p></div></content></entry></feed>"
    )
    [post] = read_document(document.encode(), FEED)
    assert (post.title, post.address) == ("Fish & chips", "https://blog.example/fish")
    assert (post.guid, post.paragraph) == (
        "tag:blog.example,2026:7",
        "Eat what you like, and then move.",
    )


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("<![CDATA[Fish & chips <3 👨‍👩‍👧]]>", "Fish & chips <3 👨‍👩‍👧"),
        ("Caf&#233; &amp; bar", "Café & bar"),
        ("Double &amp;amp; escaped &amp;#8211; dash", "Double & escaped – dash"),
        ("&lt;b&gt;Bold&lt;/b&gt; words", "Bold words"),
        ("Right \u202eto left\u202c and\u200b nothing\ufeff", "Right to left and nothing"),
        ("Two\nlines\tand a bell&#x9;", "Two lines and a bell"),
        ("5 &lt; 6", "5 < 6"),
        ("<![CDATA[<em>Safe</em> &amp; sound]]>", "Safe & sound"),
    ],
)
def test_a_title_is_plain_words(written: str, title: str) -> None:
    assert read(item(title=written)).title == title


@pytest.mark.parametrize(
    ("element", "picture"),
    [
        (
            '<media:content url="https://b.example/m.jpg" medium="image"/>',
            "https://b.example/m.jpg",
        ),
        ('<enclosure url="https://b.example/e.png" type="image/png"/>', "https://b.example/e.png"),
        ('<enclosure url="https://b.example/e.mp3" type="audio/mpeg"/>', ""),
        ('<media:thumbnail url="https://b.example/t.jpg"/>', "https://b.example/t.jpg"),
        ("<description>&lt;img src='https://b.example/i.gif'&gt;</description>",)
        + ("https://b.example/i.gif",),
        ("<description>&lt;img src='http://b.example/i.gif'&gt;</description>", ""),
        ("<description>&lt;img src='javascript:x'&gt;</description>", ""),
        ("<description>&lt;img width='1' src='https://b.example/1.gif'&gt;</description>", ""),
    ],
)
def test_a_picture_is_one_that_an_email_can_show(element: str, picture: str) -> None:
    written = f"<item><title>A</title><link>https://blog.example/a</link>{element}</item>"
    assert read(written).picture == picture


def test_a_guid_stays_as_it_is_when_the_feed_moves() -> None:
    document = rss([Post("post-7", "https://blog.example/a", "A")])
    [before], [after] = (
        read_document(document, feed) for feed in (FEED, "https://moved.example/rss.xml")
    )
    assert before.guid == after.guid == "post-7"


@pytest.mark.parametrize(
    "written",
    [
        item(title=""),
        item(title="<![CDATA[<b></b>]]>"),
        item(link=""),
        item(link="mailto:a@b.example"),
    ],
)
def test_an_entry_without_a_title_or_a_page_is_no_post(written: str) -> None:
    document = f'<rss version="2.0"><channel>{written}</channel></rss>'
    assert read_document(document.encode(), FEED) == []


@pytest.mark.parametrize("content", [b"", b"<html><body>No feed</body></html>", b"{}", b"\xff\xfe"])
def test_what_is_no_feed_is_told(content: bytes) -> None:
    with pytest.raises(FeedError, match="no RSS or Atom feed"):
        read_confined(FetchedFeed(content, FEED))


def test_an_empty_feed_is_a_feed() -> None:
    assert read_confined(FetchedFeed(rss([]), FEED)) == []


def test_a_confined_reading_returns_the_same_posts() -> None:
    published = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    posts = [
        Post("1", "https://blog.example/1", "One", "", "A paragraph of some length.", published),
        Post("2", "https://blog.example/2", "Two"),
    ]
    assert read_confined(FetchedFeed(rss(posts), FEED)) == posts


#: What an XML parser can be harmed with: entities within entities, one large entity, a file of this
#: machine, and elements that never end.
BOMBS = {
    "laughs": b'<!DOCTYPE a [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><rss version='2.0'><channel><item><title>&j;</title></item></channel></rss>",
    "blowup": b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 50_000 + b'">]><rss version="2.0"><channel>'
    b"<item><title>" + b"&a;" * 50_000 + b"</title></item></channel></rss>",
    "file": b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>'
    b"<item><title>A &a;</title><link>https://b.example/</link></item></channel></rss>",
    "unclosed": b'<rss version="2.0"><channel>' + b"<a>" * 600_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_document_made_to_hurt_costs_a_limited_time(name: str) -> None:
    begun = time.monotonic()
    try:
        found = read_confined(FetchedFeed(BOMBS[name], FEED))
    except FeedError:
        found = []
    assert time.monotonic() - begun < 25
    assert [p for p in found if "root:" in p.title or len(p.title) > 200] == []


@given(st.text(max_size=300), st.integers(1, 100))
def test_words_are_on_one_line_and_not_too_long(said: str, most: int) -> None:
    line = one_line(said, most)
    assert len(line) <= most
    assert "\n" not in line and line == line.strip()


@given(st.text(alphabet="<>/&;pdivbr abc\"'=", max_size=200))
def test_no_markup_is_left_of_html(html: str) -> None:
    assert not any(tag in from_html(html, 500) for tag in ("<p>", "<br", "<div"))
    assert "<p>" not in first_paragraph(html, 500)


@pytest.mark.parametrize(
    ("page", "location", "target"),
    [
        ("https://blog.example/feed", "/rss", "https://blog.example/rss"),
        (
            "http://blog.example/feed",
            "https://www.blog.example/feed",
            "https://www.blog.example/feed",
        ),
        ("https://www.blog.example/feed", "https://blog.example/", "https://blog.example/"),
    ],
)
def test_a_site_may_redirect_within_itself(page: str, location: str, target: str) -> None:
    assert redirected(page, page, location) == target


@pytest.mark.parametrize(
    "location",
    [
        *(
            "http://blog.example/feed",
            "https://blog.example.evil.example/",
            "https://blog.example:22/",
        ),
        *(
            "https://a@blog.example/",
            "gopher://blog.example/",
            "https://other.example/",
            "https://[",
        ),
    ],
)
def test_a_site_may_not_redirect_elsewhere_or_without_encryption(location: str) -> None:
    page = "https://blog.example/feed"
    with pytest.raises(FeedError):
        redirected(page, page, location)
