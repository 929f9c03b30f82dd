"""The website: its forms, keys and origins, and what was wrong with refused calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from nurture import booking
from nurture.bootstrap import Context
from nurture.mail import providers
from nurture.mail.amazon import AmazonUnavailableError, download
from nurture.services.door.kept_calls import count_kept
from nurture.services.door.origins import allowed_origins
from nurture.services.door.site_keys import list_sites
from nurture.services.inbound import authenticity
from nurture.services.inbound.authenticity import NothingAskedError
from nurture.services.inbound.refusals import UNKNOWN
from nurture.store.tables import refused_calls, signups
from nurture.store.tables.refused_calls import BOXES, Refusals, RefusedCall
from nurture.web.studio.core.flash import tell
from nurture.web.studio.website.words import REMEDIES, label_of_provider
from nurture.web.views import Views

_WEEK = timedelta(days=7)
_SHOWN = 50


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
        """Show the forms, the websites and the providers, and how their calls went."""
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
            kept=count_kept(context.database),
            sites=list_sites(context.database, context.seal),
            origins=allowed_origins(*context.stored),
        )

    def show_calls(self, door: str, name: str) -> str:
        """Show what was wrong with calls of one provider, or to a form that does not exist."""
        if door not in ("signup", "mail", "bookings"):
            abort(404)
        return render_template(
            "studio/calls.html",
            name=name,
            label=label_of_provider(door, name),
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
                label=label_of_provider(door, one.name),
                address=f"{settings.public_url}/webhooks/{door}/{one.name}",
                setting=one.secret_setting,
                help=one.secret_help,
                is_set=bool(settings.secret(one.secret_setting)),
                refusals=refused.get((door, one.name)),
            )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the website."""
    views = Website(context)
    studio.get("/settings/website")(views.show_website)
    studio.get("/settings/calls/<door>/<name>")(views.show_calls)
    studio.post("/settings/calls/mail/<name>/yes")(views.say_yes)
