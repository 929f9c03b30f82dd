"""The application's side of the server: a request as defined by WSGI (PEP 3333), and its answer."""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO
from wsgiref.types import WSGIApplication, WSGIEnvironment

#: How much of an answer is passed on at a time; most pages are smaller, guides are not.
_PIECE = 64 * 1024


class BodyWantedError(BaseException):
    """The application tries to read a body that has not arrived yet.

    It is not an `Exception`, so that the application does not mistake it for a fault of its own.
    """


@dataclass(slots=True)
class ResponseStart:
    """The beginning of an answer, and the source of the rest."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    piece: bytes
    rest: "Rest"


class Rest:
    """The rest of an answer, piece by piece; an empty piece is the last."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._left: Iterator[bytes] | None = iter(body)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can follow."""
        return self._left is None

    def next_piece(self) -> bytes:
        """Return the next piece to send."""
        if self._left is None:
            return b""
        got, size = [], 0
        for chunk in self._left:
            got.append(chunk)
            size += len(chunk)
            if size >= _PIECE:
                return b"".join(got)
        self.close()
        return got[0] if len(got) == 1 else b"".join(got)

    def close(self) -> None:
        """Discard the rest."""
        if self._left is None:
            return
        self._left = None
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class _NotYet(io.RawIOBase):
    """A placeholder for a body that has not arrived and may not be needed."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        raise BodyWantedError

    def read(self, size: int = -1, /) -> bytes:
        raise BodyWantedError


class _File:
    """A file as an answer, read piece by piece."""

    def __init__(self, file: BinaryIO, size: int = _PIECE) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_PIECE), b"")

    def close(self) -> None:
        self._file.close()


def environ_of(scope: Mapping[str, Any], body: bytes | None) -> WSGIEnvironment:
    """Return a request as the application reads it; without a `body`, reading it is an error."""
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": _NotYet() if body is None else io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _File,
    }
    for name, value in scope["headers"]:
        key = _key(name)
        if key in environ:
            joined = "; " if key == "HTTP_COOKIE" else ","
            environ[key] += joined + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")
    return environ


def answer(app: WSGIApplication, environ: WSGIEnvironment) -> ResponseStart:
    """Call the application; raise `BodyWantedError` and whatever the application raises."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        started[:] = status, headers
        return started.append

    rest = Rest(app(environ, start))
    try:
        piece = rest.next_piece()
    except BaseException:
        rest.close()
        raise
    status, headers = started
    return ResponseStart(int(status[:3]), [_as_bytes(*one) for one in headers], piece, rest)


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    """Return the WSGI name of a header; empty for one that could be mistaken for another.

    A name with an underscore would equal one with a hyphen, which a proxy may have set.
    """
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _as_bytes(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")
