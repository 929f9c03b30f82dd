"""A real web server on loopback with a blog's feed, which can be slow, huge, lost and deceitful."""

import gzip
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nurture.domain.broadcasts.posts import Post

#: A feed that never ends, and one that unpacks to a gigabyte.
ENDLESS = b"<rss>" + b" " * 3_000_000
BOMB = gzip.compress(b"\0" * 50_000_000)


def rss(posts: Sequence[Post]) -> bytes:
    """Return a feed as blogs write it."""
    items = "".join(
        "<item>"
        f"<title>{escape(post.title)}</title><link>{escape(post.address)}</link>"
        f'<guid isPermaLink="false">{escape(post.guid)}</guid>'
        + (
            f"<pubDate>{post.published:%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
            if post.published
            else ""
        )
        + f"<description>{escape(f'<p>{escape(post.paragraph)}</p>')}</description>"
        "</item>"
        for post in posts
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


@dataclass
class BlogServer:
    """A blog; everything about its answer may be changed at any time.

    `asked` has the headers of every request, and `meanwhile` happens during each. `drips` sends the
    body, and `slow_head` a head, a byte at a time.
    """

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    honours: bool = True
    delay: float = 0.0
    drips: bool = False
    slow_head: bool = False
    meanwhile: Callable[[], None] = lambda: None
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __enter__(self) -> "BlogServer":
        """Listen on a free port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _visit_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"http://127.0.0.1:{self.port}/feed/"

    def show(self, *posts: Post) -> None:
        """Show these posts in the feed."""
        self.content = rss(posts)

    def refuses(self, given: Mapping[str, str]) -> bool:
        """Return whether a conditional request gets no content, because nothing has changed."""
        etag, date = self.headers.get("ETag"), self.headers.get("Last-Modified")
        same_tag = etag is not None and given.get("If-None-Match") == etag
        same_date = date is not None and given.get("If-Modified-Since") == date
        return self.honours and (same_tag or same_date)


def _visit_of(blog: BlogServer) -> type[BaseHTTPRequestHandler]:
    class Visit(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            blog.asked.append((self.path, dict(self.headers)))
            time.sleep(blog.delay)
            blog.meanwhile()
            if self.path in blog.redirects:
                return self._say(302, b"", {"Location": blog.redirects[self.path]})
            if blog.refuses(dict(self.headers)):
                return self._say(304, b"", {})
            self._say(blog.status, blog.content, blog.headers)

        def _say(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            if blog.slow_head:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if blog.drips:
                self._drip(content)
            else:
                self.wfile.write(content)

        def _drip(self, content: bytes) -> None:
            for place in range(len(content)):
                self.wfile.write(content[place : place + 1])
                self.wfile.flush()
                time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    return Visit
