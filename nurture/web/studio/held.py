"""Messages held after a restore: they may have been sent, so the owner decides about them."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.services.backup import held
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views


class HeldPage(Views):
    """The views."""

    def show_held(self) -> str:
        """Show all held messages, by person."""
        context = self.context
        found = held.list_held(*context.stored, context.clock())
        return render_template("studio/held.html", held=found)

    def decide_held(self) -> Response:
        """Release one or all of them for sending, or treat them as sent."""
        context, chosen = self.context, request.form.get("enrolment", type=int)
        found = held.list_held(*context.stored, context.clock())
        numbers = [one.enrolment for one in found if chosen in (None, one.enrolment)]
        match request.form.get("what"):
            case "send":
                held.let_go_on(context.database, numbers, context.clock())
                tell("Noted: that is sent, at the next moment that emails go out.")
            case "drop":
                held.drop(*context.stored, numbers, context.clock())
                tell("Noted: that counts as sent, and the sequences go on behind it.")
            case _:
                abort(400, "Please say whether to send it.")
        context.doorbell.ring()
        return redirect(url_for("studio.show_held"), 303)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for held messages."""
    views = HeldPage(context)
    studio.get("/held")(views.show_held)
    studio.post("/held")(views.decide_held)
