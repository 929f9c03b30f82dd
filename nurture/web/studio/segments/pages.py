"""Segments: the list, a page for each, exporting and deleting."""

from io import StringIO

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.audience.conditions import Segment, needs_health_consent
from nurture.domain.audience.words import say
from nurture.domain.disk_space import DiskUse
from nurture.services import segments
from nurture.services.catalogue import Published
from nurture.services.publishing import segment_editor
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.segment_editor import SegmentInUseError
from nurture.services.segments import UnknownSegmentError
from nurture.web.studio.core.errors import confirm_page, problem_page
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views, download

Page = str | tuple[str, int] | Answer

_EXPORTS = {
    "csv": (segments.export_csv, "text/csv"),
    "ndjson": (segments.export_ndjson, "application/x-ndjson"),
}


class SegmentPages(Views):
    """The views."""

    def show_segments(self) -> str:
        """Show every segment, with its conditions and its size."""
        context = self.context
        found = segments.all_segments(*context.stored, context.clock())
        published = self.context.get_published()
        names = segment_editor.names_of(published)
        rows = [
            (one, count, say(one.condition, names), segment_editor.uses_of(published, one.name))
            for one, count in found
        ]
        return render_template("studio/segments.html", rows=rows)

    def show_segment(self, name: str) -> str:
        """Show one segment: its conditions in words, who is in it, and where it is used."""
        context = self.context
        found = segments.glimpse(*context.stored, name, context.clock(), 10)
        published = self.context.get_published()
        names = segment_editor.names_of(published)
        return render_template(
            "studio/segment.html",
            found=found,
            segment=found.segment,
            said=say(found.segment.condition, names),
            names=names,
            uses=segment_editor.uses_of(published, name),
            health=health_topics(found.segment, published),
        )

    def export_segment(self, name: str) -> Answer:
        """Return the people in a segment as a file."""
        kind = request.form.get("format", "")
        if kind not in _EXPORTS:
            abort(400, "Please choose a kind of file.")
        self.context.disk.insist(DiskUse.EXPORTS)
        context, to = self.context, StringIO(newline="")
        write, media = _EXPORTS[kind]
        write(*context.stored, name, context.clock(), to)
        return download(to.getvalue(), f"{media}; charset=utf-8", f"{name}.{kind}")

    def ask_delete(self, name: str) -> Page:
        """Ask whether to delete a segment, unless a sequence needs it."""
        published = self.context.get_published()
        segment = _get(published, name)
        if segment_editor.uses_of(published, name):
            tell(f"“{segment.title}” is used by a sequence, so it cannot be taken away.", True)
            return redirect(_address(name), 303)
        return confirm_page(
            f"Take “{segment.title}” away?",
            "The people in it stay as they are; only the segment goes.",
            button="Yes, take it away",
            action=url_for("studio.delete_segment", name=name),
            back=_address(name),
            danger=True,
        )

    def delete_segment(self, name: str) -> Page:
        """Delete a segment."""
        context = self.context
        try:
            segment_editor.delete(*context.stored, name, context.clock())
        except SegmentInUseError as error:
            tell(str(error), trouble=True)
            return redirect(_address(name), 303)
        tell("The segment is taken away.")
        return redirect(url_for("studio.show_segments"), 303)

    def show_text(self, name: str) -> str:
        """Show the source of a segment, to be edited as text."""
        return self._text_page(name, segment_editor.text_of(self.context.database, name))

    def save_text(self, name: str) -> Page:
        """Check the text or publish it."""
        context = self.context
        text = request.form.get("text", "").replace("\r\n", "\n")
        try:
            if request.form.get("do") != "save":
                wanted = segment_editor.read_text(context.database, name, text)
                return self._text_page(name, text, wanted=wanted)
            saved = segment_editor.save_text(*context.stored, name, text, context.clock())
        except CheckError as error:
            return self._text_page(name, text, error.findings), 422
        except (SegmentInUseError, segment_editor.NameTakenError) as error:
            return self._text_page(name, text, [str(error)]), 422
        context.doorbell.ring()
        tell("Saved. It holds from now on.")
        return redirect(_address(saved), 303)

    def _text_page(
        self,
        name: str,
        text: str,
        findings: list[str] | None = None,
        wanted: Segment | None = None,
    ) -> str:
        context, published = self.context, self.context.get_published()
        foreseen = None
        if wanted:
            foreseen = segment_editor.foresee(
                *context.stored, wanted.condition, context.clock(), name
            )
        return render_template(
            "studio/segment_text.html",
            segment=_get(published, name),
            text=text,
            findings=findings or [],
            foreseen=foreseen,
            said=say(wanted.condition, segment_editor.names_of(published)) if wanted else "",
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for segments, except the builder's."""
    views, start = SegmentPages(context), "/segments/<name>"
    studio.get("/segments")(views.show_segments)
    studio.get(start)(views.show_segment)
    studio.post(f"{start}/export")(views.export_segment)
    studio.get(f"{start}/delete", endpoint="ask_delete_segment")(views.ask_delete)
    studio.post(f"{start}/delete")(views.delete_segment)
    studio.get(f"{start}/text", endpoint="show_text_segment")(views.show_text)
    studio.post(f"{start}/text")(views.save_text)
    studio.register_error_handler(UnknownSegmentError, _gone)


def health_topics(segment: Segment, published: Published) -> list[str]:
    """Return the titles of the health topics that a segment asks about."""
    known = published.segments
    found = needs_health_consent(segment.condition, known.health, published.topics)
    return [known.topics[key].title for key in sorted(found)]


def _get(published: Published, name: str) -> Segment:
    found = published.segments.segments.get(name)
    if found is None:
        raise UnknownSegmentError(f"There is no segment “{name}” any more.")
    return found


def _gone(error: UnknownSegmentError) -> tuple[str, int]:
    return problem_page("There is no such segment", str(error), 404)


def _address(name: str) -> str:
    return url_for("studio.show_segment", name=name)
