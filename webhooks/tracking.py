"""Opens and clicks, answered from the token alone even with the database and Redis down."""

from base64 import b64decode
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, request

from nurture.addresses import plain_network_address
from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit
from nurture.tokens import OutdatedTokenError, TokenRefusedError
from webhooks.guards import tls_only

#: A transparent one-pixel image.
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

Headers = list[tuple[str, str]]
Answer = tuple[HTTPStatus, Headers, bytes]

_ALWAYS: Headers = [
    ("Cache-Control", "no-store, private"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]

#: The page shown for an outdated link. It contains no URL, neither ours nor the link's own: it is
#: served without the database, and anyone may have made the link.
OUT_OF_DATE = b"""<!doctype html>
<html lang="en-GB">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>This link is out of date</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/pages/page.css">
</head>
<body>
  <main class="sheet">
    <h1>This link is out of date</h1>
    <p class="lead">Sorry about that. For your safety, links in our older emails no longer
      work.</p>
    <p>You can find what it led to on our website, and the links in our latest email work. The
      links at the end of this email can still stop our emails, or make them less frequent.</p>
  </main>
</body>
</html>
"""

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)

#: The headers by which a browser says that it is prefetching.
_AHEAD = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ", "HTTP_X_PURPOSE")


def create_tracking(context: Context) -> Blueprint:
    """Serve `GET /o/<token>.gif` and `GET /c/<token>`."""
    blueprint = Blueprint("tracking", __name__)

    @blueprint.get("/o/<token>.gif")
    def opened(token: str) -> Response:
        return _as_response(_opened(context, token, request.environ))

    @blueprint.get("/c/<token>")
    def clicked(token: str) -> Response:
        return _as_response(_clicked(context, token, request.environ))

    return blueprint


class HitsFirst:
    """Middleware that answers hits before Flask sees them, and passes everything else on.

    Only these URLs are fetched by the thousand after a mailing, and routing them through Flask
    takes twice as long as answering them.
    """

    def __init__(self, context: Context, app: WSGIApplication) -> None:
        self._context, self._app = context, app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Handle one request; anything but a hit with a valid token goes to Flask."""
        answer = self._answer(environ)
        if answer is None:
            return self._app(environ, start)
        status, headers, body = answer
        start(f"{status.value} {status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer | None:
        path: str = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        try:
            if path.startswith("/c/"):
                return _clicked(self._context, path[3:], environ)
            if path.startswith("/o/") and path.endswith(".gif"):
                return _opened(self._context, path[3:-4], environ)
        except TokenRefusedError:
            return None
        return None


def _opened(context: Context, token: str, environ: WSGIEnvironment) -> Answer:
    message = _message_opened(context, token)
    if message is not None and context.disk.allows(DiskUse.OPENS):
        context.journal.note(_hit(context, EventKind.OPENED, message, environ))
    kind = [("Content-Type", "image/gif"), ("Content-Length", str(len(PIXEL)))]
    return HTTPStatus.OK, [*kind, *_ALWAYS, *tls_only(context)], PIXEL


def _message_opened(context: Context, token: str) -> int | None:
    """Return the message, or None if anyone could have made the URL (the image still shows)."""
    try:
        return context.tokens.read_opened(token)
    except OutdatedTokenError:
        return None


def _clicked(context: Context, token: str, environ: WSGIEnvironment) -> Answer:
    try:
        message, url = context.tokens.read_click(token)
    except OutdatedTokenError:
        return _out_of_date(context)
    if context.disk.allows(DiskUse.CLICKS):
        context.journal.note(_hit(context, EventKind.CLICKED, message, environ, url))
    place = [("Location", _as_ascii(url)), ("Content-Type", "text/html"), ("Content-Length", "0")]
    return HTTPStatus.FOUND, [*place, *_ALWAYS, *tls_only(context)], b""


def _out_of_date(context: Context) -> Answer:
    kind = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(OUT_OF_DATE)))]
    guards = [("X-Robots-Tag", "noindex"), ("Content-Security-Policy", _PAGE_POLICY)]
    return HTTPStatus.GONE, [*kind, *guards, *_ALWAYS, *tls_only(context)], OUT_OF_DATE


@lru_cache(maxsize=1024)
def _as_ascii(url: str) -> str:
    """Return a URL fit for a header (RFC 3986 §2.1), leaving existing escapes as they are."""
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def _hit(
    context: Context,
    kind: EventKind,
    message: int,
    environ: WSGIEnvironment,
    link: str | None = None,
) -> Hit:
    return Hit(
        kind=kind,
        at=context.clock(),
        method=environ["REQUEST_METHOD"],
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        client=plain_network_address(environ.get("REMOTE_ADDR", "")),
        purpose=" ".join(filter(None, map(environ.get, _AHEAD))),
        link=link,
        query=environ.get("QUERY_STRING", ""),
        message=message,
    )


def _as_response(answer: Answer) -> Response:
    status, headers, body = answer
    return Response(body, status, headers)
