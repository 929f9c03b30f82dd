"""Broadcasts before they are sent: the list, a new one, who gets it and when, and deleting one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus
from nurture.domain.sequences.sequence import SERIES, Sequence
from nurture.services.broadcasts import drafts, sending, starts
from nurture.services.broadcasts.drafts import BroadcastError, UnknownBroadcastError
from nurture.services.broadcasts.feed_source import feed_state
from nurture.services.broadcasts.figures import list_figures
from nurture.services.broadcasts.freezing import audience_of
from nurture.services.catalogue import Published
from nurture.web.studio.broadcasts import words
from nurture.web.studio.broadcasts.form import (
    BroadcastFields,
    fields_of,
    read_fields,
    settings_from,
    stream_from,
)
from nurture.web.studio.core.errors import confirm_page, problem_page
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

Page = str | tuple[str, int] | Response


class BroadcastDrafts(Views):
    """The views."""

    def show_broadcasts(self) -> str:
        """Show every broadcast, the newest first."""
        context = self.context
        found = list_figures(context.database, context.clock())
        return render_template("studio/broadcasts.html", found=found, said=words)

    def show_new(self) -> str:
        """Show the form for a new broadcast."""
        email = request.args.get("email", "")
        return self._new_page({"start": "email" if email else "blank", "email": email})

    def make(self) -> Page:
        """Make a new draft, and go on with its text."""
        context, form = self.context, request.form
        now, title = context.clock(), form.get("title", "")
        try:
            stream = stream_from(form.get("stream", ""))
            if form.get("start") == "email":
                email = form.get("email", "")
                made = starts.start_from_email(context.database, email, title, stream, now)
            else:
                owner = context.practice.owner
                made = starts.start_blank(context.database, title, stream, owner, now)
        except BroadcastError as error:
            return self._new_page(form.to_dict(), str(error)), 422
        return redirect(address_of_text(made), 303)

    def duplicate(self, key: str) -> Response:
        """Make a new draft like a broadcast, and go on with its text."""
        context = self.context
        made = starts.start_like(context.database, key, context.clock())
        tell("This is a copy. Nothing is sent until you review it and press Send.")
        return redirect(address_of_text(made), 303)

    def show_settings(self, key: str) -> Page:
        """Show who gets a draft, and when."""
        one = drafts.get_broadcast(self.context.database, key)
        if one.status is not BroadcastStatus.DRAFT:
            return redirect(address_of(one))
        context = self.context
        return self._settings_page(one, fields_of(one, context.clock(), self._zone))

    def save_settings(self, key: str) -> Page:
        """Save who gets a draft, and when."""
        context, said = self.context, read_fields(request.form)
        try:
            changed = settings_from(said, self._zone)
            self._refuse_impossible_time(key, changed)
            saved = drafts.change_draft(context.database, key, **changed)
        except UnknownBroadcastError:
            raise
        except BroadcastError as error:
            one = drafts.get_broadcast(context.database, key)
            return self._settings_page(one, said, str(error)), 422
        page = "studio.show_broadcast" if "stay" in request.form else "studio.review_broadcast"
        return redirect(url_for(page, key=saved.key), 303)

    def ask_delete(self, key: str) -> Page:
        """Ask whether to delete a draft."""
        one = drafts.get_broadcast(self.context.database, key)
        if one.status is not BroadcastStatus.DRAFT:
            return redirect(address_of(one))
        return confirm_page(
            f"Delete “{one.title}”?",
            "It has not been sent to anyone. Its text is deleted too.",
            button="Yes, delete it",
            action=url_for("studio.delete_broadcast", key=key),
            back=address_of(one),
            danger=True,
        )

    def delete(self, key: str) -> Response:
        """Delete a draft."""
        try:
            drafts.discard(self.context.database, key)
        except UnknownBroadcastError:
            return redirect(url_for("studio.show_broadcasts"), 303)
        except BroadcastError as error:
            tell(str(error), trouble=True)
            return redirect(url_for("studio.show_broadcast", key=key), 303)
        tell("The draft is deleted.")
        return redirect(url_for("studio.show_broadcasts"), 303)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.context.practice.time_zone)

    def _refuse_impossible_time(self, key: str, changed: Mapping[str, Any]) -> None:
        context, one = self.context, drafts.get_broadcast(self.context.database, key)
        wanted = replace(one, **changed)
        sending.refuse_impossible_time(context.get_published(), wanted, context.clock())

    def _new_page(self, said: dict[str, str], problem: str = "") -> str:
        published, asked = self.context.get_published(), said.get("email", "")
        emails = [
            (
                one.title,
                [(key, published.subjects[key]) for key in _emails_of(published, one, asked)],
            )
            for one in sorted(published.sequences.values(), key=lambda one: one.title)
        ]
        return render_template(
            "studio/broadcast_new.html",
            said=said,
            problem=problem,
            streams=words.STREAMS,
            emails=emails,
        )

    def _settings_page(self, one: Broadcast, said: BroadcastFields, problem: str = "") -> str:
        published = self.context.get_published()
        segments = sorted(published.segments.segments.values(), key=lambda one: one.title)
        gone = ""
        try:
            audience_of(published, one, self.context.clock())
        except BroadcastError as error:
            gone = str(error)
        return render_template(
            "studio/broadcast_settings.html",
            broadcast=one,
            said=said,
            problem=problem,
            gone=gone,
            streams=words.STREAMS,
            segments=segments,
            zone=published.practice.time_zone,
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the list, for drafts and for their settings."""
    views, one = BroadcastDrafts(context), "/broadcasts/<key>"
    studio.get("/broadcasts")(views.show_broadcasts)
    studio.post("/broadcasts", endpoint="make_broadcast")(views.make)
    # No broadcast has a page called “draft”, and one may have the key “new”.
    studio.get("/broadcasts/new/draft", endpoint="show_new_broadcast")(views.show_new)
    studio.post(f"{one}/copy", endpoint="duplicate_broadcast")(views.duplicate)
    studio.get(f"{one}/settings", endpoint="show_broadcast_settings")(views.show_settings)
    studio.post(f"{one}/settings", endpoint="save_broadcast_settings")(views.save_settings)
    studio.get(f"{one}/delete", endpoint="ask_delete_broadcast")(views.ask_delete)
    studio.post(f"{one}/delete", endpoint="delete_broadcast")(views.delete)
    studio.register_error_handler(UnknownBroadcastError, _unknown)


def address_of(broadcast: Broadcast) -> str:
    """Return the URL of a broadcast's page."""
    return url_for("studio.show_broadcast", key=broadcast.key)


def address_of_text(broadcast: Broadcast) -> str:
    """Return the URL of the editor of its email."""
    sequence, _, name = broadcast.email_key.partition("/")
    return url_for("studio.show_email", sequence=sequence, name=name)


def sends_itself_at(context: Context, one: Broadcast) -> datetime | None:
    """Return when a draft that was made of a blog's post is sent without a press, if it is."""
    if one.status is not BroadcastStatus.DRAFT or not feed_state(context.database).sends_since:
        return None
    # What tells owners of drafts stays out of the memory of a web process that has no blog.
    from nurture.services.broadcasts import feed_notices

    return feed_notices.sends_itself_at(context.database, one.key, context.clock())


def _emails_of(published: Published, sequence: Sequence, asked: str) -> list[str]:
    """Return the emails of its series, which can go to anyone, and the one that is asked for."""
    kinds = {f"{sequence.key}/{step.email}": step.kind for step in sequence.steps}
    fit = [key for key, kind in kinds.items() if kind in SERIES or key == asked]
    return [key for key in fit if key in published.emails]


def _unknown(error: UnknownBroadcastError) -> tuple[str, int]:
    return problem_page("There is no such broadcast", "It may have been deleted.", 404)
