"""What the OpenAPI document says of answers: kinds of content, refusals and their headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PLAIN = {"text/plain": {"schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}

#: The headers of an answer that a caller can act on.
HEADERS: Mapping[HTTPStatus, Json] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "Retry-After": {
            "description": "Seconds to wait before the call is made again.",
            "schema": {"type": "integer"},
        }
    },
    HTTPStatus.TOO_MANY_REQUESTS: {
        "Retry-After": {
            "description": "Seconds to wait before the call is made again.",
            "schema": {"type": "integer"},
        }
    },
    HTTPStatus.UNAUTHORIZED: {
        "WWW-Authenticate": {
            "description": "Always `Bearer`.",
            "schema": {"type": "string"},
        }
    },
}

#: What each refusal means to the one who called, and what to do about it.
_REFUSALS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON, or a header is too long. Nothing was kept.",
    HTTPStatus.UNAUTHORIZED: "Neither a good signature nor a known token. Nothing was kept.",
    HTTPStatus.CONFLICT: "The idempotency key was used before, for another body. Use a new one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than anything that is meant.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is neither JSON nor a form.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field is at fault; `field` and `errors` say which and why.",
    HTTPStatus.TOO_MANY_REQUESTS: "More signups within an hour than a website produces.",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The database is away, or nothing is published yet. Nothing was kept; make the same call "
        "again after `Retry-After`."
    ),
}

STANDARD_WEBHOOKS: Json = {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}


def refused(*statuses: HTTPStatus, **said: str) -> Json:
    """The refusals of a route as problem documents (RFC 9457); `said` replaces the usual words."""
    return {
        str(status.value): {
            "description": said.get(status.name, "") or _REFUSALS[status],
            "content": PROBLEM,
        }
        | ({"headers": HEADERS[status]} if status in HEADERS else {})
        for status in statuses
    }
