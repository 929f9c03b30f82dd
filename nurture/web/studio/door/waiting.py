"""Signups that wait: how many and why, from where, and what the owner decides about them."""

from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.door.waiting import WhyWaiting
from nurture.services.door import waiting_line
from nurture.store.tables.waiting_signups import WaitingChoice
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

#: Each reason for the owner: a heading, and what it means.
REASONS = {
    WhyWaiting.FLOOD: (
        "Many at once",
        "More signups came in an hour than your website usually has, several from one network.",
    ),
    WhyWaiting.HURRIED: (
        "Filled in very fast",
        "The form was sent within two seconds, as programs and password managers do.",
    ),
    WhyWaiting.UNPROVEN: (
        "Not checked by the browser",
        "While many came, this browser did not solve the check, perhaps for lack of JavaScript.",
    ),
    WhyWaiting.ROBOT: (
        "Probably a robot",
        "A field that people cannot see was filled in. Only you can let these go.",
    ),
}


class WaitingPage(Views):
    """The views."""

    def show_waiting(self) -> str:
        """Show how many signups wait, where they come from, and the first of those chosen."""
        choice = _choice(request.args)
        after = request.args.get("after", 0, type=int)
        found = waiting_line.survey_waiting(self.context.database, choice, after)
        return render_template(
            "studio/waiting.html",
            found=found,
            choice=choice,
            reasons={str(why): words for why, words in REASONS.items()},
            an_hour=self.context.settings.waiting_an_hour,
        )

    def decide_waiting(self) -> Response:
        """Let the chosen signups go, or delete them."""
        choice, context = _choice(request.form), self.context
        if choice == WaitingChoice() and request.form.get("all") != "yes":
            abort(400, "Please say which signups you mean.")
        match request.form.get("what"):
            case "let-go":
                count = waiting_line.let_go(context.database, choice, context.clock())
                context.doorbell.ring()
                tell(f"Signups on their way: {count}. Their guides are sent within moments.")
            case "drop":
                tell(f"Signups deleted: {waiting_line.drop(context.database, choice)}.")
            case _:
                abort(400, "Please say what should become of them.")
        return redirect(url_for("studio.show_waiting"), 303)


def _choice(said: Mapping[str, str]) -> WaitingChoice:
    number = said.get("number", "")
    return WaitingChoice(
        number=int(number) if number.isascii() and number.isdigit() else None,
        why=said.get("why", ""),
        site=said.get("network", ""),
        domain=said.get("domain", ""),
    )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for signups that wait."""
    views = WaitingPage(context)
    studio.get("/waiting")(views.show_waiting)
    studio.post("/waiting")(views.decide_waiting)
