"""Errors as `application/problem+json` (RFC 9457), each naming the field and the remedy."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, json
from werkzeug.exceptions import HTTPException

from nurture.builders.fields.signup_body import InvalidSignupError
from nurture.domain.errors import NurtureError
from nurture.files.disk import DiskFullError
from nurture.payload import PayloadError
from nurture.services.door import admission, kept_calls, site_keys
from nurture.services.subscribers import signup
from nurture.signatures import SignatureError
from nurture.store.database import DatabaseUnavailableError, NothingThereError
from nurture.tokens import TokenRefusedError

_log = logging.getLogger(__name__)

#: All that strangers learn about our faults; the log has the details.
AWAY = "The service is unavailable, and nothing was stored. Try again after `Retry-After`."


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a body."""

    field: str
    detail: str


class ProblemError(NurtureError):
    """A call that cannot be served; `fields` say which parts of the body are invalid."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        fields: Sequence[FieldProblem] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.fields, self.headers = status, fields, headers


def problem(
    status: HTTPStatus,
    detail: str,
    fields: Sequence[FieldProblem] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> Response:
    """Return a problem document (RFC 9457 §3); `field` repeats the first of `errors`."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if fields:
        document["field"] = fields[0].field
        document["errors"] = [{"field": f.field, "detail": f.detail} for f in fields]
    response = Response(json.dumps(document) + "\n", status.value)
    response.headers["Content-Type"] = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(headers)
    return response


#: The status that a caller gets for each of our errors.
_STATUSES: tuple[tuple[type[NurtureError], HTTPStatus], ...] = (
    (DatabaseUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (SignatureError, HTTPStatus.UNAUTHORIZED),
    (signup.UnknownFormError, HTTPStatus.NOT_FOUND),
    (TokenRefusedError, HTTPStatus.NOT_FOUND),
    (signup.KeyReusedError, HTTPStatus.CONFLICT),
    (admission.TooManySignupsError, HTTPStatus.TOO_MANY_REQUESTS),
    (kept_calls.TooManyKeptError, HTTPStatus.TOO_MANY_REQUESTS),
    (kept_calls.TooLongToKeepError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (site_keys.UnknownSiteError, HTTPStatus.NOT_FOUND),
    (PayloadError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NurtureError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_HEADERS = {
    HTTPStatus.SERVICE_UNAVAILABLE: [("Retry-After", "30")],
    HTTPStatus.TOO_MANY_REQUESTS: [("Retry-After", "3600")],
    HTTPStatus.UNAUTHORIZED: [("WWW-Authenticate", "Bearer")],
}


def from_error(error: NurtureError) -> Response:
    """Return the response to one of our own errors."""
    if isinstance(error, ProblemError):
        return problem(error.status, str(error), error.fields, error.headers)
    if isinstance(error, InvalidSignupError):
        faults = [FieldProblem(fault.field, fault.detail) for fault in error.faults]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), faults)
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    if isinstance(error, DiskFullError):
        return problem(status, str(error), headers=[("Retry-After", "300")])
    if isinstance(error, DatabaseUnavailableError) and not isinstance(error, NothingThereError):
        _log.warning("%s", error)
        return problem(status, AWAY, headers=_HEADERS[status])
    fields = [FieldProblem(error.field, str(error))] if isinstance(error, PayloadError) else []
    return problem(status, str(error), fields, _HEADERS.get(status, []))


def from_http(error: HTTPException) -> Response:
    """Return the response to a failure in routing or in reading the request."""
    status = HTTPStatus(error.code or 500)
    kept = [(k, v) for k, v in error.get_headers() if k in ("Allow", "Retry-After")]
    return problem(status, error.description or status.phrase, headers=kept)
