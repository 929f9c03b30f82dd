"""The webhook that mail providers call."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from nurture.bootstrap import Context
from nurture.mail.providers import registry
from nurture.services.inbound import authenticity, events
from webhooks.callers import LARGEST_CALL, read_body
from webhooks.problems import ProblemError
from webhooks.refusals import odd_events


def create_mail_events(context: Context) -> Blueprint:
    """Serve `POST /webhooks/mail/<provider>`."""
    blueprint = Blueprint("mail_events", __name__)

    @blueprint.post("/webhooks/mail/<provider>")
    def mail_events(provider: str) -> Response:
        known = registry().get(provider)
        if known is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"There is no provider “{provider}”.")
        now, body = context.clock(), read_body(request, LARGEST_CALL)
        known.verify(context.settings.provider_secret(known.name), dict(request.headers), body, now)
        told = known.parse(body, odd_events().append)
        authenticity.take_once(context.database, known, body, now)
        events.record_mail_events(*context.stored, context.tokens, told, now)
        return Response(status=HTTPStatus.NO_CONTENT)

    return blueprint
