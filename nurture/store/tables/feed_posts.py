"""The posts of the practice's blog: what each is recognised by, and the draft made of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.broadcasts.posts import SeenPost
from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

feed_posts = sa.Table(
    "feed_posts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guid", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("published", UtcDateTime),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    # The key of the draft that was made of it, at the moment it was seen; null: none was.
    sa.Column("broadcast", sa.Text),
    # When it was decided that the draft is not, or no longer, sent after a day.
    sa.Column("settled_at", UtcDateTime),
)

#: Each mark belongs to one post for ever, so that no post can be recorded twice.
feed_marks = sa.Table(
    "feed_marks",
    metadata,
    sa.Column("mark", sa.Text, primary_key=True),
    sa.Column("post_id", sa.ForeignKey("feed_posts.id"), nullable=False, index=True),
)

#: One row for each owner who is told of a draft; the row is the claim to tell them.
feed_notices = sa.Table(
    "feed_notices",
    metadata,
    sa.Column("post_id", sa.ForeignKey("feed_posts.id"), primary_key=True),
    sa.Column("owner_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("claimed_at", UtcDateTime, nullable=False),
    sa.Column("accepted_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class StoredPost:
    """A post that was seen, and the key of the draft that was made of it, if any."""

    id: int
    guid: str
    address: str
    title: str
    published: datetime | None
    seen_at: datetime
    broadcast: str | None
    settled_at: datetime | None


def known_marks(connection: sa.Connection, marks: Collection[str]) -> dict[str, int]:
    """Return those of the marks that are known, with the numbers of their posts."""
    chosen = sa.select(feed_marks.c.mark, feed_marks.c.post_id)
    rows = connection.execute(chosen.where(feed_marks.c.mark.in_(marks)))
    return {row.mark: row.post_id for row in rows}


def add_post(
    connection: sa.Connection, seen: SeenPost, broadcast: str | None, now: datetime
) -> int:
    """Store a post that nobody has seen before; return its number."""
    post = seen.post
    row: dict[str, Any] = {"guid": post.guid, "address": post.address, "title": post.title}
    row |= {"published": post.published, "seen_at": now, "broadcast": broadcast}
    added = sa.insert(feed_posts).values(row).returning(feed_posts.c.id)
    number: int = connection.scalars(added).one()
    add_marks(connection, number, seen.marks)
    return number


def add_marks(connection: sa.Connection, post: int, marks: Iterable[str]) -> None:
    """Let a post be recognised by these as well; a mark of another post stays with that."""
    insert_new(connection, feed_marks, [{"mark": mark, "post_id": post} for mark in sorted(marks)])


def keep_words(connection: sa.Connection, post: int, seen: SeenPost) -> None:
    """Store the title and the address that a known post has now."""
    values = {"title": seen.post.title, "address": seen.post.address}
    differs = (feed_posts.c.title != values["title"]) | (feed_posts.c.address != values["address"])
    chosen = sa.update(feed_posts).where(feed_posts.c.id == post, differs)
    connection.execute(chosen.values(values))


def list_posts(connection: sa.Connection) -> list[StoredPost]:
    """Return every post, the newest first."""
    return _posts(connection, sa.true())


def drafted_since(connection: sa.Connection, since: datetime) -> list[StoredPost]:
    """Return the posts of which a draft was made since then, the newest first."""
    return _posts(connection, feed_posts.c.broadcast.is_not(None), feed_posts.c.seen_at >= since)


def unsettled(
    connection: sa.Connection, since: datetime, until: datetime
) -> list[tuple[StoredPost, bool]]:
    """Return the drafts made between these moments that may still be sent without a press.

    With each it is said whether an owner's mail server has taken the email about it.
    """
    c = feed_posts.c
    within = (c.seen_at >= since) & (c.seen_at <= until)
    found = _posts(connection, c.broadcast.is_not(None), c.settled_at.is_(None), within)
    told = sa.select(feed_notices.c.post_id).where(feed_notices.c.accepted_at.is_not(None))
    known = set(connection.scalars(told.where(feed_notices.c.post_id.in_([p.id for p in found]))))
    return [(post, post.id in known) for post in found]


def settle_post(connection: sa.Connection, post: int, now: datetime) -> None:
    """Record that a draft is not sent without a press any more."""
    settled = sa.update(feed_posts).where(feed_posts.c.id == post)
    connection.execute(settled.values(settled_at=now))


def claim_notice(connection: sa.Connection, post: int, owner: int, now: datetime) -> bool:
    """Claim to tell an owner of a post's draft; return whether nobody has done so."""
    row = {"post_id": post, "owner_id": owner, "claimed_at": now}
    return bool(insert_new(connection, feed_notices, [row], "post_id"))


def claimed_notices(connection: sa.Connection, posts: Collection[int]) -> set[tuple[int, int]]:
    """Return which owners have been told, or may have been, of which of these posts."""
    chosen = sa.select(feed_notices.c.post_id, feed_notices.c.owner_id)
    rows = connection.execute(chosen.where(feed_notices.c.post_id.in_(posts)))
    return {(row.post_id, row.owner_id) for row in rows}


def keep_notice(connection: sa.Connection, post: int, owner: int, now: datetime) -> None:
    """Record that a mail server has taken the email."""
    claimed = _notice(post, owner)
    connection.execute(sa.update(feed_notices).where(claimed).values(accepted_at=now))


def release_notice(connection: sa.Connection, post: int, owner: int) -> None:
    """Give the claim back, as the email has certainly not left."""
    connection.execute(sa.delete(feed_notices).where(_notice(post, owner)))


def _notice(post: int, owner: int) -> sa.ColumnElement[bool]:
    return (feed_notices.c.post_id == post) & (feed_notices.c.owner_id == owner)


def _posts(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[StoredPost]:
    chosen = sa.select(feed_posts).where(*where).order_by(feed_posts.c.id.desc())
    return [StoredPost(**row) for row in connection.execute(chosen).mappings()]
