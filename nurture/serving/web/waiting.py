"""Connections with incomplete requests: which may wait, and which must make room."""

from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Waiting(Generic[C]):
    """Waiting connections grouped by source, in the order in which they began to wait.

    A new one is never turned away: if one source, or all together, have too many, the connection
    that has waited longest makes room. A whole request arrives within moments, so an honest visitor
    gets through even next to an attacker at the same address.
    """

    def __init__(self, most: int, most_of_one: int | None = None) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._all: dict[C, str] = {}
        self._by_neighbour: dict[str, dict[C, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, connection: object) -> bool:
        return connection in self._all

    def begin(self, connection: C, neighbour: str) -> C | None:
        """Let a connection wait; return the one that must make room, if any."""
        self.end(connection)
        self._all[connection] = neighbour
        theirs = self._by_neighbour.setdefault(neighbour, {})
        theirs[connection] = None
        if self._most_of_one is not None and len(theirs) > self._most_of_one:
            return self._first(theirs)
        return self._first(self._all) if len(self._all) > self._most else None

    def end(self, connection: C) -> None:
        """End its wait: its request is complete, or it has disconnected."""
        neighbour = self._all.pop(connection, None)
        if neighbour is None:
            return
        theirs = self._by_neighbour[neighbour]
        del theirs[connection]
        if not theirs:
            del self._by_neighbour[neighbour]

    def _first(self, among: dict[C, str] | dict[C, None]) -> C:
        first = next(iter(among))
        self.end(first)
        return first


def neighbour_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or an IPv6 customer's /64."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return found.exploded[:19]
