"""Fixtures: a blog, and an installation that reads its feed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation
from tests.servers.blog import BlogServer
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink


@pytest.fixture
def blog() -> Iterator[BlogServer]:
    """A blog without posts."""
    with BlogServer() as server:
        server.show()
        yield server


@pytest.fixture
def reader(
    database_url: str,
    tmp_path: Path,
    clock_file: ClockFile,
    smtp_sink: SmtpSink,
    blog: BlogServer,
) -> Iterator[Installation]:
    """An installation that reads the blog: the test runs once on each kind of database."""
    yield from _reading(Installation(database_url, tmp_path, clock_file, smtp_sink.url), blog)


@pytest.fixture
def sqlite_reader(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink, blog: BlogServer
) -> Iterator[Installation]:
    """The same on the embedded database."""
    yield from _reading(Installation(sqlite_url, tmp_path, clock_file, smtp_sink.url), blog)


def _reading(home: Installation, blog: BlogServer) -> Iterator[Installation]:
    home.settings = {"NURTURE_FEED_URL": blog.url, "NURTURE_FEED_ALLOW": "127.0.0.0/8"}
    yield home.publish_shipped()
    home.close()
