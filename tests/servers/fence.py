"""A fence that confines every test to this machine and notices each attempt to leave it.

Processes started by a test, and libraries that open their connections in C, are outside the
fence; their addresses come from settings that the tests make.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_attempts: list[str] = []


class OutsideConnectionError(AssertionError):
    """A test tried to reach another machine; it must start its own servers instead."""


def put_up() -> None:
    """Fence this process in permanently: sockets, and names that would need a lookup."""
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _fenced_method(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, _fenced_look_up(getattr(socket, name)))


@contextmanager
def watched() -> Iterator[None]:
    """Fail at the end if anything in the block tried to get out, even if it hid the error."""
    forget()
    yield
    if _attempts:
        raise OutsideConnectionError(f"something tried to reach {', '.join(_attempts)}")


def forget() -> None:
    """Forgive a test that tried to get out on purpose."""
    _attempts.clear()


def _fenced_method(method: Callable[..., Any]) -> Callable[..., Any]:
    # The address is the only argument of connect and the last one of sendto.
    def fenced(connection: socket.socket, *arguments: Any) -> Any:
        if connection.family in _INTERNET:
            _insist_on_this_machine(arguments[-1][0])
        return method(connection, *arguments)

    return fenced


def _fenced_look_up(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def fenced(host: Any, *arguments: Any, **named: Any) -> Any:
        if not _is_address(host):
            _insist_on_this_machine(host)
        return look_up(host, *arguments, **named)

    return fenced


def _insist_on_this_machine(host: Any) -> None:
    if not _is_here(host):
        _attempts.append(str(host))
        raise OutsideConnectionError(f"a test tried to reach {host!r}")


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "0.0.0.0", "::", socket.gethostname()):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
