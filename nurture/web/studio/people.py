"""People: looked for by name or address, and filtered by how they stand.

What is typed into the search is a piece of somebody's name or address. A form that is sent
by GET would put it into the address of the page, and from there into the browser's history
and the logs of every proxy in between, so the search is a POST, which changes nothing. The
filters name segments and sequences and nobody, so they may stand in an address, which lets
other pages link to them. Persons are addressed by their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, render_template, request

from nurture.domain.audience.engagement import Level
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.simulation.person import Person
from nurture.domain.subscribers.bookings import booked_until, is_booked
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.subscribers import search
from nurture.services.subscribers.search import AskedForError, Page, Question, Stage
from nurture.web.studio.core.formatting import whole_number

if TYPE_CHECKING:
    from nurture.bootstrap import House

LEVELS = {
    Level.NEW: "New (two weeks or less)",
    Level.ACTIVE: "Active (the last month)",
    Level.COOLING: "Cooling (one to three months)",
    Level.ASLEEP: "Asleep (over three months)",
}
STAGES = {
    Stage.UNDER_WAY: "Under way in a sequence",
    Stage.COMPLETED: "Came to the end of a sequence",
    Stage.BOOKED: "Booked a session",
    Stage.UNCONFIRMED: "Not confirmed yet",
    Stage.UNSUBSCRIBED: "Unsubscribed",
    Stage.SUPPRESSED: "Not written to (no such mailbox, junk)",
}
#: How an address that is never written to is marked, and how gravely.
SUPPRESSED = {
    SuppressionReason.UNSUBSCRIBED: ("Unsubscribed", "trouble"),
    SuppressionReason.BOUNCED: ("No such mailbox", "warn"),
    SuppressionReason.COMPLAINED: ("Reported as junk", "trouble"),
    SuppressionReason.ERASED: ("Forgotten", "plain"),
}

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class People:
    """The views."""

    house: House

    def show_people(self) -> str:
        """Everybody, or those whom the filters in the address ask for."""
        return self._page(request.args, words="")

    def search_people(self) -> str:
        """Those whom the form asks for."""
        return self._page(request.form, words=request.form.get("words", "")[:200].strip())

    def _page(self, said: Mapping[str, str], words: str) -> str:
        house = self.house
        question = _question(said, words)
        before = whole_number(said.get("before", ""))
        problem = ""
        try:
            page = search.find(house.database, house.catalogue, question, house.clock(), before)
        except AskedForError as error:
            page, problem = Page((), 0, False, None), str(error)
        with house.database.reading() as connection:
            published = house.catalogue.current(connection)
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


def add_routes(studio: Blueprint, house: House) -> None:
    """Answer what belongs to the list of people."""
    views = People(house)
    studio.add_url_rule("/people", view_func=views.show_people, methods=["GET"])
    studio.add_url_rule("/people", view_func=views.search_people, methods=["POST"])


def badges(person: Person, now: datetime) -> list[tuple[str, str]]:
    """How somebody stands, in a few words each, with how each is to look."""
    if person.suppressed:
        return [SUPPRESSED[person.suppressed]]
    found = []
    if person.paused_until and person.paused_until > now:
        found.append(("Paused", "warn"))
    if is_booked(booked_until(person.facts.events)):
        found.append(("Booked", "good"))
    if not person.facts.confirmed:
        found.append(("Not confirmed", "warn"))
    under_way = [one for one in person.enrolments if one.status is EnrolmentStatus.ACTIVE]
    if under_way:
        found.append(("Under way", "plain"))
    elif any(one.status is EnrolmentStatus.COMPLETED for one in person.enrolments):
        found.append(("At the end", "plain"))
    return found


def _question(said: Mapping[str, str], words: str) -> Question:
    """What is asked for; a filter that does not exist asks for nothing."""
    return Question(
        words=words,
        segment=said.get("segment", ""),
        sequence=said.get("sequence", ""),
        level=_one_of(Level, said.get("level", "")),
        stage=_one_of(Stage, said.get("stage", "")),
    )


def _one_of(words: type[_Word], said: str) -> _Word | None:
    return words(said) if said in list(words) else None
