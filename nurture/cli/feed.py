"""Commands for the blog's feed: its state, its address, reading it, and filling in articles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.services.broadcasts.articles import FoundArticle
    from nurture.services.broadcasts.feed import FeedReading
    from nurture.services.broadcasts.feed_source import FeedSource


@main.group()
def feed() -> None:
    """Make drafts of the blog's new posts, and fill in the addresses of articles."""


@feed.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_database
def show(context: Context, as_json: bool) -> None:
    """Show which feed is read, when it was read last, and the drafts that were made."""
    found = _state(context)
    if as_json:
        return click.echo(json.dumps(found, indent=2))
    if not found["url"]:
        return click.echo("No feed is set. “nurture feed set URL” sets one.")
    fixed = " (set by NURTURE_FEED_URL)" if found["fixed"] else ""
    click.echo(f"The feed: {found['url']}{fixed}")
    click.echo(f"Last read: {found['read_at'] or 'not yet'}. Posts known: {found['posts']}.")
    click.echo(_what_happens(found["sends_itself"]))
    if found["trouble"]:
        click.echo(f"Since {found['trouble_since']} it cannot be read: {found['trouble']}")
    for draft in found["drafts"]:
        click.echo(f"{draft['seen_at']}  {draft['broadcast']}  {draft['title']}")


@feed.command("set")
@click.argument("url", required=False)
@click.option(
    "--after-a-day/--only-when-pressed",
    "sends_itself",
    default=None,
    help="Send an untouched draft 24 hours after its post was seen, or only when told to.",
)
@with_database
def set_feed(context: Context, url: str | None, sends_itself: bool | None) -> None:
    """Read the feed at URL from now on, every hour; "" reads none.

    The first reading only remembers the posts that are there. Each later one becomes a draft of a
    broadcast, and the owners get one email about it.
    """
    from nurture.services.broadcasts import feed as feed_reading
    from nurture.services.broadcasts.feed_source import choose_feed

    choose_feed(context.database, _source(context), url, sends_itself, context.clock())
    if url:
        found = feed_reading.read_feed(context.database, _source(context), context.clock())
        click.echo(_said(found))
    state = _state(context)
    click.echo(_what_happens(state["sends_itself"]) if state["url"] else "No feed is read.")


@feed.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_database
def read(context: Context, as_json: bool) -> None:
    """Read the feed now, make drafts of new posts and tell the owners of them."""
    from nurture.services.broadcasts import feed as feed_reading
    from nurture.services.broadcasts import feed_notices

    found = feed_reading.read_feed(context.database, _source(context), context.clock())
    public_url = context.settings.public_url
    told = feed_notices.tell_owners(context.dispatch, public_url, context.clock())
    if as_json:
        values = {name: getattr(found, name) for name in found.__dataclass_fields__}
        return click.echo(json.dumps(values | {"told": told}, indent=2))
    click.echo(_said(found))
    for key in found.drafted:
        click.echo(feed_notices.review_page(public_url, key))


@feed.command("fill-in")
@click.argument("emails", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only show what would be filled in.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@with_database
def fill_in(context: Context, emails: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Fill in the addresses of articles whose titles are those of posts, and publish the emails.

    Without EMAILS, such as golf/your-game, all that are known are filled in. An email of which a
    draft is being written is left alone.
    """
    from nurture.services.broadcasts import articles

    published = context.get_published()
    if dry_run:
        with context.database.reading() as connection:
            found = articles.articles_to_fill_in(connection, published)
    else:
        found = articles.fill_in(context.database, published, emails or None, context.clock())
    if as_json:
        return click.echo(json.dumps([_as_values(one) for one in found], indent=2))
    if not found:
        click.echo("There is nothing to fill in that is known.")
    for one in found:
        left = " (left alone: it is being changed)" if one.is_drafted else ""
        click.echo(f"{one.email}: {one.address}{left}")


def _as_values(found: FoundArticle) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def _source(context: Context) -> FeedSource:
    from nurture.services.broadcasts.feed_source import FeedSource

    return FeedSource.of(context.settings)


def _state(context: Context) -> dict[str, Any]:
    from nurture.services.broadcasts.feed_source import feed_state
    from nurture.store.tables.feed_posts import list_posts

    state = feed_state(context.database)
    with context.database.reading() as connection:
        posts = list_posts(connection)
    moments = ("read_at", "trouble_since", "first_read_at")
    return {
        "url": _source(context).url(state),
        "fixed": bool(_source(context).fixed_url),
        "sends_itself": state.sends_since is not None,
        "posts": len(posts),
        "trouble": state.trouble,
        **{name: at.isoformat() if (at := getattr(state, name)) else None for name in moments},
        "drafts": [
            {"broadcast": p.broadcast, "title": p.title, "seen_at": p.seen_at.isoformat()}
            for p in posts
            if p.broadcast
        ],
    }


def _what_happens(sends_itself: bool) -> str:
    if sends_itself:
        return "A draft that nobody touches is sent 24 hours after its post was seen."
    return "A draft is sent only when you say so."


def _said(found: FeedReading) -> str:
    if found.trouble:
        return f"The feed could not be read: {found.trouble}"
    if found.busy:
        return "Another process is reading the feed."
    if found.unchanged:
        return "The feed has not changed."
    if found.first:
        return f"Remembered {found.posts} posts. Each new one becomes a draft from now on."
    return f"Read {found.posts} posts. New drafts: {len(found.drafted)}."
