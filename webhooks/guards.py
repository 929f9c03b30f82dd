"""What every request and answer passes: proxies on the way in, headers on the way out."""

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.bootstrap import House
from nurture.proxies import speaks_for_others

#: A page of ours needs none of what a browser could lend it.
_NOTHING_LENT = ", ".join(
    f"{what}=()"
    for what in (
        *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation"),
        *("gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
    )
)

#: A year, as RFC 6797 §6.1 counts it. Other names of the domain are other people's affair.
_ONLY_WITH_TLS = "max-age=31536000"


def tls_only(house: House) -> list[tuple[str, str]]:
    """The header by which browsers come over TLS only from now on, where our pages have it."""
    if not house.settings.public_url.startswith("https:"):
        return []
    return [("Strict-Transport-Security", _ONLY_WITH_TLS)]


def put_guards(app: Flask, house: House) -> None:
    """Have every answer of the application carry them, unless it says otherwise itself."""
    always = {
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": _NOTHING_LENT,
        "Cache-Control": "no-store",
    } | dict(tls_only(house))

    @app.after_request
    def guard(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        _redirect_within(response)
        return response


def _redirect_within(response: Response) -> None:
    """A redirect to ourselves names no host: what a visitor says we are called is not repeated."""
    to = urlsplit(response.location or "")
    if to.netloc and to.netloc == request.host:
        response.location = to._replace(scheme="", netloc="").geturl() or "/"


def behind_proxies(house: House, app: WSGIApplication) -> WSGIApplication:
    """The application, told who visitors are as far as that can be known."""
    proxies = house.settings.trusted_proxies
    if proxies:
        return ProxyFix(app, x_for=proxies, x_proto=proxies)
    return NobodyBelieved(house, app)


class NobodyBelieved:
    """Takes nobody's word; where a proxy of ours is seen all the same, visitors are unknown."""

    def __init__(self, house: House, app: WSGIApplication) -> None:
        self._house, self._app = house, app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """One request."""
        if speaks_for_others(environ):
            house = self._house
            house.strange_proxy.note(house.clock(), address=environ["REMOTE_ADDR"])
            environ["REMOTE_ADDR"] = ""
        return self._app(environ, start)
