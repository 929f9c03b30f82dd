"""Checking that Redis allows all the program needs; no sentence contains a password or secret."""

from urllib.parse import urlsplit

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from nurture.broker.address import verifying

#: Seconds allowed for each check; someone is waiting for the answer.
_PATIENCE = 2.0

#: A key that nothing uses.
_KEY = "nurture.readiness"

_ESCAPES = "Write : / ? # @ and % in it as %3A %2F %3F %23 %40 and %25."

_ANSWERS: tuple[tuple[type[exceptions.RedisError], str], ...] = (
    (
        exceptions.AuthenticationError,
        f"Redis refuses the password in NURTURE_REDIS_URL. {_ESCAPES}",
    ),
    (
        exceptions.NoPermissionError,
        "Redis does not let this user write. Let its rights (ACL) be all keys.",
    ),
    (
        exceptions.ReadOnlyError,
        "This Redis is a copy that takes no writes. Name the main server instead.",
    ),
    (
        exceptions.OutOfMemoryError,
        "Redis has no memory left. Give it more, or let it forget what is old.",
    ),
    (exceptions.TimeoutError, "Redis does not answer in time. Check the address and the firewall."),
)


def find_trouble(redis_url: str) -> str | None:
    """Return what prevents tasks from reaching workers and what to do about it, or `None`."""
    try:
        _use(redis_url)
    except (ValueError, TypeError):
        return f"NURTURE_REDIS_URL cannot be read. {_ESCAPES}"
    except (exceptions.RedisError, OSError) as error:
        return _in_words(error, redis_url)
    return None


def _use(redis_url: str) -> None:
    """Connect and write as a worker does, but only to keys that do not exist."""
    url = verifying(redis_url).replace("redis+socket://", "unix://", 1)
    client = Redis.from_url(
        url.replace("?virtual_host=", "?db="),
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.set(_KEY, "1", xx=True)
        client.lpop(f"{_KEY}.list")
    finally:
        client.close()


def _in_words(error: Exception, redis_url: str) -> str:
    where, said = _where(redis_url), str(error)
    if "certificate verify failed" in said:
        return (
            f"Nobody vouches for the certificate of Redis at {where}. Name its authority with "
            "?ssl_ca_certs=/path/to/ca.pem behind the address, or trust it unseen with "
            "?ssl_cert_reqs=none."
        )
    if "WRONG_VERSION_NUMBER" in said or "wrong version number" in said:
        return f"Redis at {where} does not speak TLS. Write redis:// instead of rediss://."
    for kind, words in _ANSWERS:
        if isinstance(error, kind):
            return words
    if isinstance(error, exceptions.ResponseError) and not isinstance(
        error, exceptions.ConnectionError
    ):
        return f"Redis refuses to write ({said.split(' ')[0][:30]}). Its own log says why."
    return (
        f"Redis cannot be reached at {where}. Check that it runs and that NURTURE_REDIS_URL names "
        "it; where it takes TLS only, write rediss://."
    )


def _where(redis_url: str) -> str:
    """Return the URL without user and password."""
    parts = urlsplit(redis_url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
