"""The review before a broadcast is sent: who gets it, who does not and why, when, and how it looks.

Sending is a button on this page. It carries what was seen, so that nothing else is ever sent.
"""

from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus
from nurture.domain.broadcasts.review import Review
from nurture.rendering.lint.preflight import Severity
from nurture.services.broadcasts import review, sending, text
from nurture.services.broadcasts.drafts import (
    BroadcastError,
    UnknownBroadcastError,
    change_draft,
    get_broadcast,
)
from nurture.services.publishing import email_editor
from nurture.services.publishing.files import CheckError
from nurture.store.queries.segments import Member
from nurture.web.studio.broadcasts import words
from nurture.web.studio.broadcasts.drafts import address_of, address_of_text, sends_itself_at
from nurture.web.studio.broadcasts.progress import seen_of, segment_titles
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import whole_number
from nurture.web.studio.emails import email_document
from nurture.web.views import Views

Page = str | tuple[str, int] | Answer

#: How many people a list shows at once.
_LISTED = 100


class BroadcastReview(Views):
    """The views."""

    def show(self, key: str) -> Page:
        """Show the review of a draft; anything else is shown on its own page."""
        one = get_broadcast(self.context.database, key)
        return self._page(one) if one.status is BroadcastStatus.DRAFT else redirect(address_of(one))

    def send(self, key: str) -> Page:
        """Send a broadcast as it was seen; pressing it twice sends it once."""
        context, seen = self.context, seen_of(request.form.get("seen", ""))
        one = get_broadcast(context.database, key)
        if one.status is not BroadcastStatus.DRAFT:
            return redirect(address_of(one), 303)
        try:
            text.refuse_unseen(context.database, key, seen)
            one = sending.send(*context.stored, key, context.clock())
        except UnknownBroadcastError:
            raise
        except (BroadcastError, CheckError) as error:
            return self._page(get_broadcast(context.database, key), str(error)), 409
        context.doorbell.ring()
        return redirect(address_of(one), 303)

    def put_liveliest_first(self, key: str) -> Page:
        """Let the people who read most get a draft first, and show the review again."""
        context = self.context
        try:
            change_draft(context.database, key, liveliest_first=True)
        except UnknownBroadcastError:
            raise
        except BroadcastError as error:
            tell(str(error), trouble=True)
        return redirect(url_for("studio.review_broadcast", key=key), 303)

    def show_people(self, key: str) -> str:
        """List the people who get a broadcast, or those who do not for one reason."""
        context, code = self.context, request.args.get("because", "reached")
        after = whole_number(request.args.get("after", "0")) or 0
        one, now = get_broadcast(context.database, key), context.clock()
        with context.database.reading() as connection:
            published = context.catalogue.current(connection)
            people = review.people_of(connection, published, one, code, after, _LISTED + 1, now)
        return render_template(
            "studio/broadcast_people.html",
            broadcast=one,
            people=people[:_LISTED],
            next=people[_LISTED - 1].id if len(people) > _LISTED else None,
            because=code,
            who="" if code == review.REACHED else words.say_list(one, code),
        )

    def show_preview(self, key: str, person: int) -> Response:
        """Show the email as one of the people on the review page gets it."""
        context = self.context
        try:
            shown = text.preview_for(context.database, key, person, context.settings.public_url)
        except CheckError:
            return email_document("<p>This email cannot be shown yet.</p>")
        if shown is None:
            abort(404)
        return email_document(shown.html)

    def _page(self, one: Broadcast, problem: str = "") -> str:
        context = self.context
        published, (_, seen) = context.get_published(), text.see(context.database, one.key)
        found, audience_problem = self._found(one)
        return render_template(
            "studio/broadcast_review.html",
            broadcast=one,
            found=found,
            problem=problem or audience_problem,
            seen=f"{seen.broadcast}.{seen.text}",
            people=self._three_people(one) if found else [],
            said=words,
            time=words.say_time(one, ZoneInfo(published.practice.time_zone)),
            audience=words.say_audience(one, segment_titles(published.segments.segments)),
            text_address=address_of_text(one),
            sends_itself_at=sends_itself_at(context, one),
            **self._concerns(one),
        )

    def _found(self, one: Broadcast) -> tuple[Review | None, str]:
        """Return the review, `None` if it cannot be said who gets it; and what is wrong, if any."""
        context = self.context
        fixed, now = context.settings.account_choices, context.clock()
        with context.database.reading() as connection:
            published = context.catalogue.current(connection)
            try:
                found = review.review(connection, published, one, fixed, now)
            except BroadcastError as error:
                return None, str(error)
            try:
                sending.refuse_impossible_time(published, one, now)
            except BroadcastError as error:
                return found, str(error)
            return found, ""

    def _three_people(self, one: Broadcast) -> list[Member]:
        context = self.context
        with context.database.reading() as connection:
            published = context.catalogue.current(connection)
            return list(review.three_people(connection, published, one, context.clock()))

    def _concerns(self, one: Broadcast) -> dict[str, object]:
        context = self.context
        editing = email_editor.find_editing(context.database, one.email_key)
        if editing is None:
            return {"errors": ["It has no text yet."], "warnings": []}
        found = email_editor.preflight_email(
            context.database, one.email_key, editing.written, context.settings.public_url
        )
        return {
            "errors": [f"{c.what}. {c.fix}" for c in found if c.severity is Severity.ERROR],
            "warnings": [f"{c.what}. {c.fix}" for c in found if c.severity is not Severity.ERROR],
        }


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for reviewing and sending."""
    views, one = BroadcastReview(context), "/broadcasts/<key>"
    studio.get(f"{one}/review", endpoint="review_broadcast")(views.show)
    studio.post(f"{one}/send", endpoint="send_broadcast")(views.send)
    studio.post(f"{one}/liveliest", endpoint="put_liveliest_first")(views.put_liveliest_first)
    studio.get(f"{one}/people", endpoint="show_broadcast_people")(views.show_people)
    studio.get(f"{one}/as/<int:person>", endpoint="preview_broadcast")(views.show_preview)
