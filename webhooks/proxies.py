"""What stands between visitors and us, and what of its word is believed."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.bootstrap import Context
from nurture.proxies import speaks_for_others


def behind_proxies(context: Context, app: WSGIApplication) -> WSGIApplication:
    """The application, told who visitors are as far as that can be known."""
    proxies = context.settings.trusted_proxies
    if proxies:
        return ProxyFix(app, x_for=proxies, x_proto=proxies)
    return UntrustedProxies(context, app)


class UntrustedProxies:
    """Takes nobody's word; where a proxy of ours is seen all the same, visitors are unknown."""

    def __init__(self, context: Context, app: WSGIApplication) -> None:
        self._context, self._app = context, app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """One request."""
        if speaks_for_others(environ):
            context = self._context
            context.strange_proxy.note(context.clock(), address=environ["REMOTE_ADDR"])
            environ["REMOTE_ADDR"] = ""
        return self._app(environ, start)
