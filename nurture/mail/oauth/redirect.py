"""The redirect to this machine with which the browser brings the answer (RFC 8252 §7.3)."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>nurture</title>
<p>{}</p></html>"""
_THANKS = "Thank you. You can close this window and go back to where you began."

_MOST_FIELDS = 20


def answer_in(url: str) -> dict[str, str]:
    """Return the parameters of a redirect's URL; empty if it has none that can be read."""
    try:
        return dict(parse_qsl(urlsplit(url.strip()).query, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


class Redirects:
    """The answers that have come to the listener, one at a time."""

    def __init__(self, uri: str, found: "queue.Queue[dict[str, str]]") -> None:
        self.uri = uri
        self._found = found

    def wait(self, seconds: float) -> dict[str, str] | None:
        """Return the next answer, or `None` if none comes within `seconds`."""
        try:
            return self._found.get(timeout=seconds)
        except queue.Empty:
            return None


@contextmanager
def listening(host: str, belongs: Callable[[Mapping[str, str]], bool]) -> Iterator[Redirects]:
    """Listen on a free port of this machine, during the block; `host` is how the browser calls it.

    Only an answer that `belongs` is kept. Nobody else on the network can reach the listener.
    """
    found: queue.Queue[dict[str, str]] = queue.Queue(maxsize=10)

    class Visit(BaseHTTPRequestHandler):
        timeout = 5.0
        server_version, sys_version = "nurture", ""

        def do_GET(self) -> None:
            answer = answer_in(self.path)
            fits = urlsplit(self.path).path == "/" and belongs(answer) and not found.full()
            if fits:
                found.put_nowait(answer)
            page = _PAGE.format(_THANKS if fits else "There is nothing here.").encode()
            self.send_response(200 if fits else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: the path holds the code."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Visit)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        # Without a path, as it stands in Microsoft's console; the browser asks for "/" anyway.
        yield Redirects(f"http://{host}:{server.server_port}", found)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
