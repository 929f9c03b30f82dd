"""The blog: where its feed is, what becomes of new posts, and articles that can be filled in."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.addresses import AddressError
from nurture.bootstrap import Context
from nurture.services.broadcasts import articles
from nurture.services.broadcasts.feed_source import (
    FeedFixedError,
    FeedSource,
    choose_feed,
    feed_state,
)
from nurture.services.publishing.files import CheckError
from nurture.store.tables.feed_posts import list_posts
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import count
from nurture.web.views import Views

#: The newest posts that are shown.
_SHOWN = 20


class Blog(Views):
    """The views."""

    def show_blog(self) -> str:
        """Show which feed is read, and what became of its posts."""
        return self._page()

    def save_blog(self) -> Response | tuple[str, int]:
        """Store the feed's address and what becomes of drafts; read a new feed at once."""
        context, form = self.context, request.form
        url = None if self._source.fixed_url else form.get("url", "").strip()
        before = self._source.url(feed_state(context.database))
        sends_itself = form.get("sends_itself") == "yes"
        try:
            choose_feed(context.database, self._source, url, sends_itself, context.clock())
        except (AddressError, FeedFixedError) as error:
            return self._page(url or "", str(error)), 422
        if self._source.url(feed_state(context.database)) not in ("", before):
            return self.read_blog()
        tell("Saved.")
        return _back()

    def read_blog(self) -> Response:
        """Read the feed now; owners are told of new drafts within the hour."""
        # What fetches and parses stays out of the memory of every web process.
        from nurture.services.broadcasts import feed

        found = feed.read_feed(self.context.database, self._source, self.context.clock())
        if found.trouble:
            tell(f"The feed could not be read. {found.trouble}", trouble=True)
        elif found.first:
            tell(
                f"The feed was read: {count(found.posts, 'post')}. "
                "Each post after these becomes a draft."
            )
        elif found.drafted:
            tell(f"The feed was read. {count(len(found.drafted), 'new draft')}.")
        else:
            tell("The feed was read. It has no new posts.")
        return _back()

    def fill_in_articles(self) -> Response:
        """Publish the addresses of the chosen articles."""
        context = self.context
        try:
            done = articles.fill_in(
                context.database,
                context.get_published(),
                request.form.getlist("email"),
                context.clock(),
            )
        except CheckError as error:
            tell(str(error), trouble=True)
        else:
            tell(f"Published. {count(len(done), 'email leads', 'emails lead')} to the article now.")
        return redirect(url_for("studio.show_emails"), 303)

    @property
    def _source(self) -> FeedSource:
        return FeedSource.of(self.context.settings)

    def _page(self, typed: str | None = None, slip: str = "") -> str:
        context, state = self.context, feed_state(self.context.database)
        with context.database.reading() as connection:
            posts = list_posts(connection)
        return render_template(
            "studio/blog.html",
            state=state,
            fixed=self._source.fixed_url,
            url=self._source.url(state),
            typed=state.url if typed is None else typed,
            slip=slip,
            posts=posts[:_SHOWN],
            count=len(posts),
        )


def _back() -> Response:
    return redirect(url_for("studio.show_blog"), 303)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the blog."""
    views, page = Blog(context), "/settings/blog"
    studio.get(page)(views.show_blog)
    studio.post(page)(views.save_blog)
    studio.post(f"{page}/reading")(views.read_blog)
    studio.post("/emails/articles")(views.fill_in_articles)
