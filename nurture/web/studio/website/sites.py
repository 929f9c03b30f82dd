"""Websites and their keys, and the origins that may show our forms."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture import __version__
from nurture.bootstrap import Context
from nurture.services.door import origins, site_keys
from nurture.services.door.calls import list_calls
from nurture.services.door.origins import OriginError
from nurture.services.door.plugin import PLUGIN, build_zip, plugin_forms
from nurture.services.door.setup import KEY_PLACEHOLDER, form_setup
from nurture.services.door.site_keys import Site, SiteNameError, SiteSecretError, UnknownSiteError
from nurture.web.studio.core.errors import confirm_page
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

_SHOWN = 20

_STOPS = (
    "Every form of that website that calls an address with this key is refused at once, and nobody "
    "who fills one in is signed up until you put in another key.",
    "The WordPress plugin downloaded for it stops, and keeps what it could not send.",
    "The page for the person who builds the website no longer opens.",
    "People who have signed up already are not affected.",
)


class SitePages(Views):
    """The views."""

    def add_site(self) -> Response:
        """Make a key for a website, and lead to its page."""
        context = self.context
        try:
            name = request.form.get("name", "")
            site = site_keys.add_site(context.database, context.seal, name, context.clock())
        except SiteNameError as error:
            tell(str(error), trouble=True)
            return redirect(url_for("studio.show_website"), 303)
        tell("Added. Its key is ready.")
        return redirect(url_for("studio.show_site", number=site.id), 303)

    def show_site(self, number: int) -> str:
        """Show one website and its latest calls, but not its key."""
        return self._page(number)

    def show_key(self, number: int) -> str:
        """Show the same page with the key, at the press of a button."""
        return self._page(number, shown=True)

    def ask_to_revoke(self, number: int) -> str:
        """Ask before revoking a key, and say what stops."""
        site = self._site(number)
        return confirm_page(
            f"Revoke the key of “{site.name}”?",
            "A revoked key never works again. You can add the website once more and get another.",
            button="Revoke the key",
            action=url_for("studio.revoke_site", number=number),
            back=url_for("studio.show_site", number=number),
            facts=_STOPS,
            danger=True,
        )

    def revoke_site(self, number: int) -> Response:
        """Revoke the key of a website."""
        context, site = self.context, self._site(number)
        site_keys.revoke_site(context.database, number, context.clock())
        tell(f"Revoked. Calls with the key of “{site.name}” are refused from now on.")
        return redirect(url_for("studio.show_website"), 303)

    def set_secret(self, number: int) -> Response:
        """Store the secret that a form builder has made for a website."""
        context, _ = self.context, self._site(number)
        try:
            secret = request.form.get("secret", "")
            site_keys.keep_secret(context.database, context.seal, number, secret)
        except SiteSecretError as error:
            tell(str(error), trouble=True)
        else:
            tell("Saved. Calls signed with this secret are recognised from now on.")
        return redirect(url_for("studio.show_site", number=number), 303)

    def download_plugin(self, number: int) -> Response:
        """Return the WordPress plugin for a website, which contains its key and its secret."""
        context, site = self.context, self._site(number)
        forms = plugin_forms(context.get_published())
        packed = build_zip(site, context.settings.public_url, forms, __version__)
        headers = {"Content-Disposition": f'attachment; filename="{PLUGIN}.zip"'}
        return Response(packed, mimetype="application/zip", headers=headers)

    def add_origin(self) -> Response:
        """Let a website show our forms."""
        try:
            typed = request.form.get("origin", "")
            origin = origins.add_origin(self.context.database, typed, self.context.clock())
        except OriginError as error:
            tell(str(error), trouble=True)
        else:
            tell(f"Added. Your forms may stand on {origin}.")
        return redirect(url_for("studio.show_website", _anchor="origins"), 303)

    def drop_origin(self) -> Response:
        """Stop letting a website show our forms."""
        try:
            origin = origins.drop_origin(self.context.database, request.form.get("origin", ""))
        except OriginError as error:
            tell(str(error), trouble=True)
        else:
            tell(f"Removed. Forms on {origin} stop working there.")
        return redirect(url_for("studio.show_website", _anchor="origins"), 303)

    def _page(self, number: int, shown: bool = False) -> str:
        context, site = self.context, self._site(number)
        base, published = context.settings.public_url, context.get_published()
        key = site.key if shown else KEY_PLACEHOLDER
        return render_template(
            "studio/site.html",
            site=site,
            shown=shown,
            key=key,
            connect=f"{base}/connect/{key}",
            setups=[form_setup(published, form, base, key) for form in published.forms],
            calls=list_calls(context.database, number, _SHOWN),
        )

    def _site(self, number: int) -> Site:
        context = self.context
        try:
            return site_keys.get_numbered_site(context.database, context.seal, number)
        except UnknownSiteError:
            abort(404)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for websites."""
    views, one = SitePages(context), "/settings/sites/<int:number>"
    studio.post("/settings/sites")(views.add_site)
    studio.get(one)(views.show_site)
    studio.post(f"{one}/key")(views.show_key)
    studio.get(f"{one}/revoke")(views.ask_to_revoke)
    studio.post(f"{one}/revoke")(views.revoke_site)
    studio.post(f"{one}/secret")(views.set_secret)
    studio.post(f"{one}/plugin")(views.download_plugin)
    studio.post("/settings/origins")(views.add_origin)
    studio.post("/settings/origins/drop")(views.drop_origin)
