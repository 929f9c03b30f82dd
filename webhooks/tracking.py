"""Opens and clicks: answered from the token alone, with database and Redis down."""

from base64 import b64decode
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from nurture.bootstrap import House
from nurture.domain.engagement import Hit
from nurture.domain.events import EventKind
from nurture.services.tracking import SeenHit
from webhooks.callers import client_of

#: A transparent picture of one pixel.
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_NEVER_KEEP = {"Cache-Control": "no-store, private", "Referrer-Policy": "no-referrer"}


def create_tracking(house: House) -> Blueprint:
    """`GET /o/<token>.gif` and `GET /c/<token>`."""
    blueprint = Blueprint("tracking", __name__)

    @blueprint.get("/o/<token>.gif")
    def opened(token: str) -> AnyResponse:
        message = house.tokens.read_opened(token)
        house.journal.note(SeenHit(message, _hit(EventKind.OPENED, house.clock())))
        return Response(PIXEL, mimetype="image/gif", headers=_NEVER_KEEP)

    @blueprint.get("/c/<token>")
    def clicked(token: str) -> AnyResponse:
        message, url = house.tokens.read_click(token)
        house.journal.note(SeenHit(message, _hit(EventKind.CLICKED, house.clock()), url))
        response = redirect(url, HTTPStatus.FOUND)
        response.headers.extend(_NEVER_KEEP)
        return response

    return blueprint


def _hit(kind: EventKind, now: datetime) -> Hit:
    headers = request.headers
    return Hit(
        kind=kind,
        at=now,
        method=request.method,
        user_agent=request.user_agent.string,
        client=client_of(request),
        purpose=" ".join(
            filter(None, map(headers.get, ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose")))
        ),
    )
