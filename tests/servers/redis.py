"""A real Redis-protocol server for the tests: the same one that the program embeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from nurture.broker.embedded import EmbeddedRedis


@contextmanager
def redis_server(directory: Path) -> Iterator[EmbeddedRedis]:
    """Run a server with its files in `directory`, stopped when the block ends."""
    with EmbeddedRedis.start(directory) as server:
        yield server


def empty(server: EmbeddedRedis) -> None:
    """Delete everything the server holds."""
    with redis.from_url(server.redis_url) as connection:
        connection.flushall()
