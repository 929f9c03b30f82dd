"""The builder: a segment assembled from menus, with its members shown immediately.

A preview changes nothing, and yet it is a POST: a form of many rows is too long for a URL.
Without a script every button sends the form and the page comes back; with htmx only the changed
part is replaced.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.audience.conditions import Condition, Segment, excess_of
from nurture.domain.audience.menu import GroupKind, RowGroup, as_condition, as_group
from nurture.domain.audience.words import say
from nurture.services import segments
from nurture.services.catalogue import Published
from nurture.services.publishing import segment_editor
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.segment_editor import NameTakenError, SegmentInUseError
from nurture.services.publishing.studio import name_from
from nurture.services.segments import UnknownSegmentError
from nurture.web.studio.core.flash import tell
from nurture.web.studio.segments.form import FIRST, HOW, done_to, menus, read_group
from nurture.web.studio.segments.pages import health_topics
from nurture.web.views import Views

Page = str | tuple[str, int] | Answer

#: How many of its people are shown while a segment is being built.
_SAMPLE = 5


class Builder(Views):
    """The views; `name` is empty for a new segment."""

    def show_new(self) -> Page:
        """Show a new segment, with one row to begin with."""
        fields = {"title": "", "about": "", "name": ""}
        return self._page("", RowGroup(GroupKind.ALL, (FIRST,)), fields)

    def show_edit(self, name: str) -> Page:
        """Show a segment in its menus, or redirect to its text if it does not fit into them."""
        published = self.context.get_published()
        segment = published.segments.segments.get(name)
        if segment is None:
            raise UnknownSegmentError(f"There is no segment “{name}” any more.")
        group = as_group(segment.condition)
        if group is None:
            tell("This one says more than the menus can, so it is changed as text.")
            return redirect(url_for("studio.show_text_segment", name=name), 303)
        fields = {"title": segment.title, "about": segment.about, "name": name}
        return self._page(name, group, fields)

    def build_new(self) -> Page:
        """Handle any button on the form of a new segment."""
        return self._answer("")

    def build(self, name: str) -> Page:
        """Handle any button on the form of a segment."""
        return self._answer(name)

    def _answer(self, name: str) -> Page:
        do = request.form.get("do", "look")
        group = done_to(read_group(request.form, self.context.get_published()), do)
        said = {field: request.form.get(field, "").strip() for field in ("title", "about", "name")}
        if excess := _excess(group):
            return self._page(name, group, said, {"rows": excess}), 422
        if do not in ("check", "save"):
            return self._page(name, group, said)
        problems = _problems(group, said)
        if problems or do == "check":
            page = self._page(name, group, said, problems, asks=not problems)
            return (page, 422) if problems else page
        return self._save(name, group, said)

    def _save(self, name: str, group: RowGroup, said: Mapping[str, str]) -> Page:
        context, condition = self.context, as_condition(group)
        assert condition is not None  # A segment without a condition has a problem.
        segment = Segment(said["name"], said["title"], said["about"], condition)
        try:
            saved = segment_editor.save(*context.stored, segment, context.clock(), name)
        except (NameTakenError, SegmentInUseError) as error:
            return self._page(name, group, said, {"name": str(error)}), 422
        except CheckError as error:
            return self._page(name, group, said, {"rows": " ".join(error.findings)}), 422
        context.doorbell.ring()
        tell("Saved. It holds from now on.")
        address = url_for("studio.show_segment", name=saved)
        if "HX-Request" in request.headers:
            return Response(status=204, headers={"HX-Redirect": address})
        return redirect(address, 303)

    def _page(
        self,
        name: str,
        group: RowGroup,
        fields: Mapping[str, str],
        problems: Mapping[str, str] | None = None,
        asks: bool = False,
    ) -> str:
        published = self.context.get_published()
        condition = None if _excess(group) else as_condition(group)
        return render_template(
            "studio/segment_builder.html",
            name=name,
            fields=fields,
            menus=menus(group, published),
            how=HOW,
            problems=problems or {},
            asks=asks,
            **self._looked_at(condition, published, name, asks),
        )

    def _looked_at(
        self, condition: Condition | None, published: Published, name: str, asks: bool
    ) -> dict[str, Any]:
        """Return a condition's matches and, if requested, what saving it would change."""
        if condition is None:
            return {"said": "", "count": 0, "sample": (), "health": [], "foreseen": None}
        context, now = self.context, self.context.clock()
        count, sample = segments.try_out(*context.stored, condition, now, _SAMPLE)
        draft = Segment(name, "", "", condition)
        return {
            "said": say(condition, segment_editor.names_of(published)),
            "count": count,
            "sample": sample,
            "health": health_topics(draft, published),
            "foreseen": segment_editor.foresee(*context.stored, condition, now, name)
            if asks
            else None,
        }


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the builder."""
    views = Builder(context)
    new, edit = "/segments/new", "/segments/<name>/edit"
    studio.get(new, endpoint="show_new_segment")(views.show_new)
    studio.post(new, endpoint="build_new_segment")(views.build_new)
    studio.get(edit, endpoint="show_edit_segment")(views.show_edit)
    studio.post(edit, endpoint="build_edit_segment")(views.build)


def _excess(group: RowGroup) -> str:
    condition = as_condition(group)
    excess = excess_of(condition) if condition else ""
    return f"{excess[:1].upper()}{excess[1:]}"


def _problems(group: RowGroup, said: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if not said["title"]:
        found["title"] = "Please give it a title."
    elif not (said["name"] or name_from(said["title"])):
        found["title"] = "Please put a letter or a digit into it."
    if as_condition(group) is None:
        found["rows"] = "Please add at least one line."
    return found
