"""One request to an OAuth endpoint: a form is posted, and a small JSON document comes back.

The address is https, or a server of this machine. No redirect is followed, as the form holds
secrets; the answer is limited in size, and the whole request in time, name lookup included.
"""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from nurture.mail.login import AccessTokenUnavailableError

#: The longest that a request may take, from the name lookup to the last byte.
PATIENCE_SECONDS = 10.0

_LARGEST = 64 * 1024
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "nurture",
}


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """The status and the JSON object of an answer; what it holds is never shown."""

    status: int
    document: Mapping[str, Any] = field(repr=False)


def post(url: str, fields: Mapping[str, str], patience: float = PATIENCE_SECONDS) -> EndpointAnswer:
    """Post a form, or raise `AccessTokenUnavailableError`, which quotes nothing of either side."""
    request = _Request(url, urlencode(fields), patience)
    request.start()
    request.join(patience)
    if request.is_alive():
        request.break_off()
        raise _unavailable(url, request.too_slow)
    if request.answer is None:
        raise _unavailable(url, request.trouble)
    return request.answer


def _unavailable(url: str, trouble: str) -> AccessTokenUnavailableError:
    return AccessTokenUnavailableError(
        f"The login service at {urlsplit(url).hostname} {trouble}.",
        remedy="It is asked again soon; emails wait until then.",
    )


class _Request(threading.Thread):
    """A request in its own thread: a name lookup or a dripping answer cannot be timed otherwise."""

    def __init__(self, url: str, body: str, patience: float) -> None:
        super().__init__(name="oauth-request", daemon=True)
        self.answer: EndpointAnswer | None = None
        self.trouble = ""
        self.too_slow = f"did not answer within {patience:g} seconds"
        self._url, self._body = url, body
        self._connection = _connection_to(url, patience)
        self._sock: socket.socket | None = None

    def run(self) -> None:
        """Set `answer` or `trouble`; never raise."""
        try:
            self.answer = self._ask()
        except ssl.SSLCertVerificationError:
            self.trouble = "showed a certificate that is not valid for it"
        except TimeoutError:
            self.trouble = self.too_slow
        except (OSError, HTTPException) as error:
            self.trouble = f"could not be reached ({type(error).__name__})"
        except Exception as error:
            # Raised in this thread, it would only be printed, and may hold what was received.
            self.trouble = f"answered with something else than tokens ({type(error).__name__})"
        finally:
            self._connection.close()

    def break_off(self) -> None:
        """Disconnect, so that the thread ends; never raise."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> EndpointAnswer:
        parts = urlsplit(self._url)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        self._connection.connect()
        self._sock = self._connection.sock  # The connection forgets it once an answer begins.
        self._connection.request("POST", path, self._body, _HEADERS)
        response = self._connection.getresponse()
        content = response.read(_LARGEST + 1)
        if len(content) > _LARGEST or 300 <= response.status < 400:
            raise ValueError
        document = json.loads(content)
        if not isinstance(document, dict):
            raise TypeError
        return EndpointAnswer(response.status, document)


def _connection_to(url: str, patience: float) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, parts.port, timeout=patience, context=context)
    return HTTPConnection(host, parts.port, timeout=patience)
