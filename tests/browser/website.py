"""A website of its own origin, whose pages use our forms in every way there is."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.servers.ports import free_port

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{path}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>{path}</h1>{content}</body></html>"""


@dataclass
class Website:
    """The website: `pages` are the contents by path, `url` is its origin."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)

    def answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer with one of the pages."""
        path = Request(environ).path
        content = self.pages.get(path)
        html = _PAGE.format(path=path, content=content or "")
        status = 200 if content is not None else 404
        return Response(html, status, mimetype="text/html")(environ, start)


@contextmanager
def website() -> Iterator[Website]:
    """Run a website in the block."""
    port = free_port()
    site = Website(f"http://localhost:{port}")
    server = make_server("localhost", port, site.answer, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
