"""The proxies between visitors and us, and how far their headers are trusted."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.bootstrap import Context
from nurture.proxies import speaks_for_others


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
