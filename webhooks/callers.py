"""What every webhook shares: authenticating the caller and reading the body."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from http import HTTPStatus
from typing import Any

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from nurture.addresses import plain_network_address
from nurture.signatures import verify_standard_webhook
from webhooks.problems import FieldProblem, ProblemError

#: Far more than any form sends or any provider bundles.
LARGEST_SIGNUP = 1024 * 1024
LARGEST_CALL = 4 * 1024 * 1024

#: The longest key by which a repeated call is recognised.
_LONGEST_KEY = 255

#: More digits than any number in a form has; Python refuses to parse several thousand.
_MOST_DIGITS = 300

#: A field name with bracketed parts, how to find them, and how many may be nested.
_BRACKETED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 8


#: What callers name JSON by mistake, or if they name nothing.
_UNSURE = ("", "text/plain", "application/x-www-form-urlencoded")


def read_body(request: Request, largest: int) -> bytes:
    """Return the raw body, as it was signed; raise a problem if it is too large."""
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
    """Return the body of a signed call or one with a known token, and the signed id, if any.

    Signatures are checked as in Standard Webhooks, bearer tokens as in RFC 6750 §2.1. If the
    headers carry neither, the body is not read at all.
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


def is_proven(request: Request) -> bool:
    """Return whether a call claims to be signed as in Standard Webhooks, or shows a token."""
    return "webhook-signature" in request.headers or "Authorization" in request.headers


def read_fields(request: Request, body: bytes) -> dict[str, Any]:
    """Return the fields of a JSON or form-encoded body, or raise a problem naming what is wrong."""
    kind = request.mimetype
    if kind == "application/json" or kind.endswith("+json"):
        return _json_fields(body)
    begins = body.lstrip()[:1]
    if (kind in _UNSURE and begins == b"{") or (not kind and begins == b"["):
        # Browsers send this if a page posts JSON without asking first, and WordPress calls JSON a
        # form unless a plugin says otherwise; in a real form, the brace would be encoded.
        return _json_fields(body)
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return _form_fields(request.form)
    raise ProblemError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"A body of type “{kind or 'unknown'}” is not supported. "
        "Send application/json or application/x-www-form-urlencoded.",
    )


def idempotency_key(request: Request) -> str:
    """Return the caller's `Idempotency-Key`, or ""; raise a problem if it is too long."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > _LONGEST_KEY:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "Idempotency-Key is longer than 255 characters.",
            fields=[FieldProblem("Idempotency-Key", "It is longer than 255 characters.")],
        )
    return key


def client_of(request: Request) -> str:
    """Return the caller's IP address in its canonical spelling; "" if there is none."""
    return plain_network_address(request.remote_addr or "")


def _is_one_of(shown: str, tokens: Sequence[str]) -> bool:
    return any(compare_digest(shown.encode(), token.encode()) for token in tokens)


def _json_fields(body: bytes) -> dict[str, Any]:
    try:
        fields = _without_halves(json.loads(_as_text(body), parse_int=_number))
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {said}.") from None
    if isinstance(fields, list) and len(fields) == 1:
        fields = fields[0]
    if not isinstance(fields, dict):
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The body must be one JSON object.")
    return fields


def _without_halves(fields: Any) -> Any:
    """Return what a body says; half of a surrogate pair, which no page can show, becomes “?”."""
    written = json.dumps(fields, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return json.loads(written.encode(errors="replace"), parse_int=_number)
    return fields


def _as_text(body: bytes) -> bytes | str:
    """Return the body; a character in another encoding spoils only itself, not the whole body."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body if _is_wide(body) else body.decode(errors="replace")
    return body


def _is_wide(body: bytes) -> bool:
    """Return whether the body is UTF-16 or UTF-32, which JSON's parser detects by zero bytes."""
    return b"\0" in body[:4]


def _number(digits: str) -> int | str:
    """Return the number or, if it is absurdly long, its digits."""
    return int(digits) if len(digits) < _MOST_DIGITS else digits


def _form_fields(form: MultiDict[str, str]) -> dict[str, Any]:
    """Nest fields whose names contain brackets, as form builders send them.

    Repeated fields become a list; `consent[tracking]` and `fields[email][value]` become objects.
    """
    fields: dict[str, Any] = {}
    for name, values in form.lists():
        value = values if len(values) > 1 else values[0]
        named = _BRACKETED.fullmatch(name)
        path = [named[1], *_BRACKETS.findall(named[2])] if named else [name]
        _put(fields, path if len(path) <= _DEEPEST else [name], value)
    return fields


def _put(fields: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value at its place; an empty last bracket adds to a list."""
    first, *rest = path
    if not rest or rest == [""]:
        _join(fields, first, value)
        return
    inner = fields.setdefault(first, {})
    if isinstance(inner, dict):
        _put(inner, rest, value)
    else:
        nested: dict[str, Any] = {}
        _put(nested, rest, value)
        _join(fields, first, nested)


def _join(fields: dict[str, Any], name: str, value: Any) -> None:
    """Add a value to any earlier ones under the same name."""
    before = fields.get(name)
    if before is None:
        fields[name] = value
    elif isinstance(before, dict) and isinstance(value, dict):
        before |= value
    elif isinstance(before, list):
        # A list within a list, once for each field, would be nested as deeply as a body is long.
        before.append(value)
    else:
        fields[name] = [before, value]
