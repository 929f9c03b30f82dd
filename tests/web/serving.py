"""A whole web side that other programs reach over the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import make_server

from tests.installation import Installation
from webhooks import create_app


@contextmanager
def served(installation: Installation, port: int = 0) -> Iterator[str]:
    """Run a real server for an installation during the block; yield its URL."""
    server = make_server("127.0.0.1", port, lambda *_: [], threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    server.app = create_app(installation.another(NURTURE_BASE_URL=url))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
