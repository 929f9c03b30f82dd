"""Who may call, and what they said: the border that every webhook shares."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from flask import Request, json
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from nurture.signatures import verify_standard_webhook
from webhooks.problems import ProblemError

#: Far more than any form sends or any provider bundles.
LARGEST_SIGNUP = 1024 * 1024
LARGEST_CALL = 4 * 1024 * 1024

#: More digits than any number in a form has; Python refuses to parse several thousand.
_MOST_DIGITS = 300

#: A field name with a bracketed part.
_BRACKETS = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


def read_body(request: Request, largest: int) -> bytes:
    """The raw body, as it was signed; raises a problem where it is too large."""
    request.max_content_length = largest
    try:
        return request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body may be at most {largest:,} bytes long."
        ) from None


def read_signed(
    request: Request,
    largest: int,
    now: datetime,
    *,
    secrets: Sequence[str],
    tokens: Sequence[str],
) -> tuple[bytes, str | None]:
    """The body of whoever signed the call or shows the token, and the signed id, if any.

    A signature is taken as Standard Webhooks has it; a bearer token as RFC 6750 §2.1. Nothing
    is read of a body whose head shows neither.
    """
    if "webhook-signature" in request.headers:
        body = read_body(request, largest)
        return body, verify_standard_webhook(secrets, dict(request.headers), body, now)
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and _is_one_of(shown.strip(), tokens):
        return read_body(request, largest), None
    raise ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "This call has neither a signature nor a known token. Send the headers webhook-id, "
        "webhook-timestamp and webhook-signature, or “Authorization: Bearer …”.",
        headers=[("WWW-Authenticate", "Bearer")],
    )


def read_fields(request: Request, body: bytes) -> dict[str, Any]:
    """The fields of a JSON or form-encoded body; raises a problem naming what is wrong."""
    kind = request.mimetype
    if kind == "application/json" or kind.endswith("+json"):
        return _json_fields(body)
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return _form_fields(request.form)
    raise ProblemError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"A body of type “{kind or 'unknown'}” is not supported. "
        "Send application/json or application/x-www-form-urlencoded.",
    )


def client_of(request: Request) -> str:
    """The caller's address on the net, in one spelling; empty where there is none."""
    return plain_address(request.remote_addr or "")


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str:
    """An IP address in its usual spelling, or an empty string."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def _is_one_of(shown: str, tokens: Sequence[str]) -> bool:
    return any(compare_digest(shown.encode(), token.encode()) for token in tokens)


def _json_fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(_as_text(body), parse_int=_number)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {said}.") from None
    if not isinstance(fields, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The body must be a JSON object.")
    return fields


def _as_text(body: bytes) -> bytes | str:
    """The body; a letter in another encoding is one odd letter and not an odd body."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body if _is_wide(body) else body.decode(errors="replace")
    return body


def _is_wide(body: bytes) -> bool:
    """Whether it is UTF-16 or UTF-32, which JSON's own reader recognises by its zero bytes."""
    return b"\0" in body[:4]


def _number(digits: str) -> int | str:
    """A number or, where nobody could mean one, its digits."""
    return int(digits) if len(digits) < _MOST_DIGITS else digits


def _form_fields(form: MultiDict[str, str]) -> dict[str, Any]:
    """Fields with brackets behind their name, as some builders send them, are one field.

    Repeated ones become a list; `consent[tracking]` and its like become an object.
    """
    fields: dict[str, Any] = {}
    for name, values in form.lists():
        value = values if len(values) > 1 else values[0]
        named = _BRACKETS.fullmatch(name)
        if named is None:
            _join(fields, name, value)
        elif not named[2]:
            _join(fields, named[1], value)
        else:
            _join(fields, named[1], {named[2]: value})
    return fields


def _join(fields: dict[str, Any], name: str, value: Any) -> None:
    """Add to what came under the same name before."""
    before = fields.get(name)
    if before is None:
        fields[name] = value
    elif isinstance(before, dict) and isinstance(value, dict):
        before |= value
    else:
        fields[name] = [before, value]
