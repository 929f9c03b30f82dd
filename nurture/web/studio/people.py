"""People: searched by name or address, and filtered by status.

A search contains part of a person's name or address. A form sent by GET would put it into the
page's URL, and from there into the browser's history and the logs of every proxy in between, so
the search is a POST, which changes nothing. The filters name segments and sequences but no people,
so they may appear in a URL, which lets other pages link to them. People are identified by number.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import TypeVar

from flask import Blueprint, Response, abort, render_template, request, send_file

from nurture.bootstrap import Context
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.disk_space import DiskUse
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.simulation.person import Person
from nurture.domain.subscribers.bookings import booked_until, is_booked
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.subscribers import search
from nurture.services.subscribers.everybody import ExportFormat, export_everybody
from nurture.services.subscribers.search import AskedForError, PersonStatus, Question, SearchPage
from nurture.web.studio.core.formatting import whole_number
from nurture.web.views import Views

LEVELS = {
    EngagementLevel.NEW: "New (two weeks or less)",
    EngagementLevel.ACTIVE: "Active (the last month)",
    EngagementLevel.COOLING: "Cooling (one to three months)",
    EngagementLevel.ASLEEP: "Asleep (over three months)",
}
STAGES = {
    PersonStatus.UNDER_WAY: "Under way in a sequence",
    PersonStatus.COMPLETED: "Came to the end of a sequence",
    PersonStatus.BOOKED: "Booked a session",
    PersonStatus.UNCONFIRMED: "Not confirmed yet",
    PersonStatus.UNKNOWN: "Unknown: brought by a list that proves nothing",
    PersonStatus.UNSUBSCRIBED: "Unsubscribed",
    PersonStatus.SUPPRESSED: "Not written to (no such mailbox, junk)",
}
#: How a suppressed address is marked, and how seriously.
SUPPRESSED = {
    SuppressionReason.UNSUBSCRIBED: ("Unsubscribed", "trouble"),
    SuppressionReason.BOUNCED: ("No such mailbox", "warn"),
    SuppressionReason.COMPLAINED: ("Reported as junk", "trouble"),
    SuppressionReason.ERASED: ("Forgotten", "plain"),
}

_MEDIA = {ExportFormat.CSV: "text/csv", ExportFormat.NDJSON: "application/x-ndjson"}

_Word = TypeVar("_Word", bound=StrEnum)


class People(Views):
    """The views."""

    def show_people(self) -> str:
        """Show everyone, or those matching the filters in the URL."""
        return self._page(request.args, words="")

    def search_people(self) -> str:
        """Show the people matching the form."""
        return self._page(request.form, words=request.form.get("words", "")[:200].strip())

    def export_people(self) -> Response:
        """Return everything about all people as a file, which is never whole in memory."""
        kind = _one_of(ExportFormat, request.form.get("format", ""))
        if kind is None:
            abort(400, "Please choose a kind of file.")
        context = self.context
        context.disk.insist(DiskUse.EXPORTS)
        # It has no name, so that nothing of it is left however this ends.
        file = TemporaryFile(dir=context.settings.data_dir)  # noqa: SIM115  The answer closes it.
        to = TextIOWrapper(file, encoding="utf-8", newline="")
        export_everybody(context.database, context.tokens, to, kind)
        to.detach()
        file.seek(0)
        media, name = _MEDIA[kind], f"people-{context.clock():%Y-%m-%d}.{kind}"
        return send_file(file, media, as_attachment=True, download_name=name, max_age=0)

    def _page(self, said: Mapping[str, str], words: str) -> str:
        context = self.context
        question = _question(said, words)
        before = whole_number(said.get("before", ""))
        problem = ""
        try:
            page = search.find(*context.stored, question, context.clock(), before)
        except AskedForError as error:
            page, problem = SearchPage((), 0, False, None), str(error)
        published = context.get_published()
        titles = {key: one.title for key, one in published.sequences.items()}
        segments = published.segments.segments.values()
        return render_template(
            "studio/people.html",
            page=page,
            question=question,
            asks=question != Question(),
            is_later=before is not None,
            problem=problem,
            segments=[("", "Any segment"), *((s.name, s.title) for s in segments)],
            sequences=[("", "Any sequence"), *titles.items()],
            levels=[("", "Any"), *((str(key), said) for key, said in LEVELS.items())],
            stages=[("", "Any"), *((str(key), said) for key, said in STAGES.items())],
            badges=badges,
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the list of people."""
    views = People(context)
    studio.get("/people")(views.show_people)
    studio.post("/people")(views.search_people)
    studio.post("/people/export")(views.export_people)


def badges(person: Person, now: datetime) -> list[tuple[str, str]]:
    """Describe a person's status in a few words each, with the style of each."""
    if person.suppressed:
        return [SUPPRESSED[person.suppressed]]
    found = []
    if person.paused_until and person.paused_until > now:
        found.append(("Paused", "warn"))
    if is_booked(booked_until(person.facts.events)):
        found.append(("Booked", "good"))
    if person.is_unknown:
        found.append(("Unknown", "warn"))
    elif not person.facts.confirmed:
        found.append(("Not confirmed", "warn"))
    under_way = [one for one in person.enrolments if one.status is EnrolmentStatus.ACTIVE]
    if under_way:
        found.append(("Under way", "plain"))
    elif any(one.status is EnrolmentStatus.COMPLETED for one in person.enrolments):
        found.append(("At the end", "plain"))
    return found


def _question(said: Mapping[str, str], words: str) -> Question:
    """Return the search; an unknown filter is ignored."""
    return Question(
        words=words,
        segment=said.get("segment", ""),
        sequence=said.get("sequence", ""),
        level=_one_of(EngagementLevel, said.get("level", "")),
        stage=_one_of(PersonStatus, said.get("stage", "")),
    )


def _one_of(words: type[_Word], said: str) -> _Word | None:
    return words(said) if said in list(words) else None
