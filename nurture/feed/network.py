"""Connections to public addresses only, each to the very address that was checked.

A name is looked up once for each connection. It is refused if any of its addresses is private, and
the connection is made to one of those that were checked, so that a name server that answers
differently the next time leads nowhere. One deadline covers everything, from the first name lookup
to the last byte, however slowly bytes arrive.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

from nurture.domain.errors import NurtureError

#: Returns the addresses of a name, for a port.
Lookup = Callable[[str, int], list[str]]

#: Seconds for a connection, and for any one wait on it.
_CONNECT_SECONDS, _WAIT_SECONDS = 5.0, 8.0

#: Addresses that hold an IPv4 address in their last 32 bits (RFC 6052).
_TRANSLATED = IPv6Network("64:ff9b::/96")

_FEWEST_SECONDS = 0.001


class FeedError(NurtureError):
    """A feed cannot be fetched or read; the message is for the owner."""

    quotes_nobody = True


class PrivateAddressError(FeedError):
    """A name leads to an address that is not a public one."""


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name; raise `OSError` if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Return whether an address is that of a machine on the internet.

    An IPv6 address that stands for an IPv4 address is judged by that.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    special = found.is_multicast or found.is_reserved or found.is_unspecified
    is_site_local = isinstance(found, IPv6Address) and found.is_site_local
    return found.is_global and not special and not is_site_local


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.teredo is not None:
        return address.teredo[1]
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class FetchDeadline:
    """The moment at which everything has to be over."""

    def __init__(self, patience: float) -> None:
        self._ends, self.patience = time.monotonic() + patience, patience

    def left(self, most: float | None) -> float:
        """Return how many seconds one step may take; raise `httpcore.ReadTimeout` at the end."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the whole time is over")
        return max(min(seconds, _WAIT_SECONDS if most is None else most), _FEWEST_SECONDS)


class CheckedNetwork(httpcore.NetworkBackend):
    """The network without its private part, except for the networks that are `allowed`."""

    def __init__(
        self, deadline: FetchDeadline, allowed: Collection[str] = (), lookup: Lookup = look_up
    ) -> None:
        self._deadline, self._lookup = deadline, lookup
        self._allowed = [ip_network(one, strict=False) for one in allowed]
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers; raise `PrivateAddressError`."""
        addresses = self._checked(host, port)
        for number, address in enumerate(addresses, 1):
            seconds = self._deadline.left(_CONNECT_SECONDS)
            try:
                stream = self._plain.connect_tcp(
                    address, port, timeout=seconds, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _TimedStream(stream, self._deadline)
        raise httpcore.ConnectError("the name has no address")

    def _checked(self, host: str, port: int) -> list[str]:
        addresses = self._looked_up(host.strip("[]"), port)
        if not all(is_public(one) or self._is_allowed(one) for one in addresses):
            raise PrivateAddressError(
                f"{host} leads to an address that is not on the internet.",
                remedy="If the blog is on your own network, set NURTURE_FEED_ALLOW to its address.",
            )
        return addresses

    def _is_allowed(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._allowed)

    def _looked_up(self, host: str, port: int) -> list[str]:
        """Look a name up in a thread of its own, as a lookup cannot be given a time limit."""
        found: list[str] = []
        troubles: list[OSError] = []

        def look() -> None:
            try:
                found.extend(self._lookup(host, port))
            except (OSError, UnicodeError) as error:
                troubles.append(OSError(str(error)))

        thread = threading.Thread(target=look, name="feed-lookup", daemon=True)
        thread.start()
        thread.join(self._deadline.left(_CONNECT_SECONDS))
        if thread.is_alive():
            raise httpcore.ConnectTimeout("the name was not found in time")
        if troubles or not found:
            raise httpcore.ConnectError("the name is not known")
        return found


class _TimedStream(httpcore.NetworkStream):
    """A connection on which nothing waits beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: FetchDeadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
