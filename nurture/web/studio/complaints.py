"""Complaints about data protection, and the signed evidence that goes with an answer."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.complaints import ACKNOWLEDGED_WITHIN, AnswerBy
from nurture.domain.disk_space import DiskUse
from nurture.services.complaints import answers
from nurture.services.complaints.answers import ComplaintState, NoComplaintError
from nurture.services.evidence.bundle import EvidenceSource, make_bundle
from nurture.store.tables.subscribers import find_subscriber
from nurture.web.studio.core.errors import problem_page
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

#: How someone would like to be answered, in words.
BY = {AnswerBy.EMAIL: "By email", AnswerBy.PHONE: "By phone", AnswerBy.LETTER: "By letter"}


class ComplaintDesk(Views):
    """The views."""

    def show_complaints(self) -> str:
        """Show every complaint, those to be acknowledged first."""
        context = self.context
        found = answers.list_states(*context.stored, context.clock())
        return render_template("studio/complaints.html", found=found, within=ACKNOWLEDGED_WITHIN)

    def show_complaint(self, number: int) -> str:
        """Show one complaint."""
        state = self._state(number)
        one = state.complaint
        return render_template("studio/complaint.html", state=state, one=one, by=BY)

    def acknowledge(self, number: int) -> Response:
        """Record that the owner has acknowledged its receipt."""
        answers.acknowledge(self.context.database, number, self.context.clock())
        tell("Noted: you have acknowledged it.")
        return _back(number)

    def close(self, number: int) -> Response:
        """Record that the owner has answered it."""
        context = self.context
        answers.close(context.database, context.tokens, number, context.clock())
        tell("Closed. A year from now its words and its address are removed.")
        return _back(number)

    def note(self, number: int) -> Response:
        """Replace the owner's note."""
        answers.note(self.context.database, number, request.form.get("note", ""))
        tell("The note is kept.")
        return _back(number)

    def prove_complaint(self, number: int) -> Response:
        """Return signed evidence about the sender as a zip file."""
        one = self._state(number).complaint
        if one.address is None:
            abort(404, "Nothing says any more whose complaint this was.")
        return self._evidence(one.address, f"evidence-{one.reference}.zip")

    def prove_person(self, person: int) -> Response:
        """Return signed evidence about one person as a zip file."""
        with self.context.database.reading() as connection:
            found = find_subscriber(connection, person)
        if found is None:
            abort(404, "This person has been forgotten, or was never here.")
        return self._evidence(found.address, f"evidence-person-{person}.zip")

    def _evidence(self, address: str, filename: str) -> Response:
        context = self.context
        context.disk.insist(DiskUse.EXPORTS)
        public_url = context.settings.public_url
        source = EvidenceSource(*context.stored, context.tokens, context.seal, public_url)
        bundle = make_bundle(source, address, context.clock())
        headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
        return Response(bundle, content_type="application/zip", headers=headers)

    def _state(self, number: int) -> ComplaintState:
        context = self.context
        found = answers.find_state(*context.stored, number, context.clock())
        return found or abort(404, "There is no such complaint.")


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for complaints."""
    views, one = ComplaintDesk(context), "/complaints/<int:number>"
    studio.get("/complaints")(views.show_complaints)
    studio.get(one)(views.show_complaint)
    studio.post(f"{one}/acknowledge", endpoint="acknowledge_complaint")(views.acknowledge)
    studio.post(f"{one}/close", endpoint="close_complaint")(views.close)
    studio.post(f"{one}/note", endpoint="note_complaint")(views.note)
    studio.post(f"{one}/evidence")(views.prove_complaint)
    studio.post("/people/<int:person>/evidence")(views.prove_person)
    studio.register_error_handler(NoComplaintError, _gone)


def _gone(error: NoComplaintError) -> tuple[str, int]:
    return problem_page("There is no such complaint", str(error), 404)


def _back(number: int) -> Response:
    return redirect(url_for("studio.show_complaint", number=number), 303)
