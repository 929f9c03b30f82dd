"""What every answer carries: headers that keep browsers and caches from harm."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from nurture.bootstrap import Context

#: Our pages need none of the features a browser could offer.
_NOTHING_LENT = ", ".join(
    f"{what}=()"
    for what in (
        *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation"),
        *("gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
    )
)

#: One year in seconds (RFC 6797 §6.1). Other hosts of the domain are not ours to bind.
_ONLY_WITH_TLS = "max-age=31536000"


def tls_only(context: Context) -> list[tuple[str, str]]:
    """The header by which browsers come over TLS only from now on, where our pages have it."""
    if not context.settings.public_url.startswith("https:"):
        return []
    return [("Strict-Transport-Security", _ONLY_WITH_TLS)]


def put_guards(app: Flask, context: Context) -> None:
    """Have every answer of the application carry them, unless it says otherwise itself."""
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
    """A redirect to ourselves names no host: what a visitor says we are called is not repeated."""
    to = urlsplit(response.location or "")
    if to.netloc and to.netloc == request.host:
        response.location = to._replace(scheme="", netloc="").geturl() or "/"
