"""What websites, mail providers, calendars and browsers call: a module each, and shared ones."""

import sys
from collections.abc import Callable

from flask import Blueprint, Flask
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from nurture.bootstrap import Context, build
from nurture.domain.errors import NurtureError
from nurture.files.private import keep_private
from nurture.settings import load_settings
from nurture.web.pages import create_pages
from nurture.web.studio import create_studio
from tasks.doorbell import CeleryDoorbell
from webhooks.bookings import create_bookings
from webhooks.documentation import create_documentation
from webhooks.guards import behind_proxies, put_guards
from webhooks.health import create_health
from webhooks.hosted import create_hosted
from webhooks.mail_events import create_mail_events
from webhooks.problems import from_error
from webhooks.refusals import note_refusals
from webhooks.signup import create_signup
from webhooks.site_calls import note_site_calls
from webhooks.tracking import HitsFirst, create_tracking
from webhooks.visitors import answer_lost

_ROOMS: tuple[Callable[[Context], Blueprint], ...] = (
    create_signup,
    create_hosted,
    create_mail_events,
    create_bookings,
    create_tracking,
    create_health,
    create_pages,
    create_studio,
    create_documentation,
)


def create_app(context: Context | None = None) -> Flask:
    """Return the whole web side as a WSGI application."""
    context = context or _build()
    app = Flask("nurture.web")
    app.extensions["context"] = context
    app.jinja_env.undefined = StrictUndefined
    for create in _ROOMS:
        app.register_blueprint(create(context))
    app.register_error_handler(NurtureError, from_error)
    app.register_error_handler(HTTPException, answer_lost(context))
    put_guards(app, context)
    note_refusals(app, context)
    note_site_calls(app, context)
    app.wsgi_app = HitsFirst(context, app.wsgi_app)  # type: ignore[assignment,method-assign]
    app.wsgi_app = behind_proxies(context, app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


def _build() -> Context:
    """Build a context for this process, whichever server runs it."""
    keep_private()
    settings = load_settings()
    for said in settings.mend_files().sentences:
        sys.stderr.write(f"nurture: {said}\n")
    return build(settings, doorbell=CeleryDoorbell())
