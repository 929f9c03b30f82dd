"""Headers on every response that protect browsers and caches."""

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
