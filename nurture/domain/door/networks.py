"""The networks that a visitor belongs to: their connection, their neighbourhood, their provider."""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple


class NetworkChain(NamedTuple):
    """An address's networks, nearest first; empty texts if the address is unknown.

    `near` is one connection (/32, or an IPv6 /64), `site` a neighbourhood (/24, or /48), and `wide`
    roughly a provider (/16, or /32).
    """

    near: str = ""
    site: str = ""
    wide: str = ""


_PREFIXES = {4: (32, 24, 16), 6: (64, 48, 32)}


@lru_cache(maxsize=4096)
def chain_of(client: str) -> NetworkChain:
    """Return the networks of an IP address."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return NetworkChain()
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    lengths = _PREFIXES[address.version]
    return NetworkChain(*(str(ip_network((address, length), strict=False)) for length in lengths))
