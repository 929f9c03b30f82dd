"""What the website, the mail providers, the calendars and subscribers' browsers reach.

One module for each kind of caller, and what they share: hence so many.
"""

import sys
from collections.abc import Callable

from flask import Blueprint, Flask
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from nurture.bootstrap import House, build
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
from webhooks.mail_events import create_mail_events
from webhooks.problems import from_error, from_http
from webhooks.refusals import note_refusals
from webhooks.signup import create_signup
from webhooks.tracking import HitsFirst, create_tracking

_ROOMS: tuple[Callable[[House], Blueprint], ...] = (
    create_signup,
    create_mail_events,
    create_bookings,
    create_tracking,
    create_health,
    create_pages,
    create_studio,
    create_documentation,
)


def create_app(house: House | None = None) -> Flask:
    """The whole web side as a WSGI application."""
    house = house or _build()
    app = Flask("nurture.web")
    app.extensions["house"] = house
    app.jinja_env.undefined = StrictUndefined
    for create in _ROOMS:
        app.register_blueprint(create(house))
    app.register_error_handler(NurtureError, from_error)
    app.register_error_handler(HTTPException, from_http)
    put_guards(app, house)
    note_refusals(app, house)
    app.wsgi_app = HitsFirst(house, app.wsgi_app)  # type: ignore[assignment,method-assign]
    app.wsgi_app = behind_proxies(house, app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


def _build() -> House:
    """A house of this process's own, under whatever server it runs."""
    keep_private()
    settings = load_settings()
    for said in settings.mend_files().sentences:
        sys.stderr.write(f"nurture: {said}\n")
    return build(settings, doorbell=CeleryDoorbell())
