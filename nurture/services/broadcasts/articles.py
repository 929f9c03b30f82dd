"""Addresses of articles that emails lack, found among the posts of the blog by their titles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.broadcasts.posts import title_key
from nurture.library.writing import with_front
from nurture.services.catalogue import Published
from nurture.services.publishing.studio import Written, as_written, find_email, publish_email
from nurture.store.database import Connection, Database
from nurture.store.tables.drafts import drafted_keys
from nurture.store.tables.feed_posts import list_posts
from nurture.store.tables.revisions import RevisionKind


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An email whose article has no address yet, and the post that has the same title.

    With `is_drafted` the owner is changing the email, so that it is left alone.
    """

    email: str
    subject: str
    title: str
    address: str
    is_drafted: bool = False


def articles_to_fill_in(connection: Connection, published: Published) -> list[FoundArticle]:
    """Return the published emails whose missing address is known, by key.

    Titles are the same whatever their case, quotes and dashes. Two posts of one title are no
    answer.
    """
    by_title: dict[str, set[str]] = {}
    for post in list_posts(connection):
        by_title.setdefault(title_key(post.title), set()).add(post.address)
    drafted, found = drafted_keys(connection, RevisionKind.EMAIL), []
    for key, (_, email) in sorted(published.emails.items()):
        addresses = by_title.get(title_key(email.article_title), set())
        wants = email.article_title and not email.article_url
        if wants and len(addresses) == 1 and key_of(key.partition("/")[0]) is None:
            [address] = addresses
            one = FoundArticle(key, email.subject, email.article_title, address, key in drafted)
            found.append(one)
    return found


def fill_in(
    database: Database, published: Published, keys: Iterable[str] | None, now: datetime
) -> list[FoundArticle]:
    """Publish the addresses of these emails, or of all if `keys` is `None`; return what was done.

    Keys for which nothing is known any more are passed over, as are emails that the owner is
    changing: a draft would be lost. May raise `CheckError`; each email is published alone.
    """
    with database.reading() as connection:
        found = articles_to_fill_in(connection, published)
    wanted = None if keys is None else set(keys)
    done = []
    for one in found:
        if one.is_drafted or (wanted is not None and one.email not in wanted):
            continue
        written = _with_article(database, one)
        if written is not None:
            publish_email(database, one.email, written, now)
            done.append(one)
    return done


def _with_article(database: Database, found: FoundArticle) -> Written | None:
    with database.reading() as connection:
        source = find_email(connection, found.email)
    if source is None:
        return None
    published = as_written(source)
    content = with_front(published.content, {"article": found.address})
    return Written(published.format, content, published.text)
