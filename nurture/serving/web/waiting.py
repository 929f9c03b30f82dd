"""Connections whose request is not whole yet: who may wait, and who makes room for whom."""

from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Waiting(Generic[C]):
    """Connections by where they come from, in the order in which they began to wait.

    A newcomer is never turned away: where one neighbour has too many, or all together have,
    the one that has waited longest makes room. A whole request arrives within moments, so
    whoever sends one gets through even beside an attacker at the same address.
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
        """Let it wait; return the one that has to make room, if any."""
        self.end(connection)
        self._all[connection] = neighbour
        theirs = self._by_neighbour.setdefault(neighbour, {})
        theirs[connection] = None
        if self._most_of_one is not None and len(theirs) > self._most_of_one:
            return self._first(theirs)
        return self._first(self._all) if len(self._all) > self._most else None

    def end(self, connection: C) -> None:
        """It waits no more: its request is whole, or it is gone."""
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
    """What counts as one address: an IPv4 address, or the /64 that an IPv6 customer has."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return found.exploded[:19]
