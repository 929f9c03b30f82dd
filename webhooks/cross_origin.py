"""Calls by the scripts of other sites' pages (CORS): only those of the allow-list get an answer."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from nurture.bootstrap import Context
from nurture.domain.errors import NurtureError
from nurture.services.door.origins import allowed_origins, is_allowed, origin_of
from webhooks.problems import ProblemError

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key",
    # Ten minutes, so that a site taken off the list is soon without it.
    "Access-Control-Max-Age": "600",
}


def allow_origins(blueprint: Blueprint, context: Context, rule: str) -> None:
    """Answer the preflights of a route, and let allowed sites read its answers.

    The route itself is to be added without Flask's automatic answer to OPTIONS.
    """

    def preflight(**_: str) -> Response:
        origin = request.headers.get("Origin", "")
        if origin and not _may_read(context, origin):
            raise ProblemError(HTTPStatus.FORBIDDEN, _refusal(origin))
        return Response(status=204, headers=_PREFLIGHT)

    blueprint.add_url_rule(
        rule, "preflight", preflight, methods=["OPTIONS"], provide_automatic_options=False
    )

    @blueprint.after_request
    def let_read(response: Response) -> Response:
        here = request.url_rule is not None and request.url_rule.rule == rule
        if here and request.method in ("POST", "OPTIONS"):
            response.vary.add("Origin")
            origin = request.headers.get("Origin", "")
            if origin and _may_read(context, origin):
                response.headers["Access-Control-Allow-Origin"] = origin
        return response


def _may_read(context: Context, origin: str) -> bool:
    try:
        return is_allowed(allowed_origins(*context.stored), origin)
    except NurtureError:
        return False  # The database is unavailable, and the call has failed in any case.


def _refusal(origin: str) -> str:
    named = origin if origin_of(origin) == origin else "that website"
    return (
        f"Pages of {named[:120]} may not send forms here. Add the website to the list of allowed "
        "websites first."
    )
