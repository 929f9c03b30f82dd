"""The page of one form: every way to connect it, and which of its calls were refused."""

from dataclasses import dataclass
from typing import NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.services.door.kept_calls import count_kept
from nurture.services.door.origins import OriginError
from nurture.services.door.setup import KEY_PLACEHOLDER, SECRET_PLACEHOLDER, form_setup
from nurture.services.door.site_keys import Site, list_sites
from nurture.services.door.thanks import find_thanks, keep_thanks
from nurture.services.subscribers.signup import Signup, subscribe
from nurture.store.tables import refused_calls
from nurture.store.tables.refused_calls import BOXES, RefusedCall
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.studio.website.words import REMEDIES
from nurture.web.views import Views

_SHOWN = 50

_LOOK = "Check your inbox. If you got the guide a short while ago, it is not sent again."


class _Typed(NamedTuple):
    """A page of thanks that was refused, and why."""

    url: str
    trouble: str


@dataclass(frozen=True)
class FormPage(Views):
    """The views."""

    def show_form(self, form: str) -> str:
        """Show how to connect one form, and which of its calls were refused."""
        return self._page(form, request.args.get("site", ""))

    def show_token(self, form: str) -> str:
        """Show the same page with the key, the secret and the token, at the press of a button."""
        return self._page(form, request.form.get("site", ""), shown=True)

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

    def set_thanks(self, form: str) -> Response | tuple[str, int]:
        """Store the website's own thank-you page for a form; empty brings ours back."""
        self._sequence(form)
        url, context = request.form.get("thanks_url", "").strip(), self.context
        try:
            keep_thanks(*context.stored, form, url, context.clock())
        except OriginError as error:
            return self._page(form, "", typed=_Typed(url, str(error))), 422
        tell("Saved. Visitors are sent there from now on." if url else "Saved. Our own page it is.")
        return redirect(url_for("studio.show_form", form=form, _anchor="thanks"), 303)

    def _page(self, form: str, site: str, shown: bool = False, typed: _Typed | None = None) -> str:
        sequence, context = self._sequence(form), self.context
        settings, tokens = context.settings, context.settings.signup_token
        sites = [one for one in list_sites(context.database, context.seal) if not one.revoked_at]
        chosen = _chosen(sites, site)
        values = (chosen.key, chosen.secret) if shown and chosen else _PLACEHOLDERS
        return render_template(
            "studio/form.html",
            sequence=sequence,
            form=form,
            sites=sites,
            site=chosen,
            setup=form_setup(context.get_published(), form, settings.public_url, *values),
            secret=values[1],
            base_url=settings.public_url,
            is_public=settings.public_url.startswith("https:"),
            has_token=bool(tokens),
            shown=shown,
            token=tokens[0] if shown and tokens else "$NURTURE_SIGNUP_TOKEN",
            thanks_url=typed.url if typed else find_thanks(context.database, form),
            thanks_trouble=typed.trouble if typed else "",
            kept=count_kept(context.database).get(form, 0),
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


_PLACEHOLDERS = (KEY_PLACEHOLDER, SECRET_PLACEHOLDER)


def _chosen(sites: list[Site], number: str) -> Site | None:
    """Return the website with that number, or else the newest."""
    newest = sites[0] if sites else None
    return next((site for site in sites if str(site.id) == number), newest)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for one form."""
    views, one = FormPage(context), "/settings/website/<form>"
    studio.get(one)(views.show_form)
    studio.post(f"{one}/token")(views.show_token)
    studio.post(f"{one}/try")(views.try_form)
    studio.post(f"{one}/thanks")(views.set_thanks)
