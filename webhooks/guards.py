"""What every request and answer passes: proxies on the way in, headers on the way out."""

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.bootstrap import Context
from nurture.proxies import speaks_for_others

#: The browser features that our pages refuse, because they need none of them.
_NOTHING_LENT = ", ".join(
    f"{what}=()"
    for what in (
        *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation"),
        *("gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
    )
)

#: A year, in the seconds of RFC 6797 §6.1. The domain's other names are not ours to decide about.
_ONLY_WITH_TLS = "max-age=31536000"


def tls_only(context: Context) -> list[tuple[str, str]]:
    """Return the header that makes browsers use only TLS from now on, if our pages have it."""
    if not context.settings.public_url.startswith("https:"):
        return []
    return [("Strict-Transport-Security", _ONLY_WITH_TLS)]


def put_guards(app: Flask, context: Context) -> None:
    """Add the headers to every response that does not set them itself."""
    always = {
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": _NOTHING_LENT,
        "Cache-Control": "no-store",
    } | dict(tls_only(context))

    @app.after_request
    def guard(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        _redirect_within(response)
        return response


def _redirect_within(response: Response) -> None:
    """Remove our host from redirects to ourselves, so that a forged Host is never repeated."""
    to = urlsplit(response.location or "")
    if to.netloc and to.netloc == request.host:
        response.location = to._replace(scheme="", netloc="").geturl() or "/"


def behind_proxies(context: Context, app: WSGIApplication) -> WSGIApplication:
    """Wrap the application so that it learns who visitors are, as far as that can be known."""
    proxies = context.settings.trusted_proxies
    if proxies:
        return ProxyFix(app, x_for=proxies, x_proto=proxies)
    return UntrustedProxies(context, app)


class UntrustedProxies:
    """Middleware that trusts no proxy; if one is clearly in use, visitors count as unknown."""

    def __init__(self, context: Context, app: WSGIApplication) -> None:
        self._context, self._app = context, app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        if speaks_for_others(environ):
            context = self._context
            context.strange_proxy.note(context.clock(), address=environ["REMOTE_ADDR"])
            environ["REMOTE_ADDR"] = ""
        return self._app(environ, start)
