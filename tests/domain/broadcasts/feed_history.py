"""A blog and its feed, as an adversary may change them between two readings.

Every post has a number of its own, by which the test knows what is the same. Between two readings
that show a post, the adversary changes its GUID or its address, never both, as nothing could tell
then that it is the same post.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from nurture.domain.broadcasts.posts import Post, SeenPost, horizon_of, new_posts, posts_of

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class BlogPost:
    """A post as the blog has it; `shown` says that a reading has seen it as it is."""

    number: int
    guid: str
    path: str
    published: datetime | None
    edits: int = 0
    is_fixed: bool = False


@dataclass
class Blog:
    """The blog, with what its feed shows."""

    host: str = "https://blog.example"
    posts: list[BlogPost] = field(default_factory=list)
    length: int = 10
    extra: str = ""
    is_empty: bool = False
    is_reversed: bool = False
    doubles: int = 0
    count: int = 0

    def write(self, has_guid: bool, has_date: bool) -> None:
        """Publish a post."""
        self.count += 1
        guid = f"guid-{self.count}" if has_guid else ""
        at = BEGUN + timedelta(days=self.count) if has_date else None
        self.posts.insert(0, BlogPost(self.count, guid, f"/post-{self.count}", at))

    def change_guid(self, place: int) -> None:
        """Give a post another GUID, or none, if its address has not changed since it was seen."""
        if self.posts and not (post := self.posts[place % len(self.posts)]).is_fixed:
            post.edits, post.is_fixed = post.edits + 1, True
            post.guid = f"guid-{post.number}-{post.edits}" if place % 3 else ""

    def change_address(self, place: int) -> None:
        """Give a post another address, if its GUID has not changed since it was seen."""
        if self.posts and (post := self.posts[place % len(self.posts)]).guid and not post.is_fixed:
            post.edits, post.is_fixed = post.edits + 1, True
            post.path = f"/renamed-{post.number}-{post.edits}"

    def edit(self, place: int) -> None:
        """Change a post's words."""
        if self.posts:
            self.posts[place % len(self.posts)].edits += 1

    def move(self, number: int) -> None:
        """Move the site to another host or scheme, or let it write its addresses differently."""
        hosts = ("https://blog.example", "http://blog.example", "https://www.blog.example")
        self.host = (*hosts, "https://moved.example", "https://moved.example:8443")[number % 5]
        self.extra = ("", "/", "?utm_source=rss&utm_medium=feed", "/?fbclid=1")[number % 4]

    def feed(self) -> list[tuple[int, Post]]:
        """Return what a reading sees, each entry with the number of its post."""
        shown = [] if self.is_empty else self.posts[: self.length]
        shown = shown + shown[: self.doubles]
        entries = [(one.number, self._entry(one)) for one in shown]
        return entries[::-1] if self.is_reversed else entries

    def seen(self) -> None:
        """Note that a reading has seen the posts that the feed shows."""
        numbers = {number for number, _ in self.feed()}
        for post in self.posts:
            post.is_fixed = post.is_fixed and post.number not in numbers

    def _entry(self, post: BlogPost) -> Post:
        title = f"Post {post.number}, edited {post.edits} times"
        return Post(post.guid, self.host + post.path + self.extra, title, published=post.published)


@dataclass
class Memory:
    """What a reader remembers between readings: the marks of all posts, and the baseline."""

    marks: set[str] = field(default_factory=set)
    has_read: bool = False
    horizon: datetime | None = None

    def read(self, feed: list[Post]) -> list[SeenPost]:
        """Read the feed; return what becomes a draft."""
        is_first = not self.has_read
        if is_first:
            self.has_read, self.horizon = True, horizon_of(feed)
        found = new_posts(self.marks, feed, is_first_reading=is_first, horizon=self.horizon)
        self.marks |= {mark for seen in posts_of(feed) for mark in seen.marks}
        return found


places = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("write"), st.booleans(), st.booleans()),
    st.tuples(st.sampled_from(["change_guid", "change_address", "edit", "move"]), places),
    st.tuples(st.just("length"), st.integers(1, 30)),
    st.tuples(st.just("doubles"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["is_empty", "is_reversed"]), st.booleans()),
    st.tuples(st.just("read")),
)
histories = st.lists(steps, max_size=60)


def take(blog: Blog, step: tuple[object, ...]) -> None:
    """Let the blog do a step other than being read."""
    name, *values = step
    if callable(deed := getattr(blog, str(name))):
        deed(*values)
    else:
        setattr(blog, str(name), values[0])
