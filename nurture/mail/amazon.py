"""The only requests made to Amazon SNS: fetching its certificates and confirming a subscription.

Every URL requested here was named by a call from outside. The host must therefore be Amazon's,
in the region of our own topic; redirects are not followed; size and time are limited; and
certificates are requested one at a time and cached, failures included.
"""

import re
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, urlsplit

from nurture.domain.errors import NurtureError

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{1,40}):\d{12}:[\w-]{1,256}(\.fifo)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")

_LARGEST = 64 * 1024
_SECONDS_AN_ANSWER, _SECONDS_IN_ALL = 5.0, 10.0

#: Amazon changes its certificate about once a year, and each one has its own URL.
_KEPT_SECONDS, _MOST_KEPT = 24 * 3600.0, 8

#: After a failure nothing is requested for this long, and that URL not for longer.
_PAUSE, _FAILED_SECONDS, _MOST_FAILED = 5.0, 300.0, 64


class AmazonUnavailableError(NurtureError):
    """Amazon could not be reached just now; the caller may call again."""


def is_of_amazon(url: str, topic: str, path: re.Pattern[str]) -> bool:
    """Return whether this is an https URL of Amazon SNS in our topic's region with such a path."""
    region = _TOPIC.fullmatch(topic)
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = [f"sns.{region[1]}.amazonaws.com{end}" for end in ("", ".cn")] if region else []
    return parts.scheme == "https" and parts.netloc in hosts and bool(path.fullmatch(parts.path))


def is_certificate(url: str, topic: str) -> bool:
    """Return whether Amazon may keep the certificate that signs our topic's calls at this URL.

    A topic's name is no secret, so anyone can name a URL of this form.
    """
    return is_of_amazon(url, topic, _CERTIFICATE) and not {"?", "#"} & set(url)


def is_request(url: str, topic: str) -> bool:
    """Return whether opening this URL confirms a subscription to our topic."""
    query = urlsplit(url).query if is_of_amazon(url, topic, re.compile("/")) else ""
    return "Action=ConfirmSubscription" in query.split("&") and url.isprintable()


def download(url: str, context: ssl.SSLContext | None = None) -> bytes:
    """Return the content of an https URL, or raise `AmazonUnavailableError`; redirects fail."""
    parts, until = urlsplit(url), time.monotonic() + _SECONDS_IN_ALL
    connection = HTTPSConnection(
        parts.hostname or "",
        parts.port,
        timeout=_SECONDS_AN_ANSWER,
        context=context or ssl.create_default_context(),
    )
    try:
        return _answer(connection, parts, until)
    except (OSError, HTTPException) as error:
        raise _unavailable(type(error).__name__) from None
    finally:
        connection.close()


def _answer(connection: HTTPSConnection, parts: SplitResult, until: float) -> bytes:
    query = f"?{parts.query}" if parts.query else ""
    connection.request("GET", f"{parts.path}{query}", headers={"User-Agent": "nurture"})
    response = connection.getresponse()
    if response.status != 200:
        raise _unavailable(f"status {response.status}")
    content = b""
    while piece := response.read1(8192):
        content += piece
        if len(content) > _LARGEST or time.monotonic() > until:
            raise _unavailable("too much, or too slow")
    return content


def _unavailable(why: str) -> AmazonUnavailableError:
    return AmazonUnavailableError(
        f"Amazon's signing certificate could not be read ({why}).",
        remedy="Let this program reach Amazon SNS by https, or write the path of its certificate "
        "behind the topic in NURTURE_SES_SECRET.",
    )


class Certificates:
    """A thread-safe cache of Amazon's certificates by URL, each fetched once."""

    def __init__(
        self, load: Callable[[str], bytes] = download, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load, self._clock = load, clock
        self._asking = Lock()
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._failed: dict[str, float] = {}
        self._not_before = float("-inf")

    def get(self, url: str) -> bytes:
        """Return the certificate at a URL without queueing, or raise `AmazonUnavailableError`."""
        if (found := self._known(url)) is not None:
            return found
        if not self._asking.acquire(blocking=False):
            raise _unavailable("it is being asked for just now")
        try:
            return self._ask(url)
        finally:
            self._asking.release()

    def _known(self, url: str) -> bytes | None:
        at, certificate = self._kept.get(url, (float("-inf"), b""))
        return certificate if self._clock() - at < _KEPT_SECONDS else None

    def _ask(self, url: str) -> bytes:
        now = self._clock()
        failed_at = self._failed.get(url, float("-inf"))
        if now < self._not_before or now - failed_at < _FAILED_SECONDS:
            raise _unavailable("it could not be read a moment ago")
        try:
            certificate = self._load(url)
        except AmazonUnavailableError:
            _keep(self._failed, url, now, _MOST_FAILED)
            self._not_before = now + _PAUSE
            raise
        _keep(self._kept, url, (now, certificate), _MOST_KEPT)
        return certificate


def _keep(kept: dict[str, Any], url: str, value: Any, most: int) -> None:
    """Store a value, dropping the oldest ones if there are too many."""
    kept.pop(url, None)
    while len(kept) >= most:
        kept.pop(next(iter(kept)))
    kept[url] = value
