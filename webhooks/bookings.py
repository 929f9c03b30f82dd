"""The webhook that calendars call."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from nurture.booking import registry
from nurture.bootstrap import Context
from nurture.services.inbound import events
from webhooks.callers import LARGEST_CALL, read_body
from webhooks.problems import ProblemError
from webhooks.refusals import odd_events


def create_bookings(context: Context) -> Blueprint:
    """Serve `POST /webhooks/bookings/<provider>`."""
    blueprint = Blueprint("bookings", __name__)

    @blueprint.post("/webhooks/bookings/<provider>")
    def bookings(provider: str) -> Response:
        known = registry().get(provider)
        if known is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no calendar “{provider}”.")
        now, body = context.clock(), read_body(request, LARGEST_CALL)
        known.verify(
            context.settings.secret(known.secret_setting), dict(request.headers), body, now
        )
        told = known.parse(body, odd_events().append)
        events.record_bookings(*context.stored, context.tokens, told, now)
        return Response(status=HTTPStatus.NO_CONTENT)

    return blueprint
