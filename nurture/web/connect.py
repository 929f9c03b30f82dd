"""The page for the person who builds a website: addresses, examples, and its calls as they come."""

from http import HTTPStatus

from flask import Response, abort, make_response, render_template, request

from nurture.domain.sequences.sequence import Sequence
from nurture.services.door.calls import list_calls
from nurture.services.door.setup import form_setup
from nurture.services.door.site_keys import UnknownSiteError, get_site
from nurture.web.views import Views

_SHOWN = 20

#: As on every page here, and two scripts of ours: one copies, the other looks for new calls.
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class ConnectPage(Views):
    """The view. The key in the URL is all it takes; nothing about any person is shown.

    It shows the key, which its reader knows, but never the secret.
    """

    def show_connect(self, key: str) -> Response:
        """Show how to connect each form, and the latest calls of the website."""
        context = self.context
        site = get_site(context.database, context.seal, key)
        published = context.get_published()
        forms = [one for one in published.sequences.values() if one.form]
        form, base = _chosen(forms), context.settings.public_url
        page = render_template(
            "connecting/page.html",
            site=site,
            forms=forms,
            setup=form_setup(published, form, base, key),
            base_url=base,
            form=form,
            key=key,
            calls=list_calls(context.database, site.id, _SHOWN),
        )
        return make_response(page, {"Content-Security-Policy": _POLICY})


def show_unknown_key(error: UnknownSiteError) -> tuple[str, int]:
    """Say that a key is unknown or revoked, without saying which."""
    return render_template("connecting/unknown_key.html"), HTTPStatus.NOT_FOUND


def _chosen(forms: list[Sequence]) -> str:
    """Return the form that was asked for, or the first one."""
    keys = [one.form.key for one in forms if one.form]
    if not keys:
        abort(HTTPStatus.NOT_FOUND)
    wanted = request.args.get("form", keys[0])
    return wanted if wanted in keys else keys[0]
