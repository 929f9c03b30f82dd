"""One person: their story, what comes next, their consents, and what can be done for them."""

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.consent import OWN_BOXES, STUDIO, Purpose, said_where
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.rendering.personal_page import personal_page
from nurture.services.complaints.answers import list_of_person
from nurture.services.profile import page
from nurture.services.profile.page import PersonPage
from nurture.services.profile.timeline import PURPOSES
from nurture.services.subscribers import bounce_lifting, erasure, export, on_behalf
from nurture.services.subscribers.bounce_lifting import WHO_LIFTS, NotLiftableError
from nurture.services.subscribers.erasure import BeingMailedError
from nurture.services.subscribers.on_behalf import NobodyThereError, NotAheadError, NotPutBackError
from nurture.web.forms import seen_evidence
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.errors import confirm_page, problem_page
from nurture.web.studio.core.flash import tell
from nurture.web.studio.people import badges
from nurture.web.views import Views, download

#: Why someone is not emailed, in words that follow “They are not written to, because”.
REASONS = {
    SuppressionReason.UNSUBSCRIBED: "they unsubscribed",
    SuppressionReason.BOUNCED: "emails to their address came back",
    SuppressionReason.COMPLAINED: "they reported an email as junk",
    SuppressionReason.ERASED: "they were erased",
}

Page = str | tuple[str, int] | Answer

#: For how long someone may be paused at the press of a button.
_PAUSES = ("14", "30", "90")


class OnePerson(Views):
    """The views."""

    def show_person(self, person: int) -> Page:
        """Show the person's page."""
        return self._page(person)

    def pause_person(self, person: int) -> Page:
        """Pause their sequences for some days, or until a given day."""
        try:
            until = self._until()
            on_behalf.pause(self.context.database, person, until, self.context.clock())
        except (NotAheadError, ValueError):
            return self._page(person, "Please choose a day that is still to come."), 422
        tell("Paused. What they ask for themselves still comes.")
        return self._done(person)

    def resume_person(self, person: int) -> Page:
        """Resume before the pause is over."""
        on_behalf.resume(self.context.database, person, self.context.clock())
        tell("Their emails go on.")
        return self._done(person)

    def lift_person(self, person: int) -> Page:
        """Lift the suppression of a bounced address, because the owner knows better."""
        context, why = self.context, request.form.get("reason", "")
        try:
            lifted = bounce_lifting.lift_of(*context.stored, person, why, STUDIO, context.clock())
        except NotLiftableError as error:
            return self._page(person, not_lifted=str(error)), 422
        said = "The bounce is lifted, but they are still not written to. " if lifted.left else ""
        said += lifted.left or "They are written to again."
        tell(f"{said} {lifted.hint}".rstrip())
        return self._done(person)

    def ask_stop(self, person: int) -> Page:
        """Ask whether to unsubscribe them."""
        name = _name(self._introduced(person))
        return confirm_page(
            f"Unsubscribe {name}?",
            "Do this when they asked you to. Nobody but they can take it back.",
            button="Yes, unsubscribe them",
            action=url_for("studio.stop_person", person=person),
            back=_address(person),
            facts=(
                "Every sequence they are in ends at once.",
                "What is waiting to be sent to them is taken back.",
                "Their consent record says that you did it for them, and when.",
            ),
            danger=True,
        )

    def stop_person(self, person: int) -> Page:
        """Unsubscribe them on their behalf."""
        context = self.context
        evidence = seen_evidence(context.settings.public_url)
        on_behalf.stop_everything(*context.stored, person, evidence, context.clock())
        tell("They are unsubscribed, and nothing is sent to them any more.")
        return self._done(person)

    def ask_take_out(self, person: int, sequence: str) -> Page:
        """Ask whether to end one sequence for them."""
        found = self._introduced(person)
        if sequence not in found.sequences:
            abort(404)
        return confirm_page(
            f"Take {_name(found)} out of “{found.sequences[sequence]}”?",
            "They get no more of it. Other sequences they are in, or come into, go on. You can "
            "undo this at any time: “Put back” on their page.",
            button="Yes, take them out",
            action=url_for("studio.take_out_person", person=person, sequence=sequence),
            back=_address(person),
        )

    def take_out_person(self, person: int, sequence: str) -> Page:
        """End one sequence for them."""
        context = self.context
        by = signed_in().address
        if on_behalf.take_out(context.database, person, sequence, context.clock(), by):
            tell("Removed from that sequence. “Put back” on this page undoes it.")
        else:
            tell("They were not in that sequence any more.")
        return self._done(person)

    def put_back_person(self, person: int, sequence: str) -> Page:
        """Return them to a sequence that they were removed from, or that let them go."""
        context, by = self.context, signed_in().address
        try:
            on_behalf.put_back(*context.stored, person, sequence, context.clock(), by)
        except NotPutBackError as error:
            return problem_page("They cannot be put back", str(error), 409)
        tell("They are back, and go on with the next email.")
        return self._done(person)

    def ask_forget(self, person: int) -> Page:
        """Ask for their address to be typed, because erasure cannot be undone."""
        return self._forget_page(self._introduced(person), "")

    def forget_person(self, person: int) -> Page:
        """Erase everything personal about them."""
        context, found = self.context, self._introduced(person)
        typed = request.form.get("address", "")
        if address_key(typed) != address_key(found.subscriber.address):
            wrong = "That is not their address. Nothing has been erased."
            return self._forget_page(found, wrong), 422
        try:
            erasure.forget(context.database, context.files, person, context.clock())
        except BeingMailedError as error:
            return self._forget_page(found, str(error)), 409
        tell("Forgotten. Only a scrambled form of the address is kept, which is never written to.")
        return redirect(url_for("studio.show_people"), 303)

    def export_person(self, person: int) -> Page:
        """Return everything stored about them as a file: a page to read, or a JSON document."""
        context = self.context
        context.disk.insist(DiskUse.EXPORTS)
        record = export.export(*context.stored, person, context.clock())
        if record is None:
            abort(404)
        if request.form.get("format") == "json":
            document = json.dumps(record, ensure_ascii=False, indent=2)
            return download(document, "application/json; charset=utf-8", f"person-{person}.json")
        return download(personal_page(record), "text/html; charset=utf-8", f"person-{person}.html")

    def _until(self) -> datetime:
        """Return when a pause ends: at midnight on the chosen day, in the practice's time zone."""
        zone, days = ZoneInfo(self.context.practice.time_zone), request.form.get("days", "")
        today = self.context.clock().astimezone(zone).date()
        if days in _PAUSES:
            day = today + timedelta(days=int(days))
        else:
            day = date.fromisoformat(request.form.get("until", ""))
        return datetime.combine(day, time(0), zone)

    def _page(self, person: int, problem: str = "", not_lifted: str = "") -> str:
        found = self._introduced(person)
        return render_template(
            "studio/person.html",
            who=found,
            name=_name(found),
            badges=badges(found.person, self.context.clock()),
            purposes=[(purpose, PURPOSES[purpose]) for purpose in Purpose],
            said_where=said_where,
            boxes=OWN_BOXES,
            problem=problem,
            not_lifted=not_lifted,
            reasons=REASONS,
            who_lifts=WHO_LIFTS,
            complaints=list_of_person(self.context.database, person, found.subscriber.address),
        )

    def _forget_page(self, found: PersonPage, problem: str) -> str:
        return render_template("studio/forget.html", who=found, name=_name(found), problem=problem)

    def _introduced(self, person: int) -> PersonPage:
        context = self.context
        return page.introduce(
            *context.stored,
            person,
            context.clock(),
            fingerprint=context.fingerprint,
            seen=context.witness.seen(),
            until=_until_when(request.args.get("until", "")),
            fixed=context.settings.account_choices,
        ) or abort(404, "This person has been forgotten, or was never here.")

    def _done(self, person: int) -> Answer:
        self.context.doorbell.ring()
        return redirect(_address(person), 303)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for one person."""
    views, start = OnePerson(context), "/people/<int:person>"
    studio.get(start)(views.show_person)
    for path, show, act in (
        ("/stop", views.ask_stop, views.stop_person),
        ("/forget", views.ask_forget, views.forget_person),
        ("/take-out/<sequence>", views.ask_take_out, views.take_out_person),
    ):
        studio.get(start + path)(show)
        studio.post(start + path)(act)
    studio.post(f"{start}/put-back/<sequence>")(views.put_back_person)
    studio.post(f"{start}/pause")(views.pause_person)
    studio.post(f"{start}/resume")(views.resume_person)
    studio.post(f"{start}/lift")(views.lift_person)
    studio.post(f"{start}/export")(views.export_person)
    studio.register_error_handler(NobodyThereError, _gone)


def _gone(error: NobodyThereError) -> tuple[str, int]:
    return problem_page("There is no such person", str(error), 404)


def _name(found: PersonPage) -> str:
    return found.subscriber.first_name or found.subscriber.address


def _until_when(text: str) -> datetime | None:
    """Parse the time before which to continue the story; None if it is invalid."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _address(person: int) -> str:
    return url_for("studio.show_person", person=person)
