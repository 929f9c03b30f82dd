"""Sequences: each as a timeline from its form to its goal, and its results."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.services.delivery import pause as sequence_pause
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.publishing import sequence_editor
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.sequence_editor import EditedSequence
from nurture.services.publishing.studio import differing_lines, history, source_text
from nurture.services.reports.funnel import Course, Funnel, Period, follow_course, list_courses
from nurture.store.tables.revisions import Author, Revision, RevisionKind
from nurture.web.studio.core.errors import confirm_page
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import count, say_day
from nurture.web.studio.sequences import words
from nurture.web.views import Views

PERIODS = {Period.MONTH: "Four weeks", Period.QUARTER: "Twelve weeks", Period.YEAR: "A year"}

#: An email may look as it likes and load its pictures, but can do nothing at all.
_PICTURE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "frame-ancestors 'self'; sandbox"
)


class Sequences(Views):
    """The views."""

    def show_list(self) -> str:
        """Show all sequences."""
        context = self.context
        courses = list_courses(*context.stored, context.clock())
        return render_template(
            "studio/sequences.html", courses=courses, said=words, drafts=self._changed(courses)
        )

    def show(self, key: str) -> str:
        """Show one sequence as a timeline."""
        period = asked_period()
        course = self._course(key, period)
        titles, segments = names(self.context)
        return render_template(
            "studio/sequence.html",
            course=course,
            key=key,
            period=period,
            periods=PERIODS,
            said=words,
            titles=titles,
            segments=segments,
            chart=_chart(course),
            plan=get_plan(self.context, key),
        )

    def show_picture(self, key: str, email: str) -> Response:
        """Return a step's email, to be shown small in a frame."""
        context = self.context
        try:
            html = sequence_editor.picture_email(
                *context.stored, key, email, context.settings.public_url
            )
        except CheckError:
            html = "<p>This email cannot be shown yet.</p>"
        if html is None:
            abort(404)
        return Response(html, headers={"Content-Security-Policy": _PICTURE_POLICY})

    def ask_pause(self, key: str) -> str:
        """Show what pausing or resuming would do."""
        course = self._course(key, Period.MONTH)
        address = url_for("studio.show_sequence", key=key)
        if course.paused:
            return self._ask_resume(course, address)
        guide = ("Whoever fills in the form still gets their guide.",)
        facts = (
            f"{count(course.under_way, 'person is', 'people are')} under way. Each of them stays "
            "where they are and gets no email of this sequence until you go on.",
            *(guide if course.sequence.has_guide else ()),
            "Nothing is lost: when you go on, what is overdue is spread over two days.",
        )
        return confirm_page(
            "Pause this sequence?",
            course.sequence.title,
            button="Pause it",
            action=url_for("studio.pause_sequence", key=key),
            back=address,
            facts=facts,
        )

    def _ask_resume(self, course: Course, address: str) -> str:
        key = course.sequence.key
        waiting = sequence_pause.count_waiting(self.context.database, key)
        facts = (
            f"{count(waiting, 'person has an email', 'people have an email')} overdue. They get "
            "it spread evenly over the working hours of two days, the longest waiting first.",
            "Everybody else goes on as if there had been no pause.",
            "An email that is to be left out when it is late is left out.",
        )
        return confirm_page(
            "Go on with this sequence?",
            course.sequence.title,
            button="Go on",
            action=url_for("studio.resume_sequence", key=key),
            back=address,
            facts=facts,
        )

    def pause(self, key: str) -> Answer:
        """Pause it."""
        context = self.context
        try:
            sequence_pause.pause(*context.stored, key, context.clock())
        except UnknownSequenceError:
            abort(404)
        tell("Paused. Nobody in this sequence gets an email until you go on.")
        return redirect(url_for("studio.show_sequence", key=key), 303)

    def resume(self, key: str) -> Answer:
        """Resume it."""
        context = self.context
        try:
            people = sequence_pause.resume(*context.stored, key, context.clock())
        except UnknownSequenceError:
            abort(404)
        context.doorbell.ring()
        tell(f"It goes on. {count(people, 'person', 'people')} had been waiting for that.")
        return redirect(url_for("studio.show_sequence", key=key), 303)

    def show_history(self, key: str) -> str:
        """Show every published revision, newest first, and what each changed."""
        plan = get_plan(self.context, key)
        states = history(self.context.database, RevisionKind.SEQUENCE, key)
        _, segments = names(self.context)
        return render_template(
            "studio/sequence_history.html",
            key=key,
            plan=plan,
            states=_told(states, plan.subjects, segments),
            by_owner=Author.OWNER,
        )

    def take_back(self, key: str, number: int) -> Answer:
        """Make an earlier revision a draft, and show what publishing it would do."""
        sequence_editor.take_state(self.context.database, key, number, self.context.clock())
        return redirect(url_for("studio.review_sequence", key=key), 303)

    def _course(self, key: str, period: Period) -> Course:
        context = self.context
        try:
            return follow_course(*context.stored, key, period, context.clock())
        except UnknownSequenceError:
            abort(404)

    def _changed(self, courses: list[Course]) -> set[str]:
        database = self.context.database
        plans = [sequence_editor.find_plan(database, one.sequence.key) for one in courses]
        return {plan.key for plan in plans if plan.is_changed}


def names(context: Context) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the titles of the published sequences and segments."""
    published = context.get_published()
    titles = {key: one.title for key, one in published.sequences.items()}
    segments = {name: one.title or name for name, one in published.segments.segments.items()}
    return titles, segments


def get_plan(context: Context, key: str) -> EditedSequence:
    """Return the sequence being edited; abort with 404 if it does not exist."""
    try:
        return sequence_editor.find_plan(context.database, key)
    except UnknownSequenceError:
        abort(404)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for viewing sequences."""
    views, one = Sequences(context), "/sequences/<key>"
    studio.get("/sequences/", endpoint="show_sequences")(views.show_list)
    studio.get(one, endpoint="show_sequence")(views.show)
    studio.get(f"{one}/picture/<email>")(views.show_picture)
    studio.get(f"{one}/pause", endpoint="ask_pause_sequence")(views.ask_pause)
    studio.post(f"{one}/pause", endpoint="pause_sequence")(views.pause)
    studio.post(f"{one}/resume", endpoint="resume_sequence")(views.resume)
    studio.get(f"{one}/history", endpoint="show_sequence_history")(views.show_history)
    studio.post(f"{one}/history/<int:number>", endpoint="take_back_sequence")(views.take_back)


def asked_period() -> Period:
    """Return the period that the address asks for, or the shortest."""
    asked = request.args.get("period", "")
    return Period(asked) if asked in set(Period) else Period.MONTH


def _chart(course: Course) -> dict[str, Any]:
    """Return the labels and the lines of the chart over time."""
    labels = [say_day(day) for day, _ in course.spans]
    funnels: list[Funnel] = [funnel for _, funnel in course.spans]
    lines = [
        ("Sent", [one.figures.sent for one in funnels]),
        ("Read by people", [one.figures.read for one in funnels]),
        ("Clicked by people", [one.figures.clicked for one in funnels]),
    ]
    return {"labels": labels, "lines": lines}


def _told(
    states: list[Revision], subjects: Mapping[str, str], segments: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return each revision with what it changed in the previous one."""
    told = []
    for state, before in zip(states, [*states[1:], None], strict=True):
        changes, lines = ["The first state."], list[tuple[str, str]]()
        if before is not None:
            read = sequence_editor.sequence_of(before), sequence_editor.sequence_of(state)
            changes = words.say_changes(*read, subjects, segments)
            lines = differing_lines(source_text(before), source_text(state))
        told.append({"state": state, "changes": changes, "lines": lines})
    return told
