"""The website: how each form calls, and what was wrong with refused calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from nurture import booking
from nurture.bootstrap import Context
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.mail import providers
from nurture.mail.amazon import AmazonUnavailableError, download
from nurture.services.inbound import authenticity
from nurture.services.inbound.authenticity import NothingAskedError
from nurture.services.inbound.refusals import UNKNOWN
from nurture.services.subscribers.signup import Signup, subscribe
from nurture.store.tables import refused_calls, signups
from nurture.store.tables.refused_calls import BOXES, Refusals, RefusedCall
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

_WEEK = timedelta(days=7)
_SHOWN = 50

#: Providers whose names differ from the last part of their URL.
_LABELS = {"cal": "Cal.com", "sendgrid": "SendGrid", "ses": "Amazon SES"}

_LOOK = "Check your inbox. If you got the guide a short while ago, it is not sent again."

#: What to do about a refusal, by the status of the response.
REMEDIES = {
    400: "What was sent could not be read. In the form plugin, choose JSON or form data.",
    401: "Copy the token or the secret again, whole and without blanks at its ends.",
    404: "The end of the address is no form of yours. Copy the address from its page.",
    405: "The address was opened instead of called. In the form plugin, choose the method POST.",
    409: "The same key came with another signup. The website is to take a new one each time.",
    413: "Far too much was sent. Let the form send only the fields it needs.",
    415: "In the form plugin, choose JSON or form data as the format.",
    422: "Look which field of your form is sent under this name.",
    429: "More signups than a website has in an hour. If it is no robot, send them again later.",
}


@dataclass(frozen=True, slots=True)
class ConnectedProvider:
    """A provider whose calls are accepted."""

    door: str
    name: str
    label: str
    address: str
    setting: str
    help: str
    is_set: bool
    refusals: Refusals | None


class Website(Views):
    """The views."""

    def show_website(self) -> str:
        """Show the forms and the providers, and how their calls went."""
        context = self.context
        with context.database.reading() as connection:
            published = context.catalogue.current(connection)
            since = context.clock() - _WEEK
            counts = signups.count_by_form(connection, since)
            refused = refused_calls.count_refusals(connection)
        return render_template(
            "studio/website.html",
            sequences=[s for s in published.sequences.values() if s.form],
            counts=counts,
            refused=refused,
            boxes={name: one for (door, name), one in refused.items() if door == BOXES},
            unknown=refused.get(("signup", UNKNOWN)),
            asked=authenticity.asked_by(context.database, "ses", context.clock()),
            callers=list(self._callers(refused)),
        )

    def show_form(self, form: str) -> str:
        """Show how to connect one form, and which of its calls were refused."""
        return self._form_page(form)

    def show_token(self, form: str) -> str:
        """Show the same page with the token, at the press of a button; it is not stored."""
        return self._form_page(form, shown=True)

    def try_form(self, form: str) -> Response:
        """Sign the owner up as a visitor would, by the same path as every signup."""
        self._sequence(form)
        context = self.context
        evidence = Evidence(page_url=url_for("studio.show_form", form=form, _external=False))
        signup = Signup(form, signed_in().address, evidence=evidence)
        subscribe(*context.stored, context.tokens, context.limits, signup, context.clock())
        context.doorbell.ring()
        tell(f"You are signed up with your own address. {context.where_mails_stay or _LOOK}")
        return redirect(url_for("studio.show_form", form=form), 303)

    def show_calls(self, door: str, name: str) -> str:
        """Show what was wrong with calls of one provider, or to a form that does not exist."""
        if door not in ("signup", "mail", "bookings"):
            abort(404)
        return render_template(
            "studio/calls.html",
            name=name,
            label=_label(door, name),
            calls=self._refused(door, name),
            remedies=REMEDIES,
        )

    def say_yes(self, name: str) -> Response:
        """Confirm to a provider that its calls are wanted, as it requested."""
        context = self.context
        try:
            authenticity.say_yes(context.database, name, download, context.clock())
        except (NothingAskedError, AmazonUnavailableError) as error:
            tell(str(error), trouble=True)
        else:
            tell("Said yes. What becomes of your emails is told from now on.")
        return redirect(url_for("studio.show_website"), 303)

    def _form_page(self, form: str, shown: bool = False) -> str:
        sequence, settings = self._sequence(form), self.context.settings
        tokens = settings.signup_token
        return render_template(
            "studio/form.html",
            sequence=sequence,
            form=form,
            base_url=settings.public_url,
            is_public=settings.public_url.startswith("https:"),
            has_token=bool(tokens),
            shown=shown and bool(tokens),
            token=tokens[0] if shown and tokens else "$NURTURE_SIGNUP_TOKEN",
            calls=self._refused("signup", form),
            boxes=self._refused(BOXES, form),
            purposes=[purpose.value for purpose in Purpose if purpose is not Purpose.GUIDE],
            remedies=REMEDIES,
        )

    def _sequence(self, form: str) -> Sequence:
        return self.context.get_published().sequence_of_form(form) or abort(404)

    def _refused(self, door: str, name: str) -> list[RefusedCall]:
        with self.context.database.reading() as connection:
            return refused_calls.refused_calls_of(connection, door, name, _SHOWN)

    def _callers(self, refused: dict[tuple[str, str], Refusals]) -> Iterable[ConnectedProvider]:
        settings = self.context.settings
        calendars = sorted(booking.registry().items())
        known: list[tuple[str, providers.Provider | booking.BookingProvider]] = [
            *(("mail", one) for _, one in sorted(providers.registry().items())),
            *(("bookings", one) for name, one in calendars if name == one.name),
        ]
        for door, one in known:
            yield ConnectedProvider(
                door=door,
                name=one.name,
                label=_label(door, one.name),
                address=f"{settings.public_url}/webhooks/{door}/{one.name}",
                setting=one.secret_setting,
                help=one.secret_help,
                is_set=bool(settings.secret(one.secret_setting)),
                refusals=refused.get((door, one.name)),
            )


def _label(door: str, name: str) -> str:
    """Return a provider's label."""
    if name == "generic":
        return "Any other calendar" if door == "bookings" else "Any other mail system"
    return _LABELS.get(name, name.capitalize())


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the website."""
    views, one = Website(context), "/settings/website/<form>"
    studio.get("/settings/website")(views.show_website)
    studio.get(one)(views.show_form)
    studio.get("/settings/calls/<door>/<name>")(views.show_calls)
    studio.post("/settings/calls/mail/<name>/yes")(views.say_yes)
    studio.post(f"{one}/token")(views.show_token)
    studio.post(f"{one}/try")(views.try_form)
