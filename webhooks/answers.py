"""What the OpenAPI document says of responses: content types, refusals and their headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PLAIN = {"text/plain": {"schema": {"type": "string"}}}
HTML = {"text/html": {"schema": {"type": "string"}}}

#: Response headers that a caller can act on.
HEADERS: Mapping[HTTPStatus, Json] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "Retry-After": {
            "description": "Seconds to wait before repeating the call.",
            "schema": {"type": "integer"},
        }
    },
    HTTPStatus.TOO_MANY_REQUESTS: {
        "Retry-After": {
            "description": "Seconds to wait before repeating the call.",
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

#: What each refusal means to the caller, and what to do about it.
_REFUSALS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON, or a header is too long. Nothing was stored.",
    HTTPStatus.UNAUTHORIZED: "There is no valid signature or known token. Nothing was stored.",
    HTTPStatus.CONFLICT: "This idempotency key was used with a different body. Use a new one.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is far larger than any legitimate call.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is neither JSON nor a form.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field is invalid; `field` and `errors` say which and why.",
    HTTPStatus.TOO_MANY_REQUESTS: "More signups in an hour than a website should produce.",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The database is unavailable, or nothing is published yet. Nothing was stored; repeat the "
        "call after `Retry-After`."
    ),
}

STANDARD_WEBHOOKS: Json = {"webhookId": [], "webhookTimestamp": [], "webhookSignature": []}


def refused(*statuses: HTTPStatus, **said: str) -> Json:
    """Return a route's refusals as problem documents (RFC 9457); `said` replaces descriptions."""
    return {
        str(status.value): {
            "description": said.get(status.name, "") or _REFUSALS[status],
            "content": PROBLEM,
        }
        | ({"headers": HEADERS[status]} if status in HEADERS else {})
        for status in statuses
    }
