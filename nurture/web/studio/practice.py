"""The practice: its details and its hours, each a form that publishes its contents."""

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.scheduling.hours import Nation
from nurture.services.owner import practice
from nurture.services.owner.practice import SlipsError
from nurture.services.publishing.files import CheckError
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

NATIONS = tuple((str(nation), str(nation)) for nation in Nation if nation is not Nation.NONE) + (
    (str(Nation.NONE), "No bank holidays"),
)
_UNCHANGED = "Nothing was different, so nothing has changed."


class PracticeSettings(Views):
    """The views."""

    def show_practice(self) -> str:
        """Show who writes, from where, and the details the law requires."""
        return _practice_page(practice.read_facts(self.context.database))

    def save_practice(self) -> Response | tuple[str, int]:
        """Publish the form."""
        context = self.context
        try:
            changed = practice.save_facts(context.database, request.form, context.clock())
        except SlipsError as error:
            return _practice_page(request.form, error.slips), 422
        except CheckError as error:
            return _practice_page(request.form, trouble=str(error)), 422
        tell("Saved. Every email from now on says so." if changed else _UNCHANGED)
        return redirect(url_for("studio.show_practice"), 303)

    def show_hours(self) -> str:
        """Show the hours, the frequency and the days off."""
        return _hours_page(practice.read_rhythm(self.context.database))

    def save_hours(self) -> Response | tuple[str, int]:
        """Publish the form; waiting messages are rescheduled accordingly."""
        context = self.context
        try:
            changed = practice.save_rhythm(context.database, request.form, context.clock())
        except SlipsError as error:
            return _hours_page(request.form, error.slips), 422
        except CheckError as error:
            return _hours_page(request.form, trouble=str(error)), 422
        context.doorbell.ring()
        tell("Saved. Everybody who waits for an email follows it." if changed else _UNCHANGED)
        return redirect(url_for("studio.show_hours"), 303)


def _practice_page(
    values: Mapping[str, str], slips: Mapping[str, str] | None = None, trouble: str = ""
) -> str:
    given = {name: values.get(name, "") for name in practice.FACTS}
    return render_template("studio/practice.html", values=given, slips=slips or {}, trouble=trouble)


def _hours_page(
    values: Mapping[str, str], slips: Mapping[str, str] | None = None, trouble: str = ""
) -> str:
    names = ("opens", "closes", "usual_days", "fewer_days", "bank", "closed")
    given = {name: values.get(name, "") for name in names}
    return render_template(
        "studio/hours.html", values=given, slips=slips or {}, trouble=trouble, nations=NATIONS
    )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the practice and its hours."""
    views = PracticeSettings(context)
    studio.get("/settings/practice")(views.show_practice)
    studio.post("/settings/practice")(views.save_practice)
    studio.get("/settings/hours")(views.show_hours)
    studio.post("/settings/hours")(views.save_hours)
