"""Fetching a feed: within limits of size, time and place, and only if it has changed."""

import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from nurture.feed.network import FeedError, PrivateAddressError, is_public
from nurture.feed.reader import FetchedFeed, Validators, fetch_feed
from tests.servers.blog import BOMB, ENDLESS, BlogServer

HERE = ("127.0.0.0/8",)
NONE = Validators()

PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    *("2001:0:7f00:1::", "localhost", ""),
]
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::101:101"]


@pytest.fixture
def blog() -> Iterator[BlogServer]:
    with BlogServer(content=b"<rss/>") as server:
        yield server


def fetched(
    blog: BlogServer, validators: Validators = NONE, patience: float = 20.0
) -> FetchedFeed | None:
    return fetch_feed(blog.url, validators, allowed=HERE, patience=patience)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_on_the_internet_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_private_address_is_never_fetched(blog: BlogServer) -> None:
    with pytest.raises(PrivateAddressError):
        fetch_feed(blog.url)
    assert blog.asked == []


def test_a_name_is_refused_if_any_of_its_addresses_is_private(blog: BlogServer) -> None:
    with pytest.raises(PrivateAddressError):
        fetch_feed(
            f"http://blog.example.org:{blog.port}/feed/",
            lookup=lambda host, port: ["93.184.216.34", "127.0.0.1"],
        )
    assert blog.asked == []


def test_the_connection_is_made_to_the_address_that_was_checked(blog: BlogServer) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    found = fetch_feed(
        f"http://blog.example.org:{blog.port}/feed/",
        allowed=HERE,
        lookup=lambda host, port: next(answers),
    )
    assert found is not None and found.data == b"<rss/>"
    assert blog.asked[0][1]["Host"] == f"blog.example.org:{blog.port}"
    assert next(answers) == ["10.0.0.1"]


def test_each_redirect_is_looked_up_and_checked_again(blog: BlogServer) -> None:
    blog.redirects = {"/feed/": f"http://www.blog.example.org:{blog.port}/rss"}
    looked_up: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["10.0.0.1" if host.startswith("www.") else "127.0.0.1"]

    with pytest.raises(PrivateAddressError):
        fetch_feed(f"http://blog.example.org:{blog.port}/feed/", allowed=HERE, lookup=lookup)
    assert looked_up == ["blog.example.org", "www.blog.example.org"]


def test_a_redirect_within_the_site_is_followed(blog: BlogServer) -> None:
    blog.redirects = {"/feed/": "/rss.xml"}
    found = fetched(blog)
    assert found is not None and found.address.endswith("/rss.xml")


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "//evil.example/",
        "h:",
    ],
)
def test_a_redirect_to_another_place_is_refused(blog: BlogServer, location: str) -> None:
    blog.redirects = {"/feed/": location.format(port=blog.port)}
    with pytest.raises(FeedError):
        fetched(blog)
    assert len(blog.asked) == 1


def test_a_circle_of_redirects_ends(blog: BlogServer) -> None:
    blog.redirects = {"/feed/": "/feed/"}
    with pytest.raises(FeedError, match="more than 5 times"):
        fetched(blog)


@pytest.mark.parametrize(
    ("sent", "asked"),
    [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")],
)
def test_an_unchanged_feed_is_not_sent_again(blog: BlogServer, sent: str, asked: str) -> None:
    blog.headers = {sent: '"Mon, 02 Mar 2026 10:00:00 GMT"'}
    first = fetched(blog)
    assert first is not None
    assert fetched(blog, first.validators) is None
    assert blog.asked[-1][1][asked] == blog.headers[sent]


def test_a_validator_that_cannot_be_sent_back_is_forgotten(blog: BlogServer) -> None:
    blog.headers = {"ETag": "x" * 2000}
    found = fetched(blog)
    assert found is not None and found.validators == NONE


def test_a_feed_may_be_packed(blog: BlogServer) -> None:
    blog.content, blog.headers = gzip.compress(b"<rss/>"), {"Content-Encoding": "gzip"}
    found = fetched(blog)
    assert found is not None and found.data == b"<rss/>"


@pytest.mark.parametrize(("content", "encoding"), [(ENDLESS, "identity"), (BOMB, "gzip")])
def test_a_feed_that_is_too_large_is_given_up(
    blog: BlogServer, content: bytes, encoding: str
) -> None:
    blog.content, blog.headers = content, {"Content-Encoding": encoding}
    with pytest.raises(FeedError, match="larger than 2 megabytes"):
        fetched(blog)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"no gzip", "gzip"), (b"x", "br"), (gzip.compress(b"x", mtime=0)[:-4], "gzip")],
)
def test_a_feed_that_cannot_be_unpacked_is_told(
    blog: BlogServer, content: bytes, encoding: str
) -> None:
    blog.content, blog.headers = content, {"Content-Encoding": encoding}
    with pytest.raises(FeedError):
        fetched(blog)


@pytest.mark.parametrize("how", ["drips", "slow_head"])
def test_a_server_that_drips_is_given_up(blog: BlogServer, how: str) -> None:
    blog.content = b"x" * 1000
    setattr(blog, how, True)
    begun = time.monotonic()
    with pytest.raises(FeedError, match="in time"):
        fetched(blog, patience=1.0)
    assert time.monotonic() - begun < 4


def test_a_name_server_that_hangs_is_given_up(blog: BlogServer) -> None:
    def lookup(host: str, port: int) -> list[str]:
        time.sleep(10)
        return []

    with pytest.raises(FeedError, match="in time"):
        fetch_feed("http://blog.example.org/feed/", lookup=lookup, patience=0.5)


@pytest.mark.parametrize("status", [404, 410, 500, 304, 204])
def test_an_answer_that_is_no_feed_is_told(blog: BlogServer, status: int) -> None:
    blog.status = status
    with pytest.raises(FeedError, match=f"answered {status}"):
        fetched(blog)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FeedError, match="could not be reached"):
        fetch_feed(f"http://127.0.0.1:{port}/feed/", allowed=HERE)


def test_an_unknown_name_is_told() -> None:
    def lookup(host: str, port: int) -> list[str]:
        raise socket.gaierror("Name or service not known")

    with pytest.raises(FeedError, match="could not be reached"):
        fetch_feed("http://blog.example.org/feed/", lookup=lookup)


def test_what_speaks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(FeedError, match="in time"):
            fetch_feed(f"http://127.0.0.1:{port}/", allowed=HERE, patience=0.5)


def test_no_proxy_of_the_environment_is_used(
    blog: BlogServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert fetched(blog) is not None
