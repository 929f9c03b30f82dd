"""What stands between visitors and us, and what of its word is believed."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from nurture.bootstrap import House
from nurture.proxies import speaks_for_others


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
