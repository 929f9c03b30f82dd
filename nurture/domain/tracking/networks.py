"""Networks from which machines fetch what is in emails; supporting evidence, not proof."""

from functools import lru_cache
from ipaddress import ip_address, ip_network

#: As published in their owners' lists, November 2026: Microsoft, “Microsoft 365 URLs and IP address
#: ranges” (Exchange Online Protection; 40.94.0.0/16 is Defender's, according to senders); the
#: addresses that the gateways work from (Barracuda Email Gateway Defense, Proofpoint Essentials and
#: PoD, Mimecast's data centres, MessageLabs, Trend Micro, Cisco); Google's `_netblocks`.
_PUBLISHED = {
    "Microsoft's mail protection": (
        "40.92.0.0/15 40.94.0.0/16 40.107.0.0/16 52.100.0.0/14 104.47.0.0/17"
        " 2a01:111:f400::/48 2a01:111:f403::/48"
    ),
    "Barracuda": "64.235.144.0/20 209.222.80.0/21",
    "Proofpoint": "67.231.144.0/20 148.163.128.0/19 205.220.160.0/19",
    "Mimecast": (
        "63.128.21.0/24 91.220.42.0/24 146.101.78.0/24 170.10.128.0/21 185.58.84.0/22"
        " 195.130.217.0/24 205.139.110.0/23 207.211.30.0/23 216.205.24.0/24"
    ),
    "Symantec": (
        "46.226.48.0/21 67.219.240.0/20 85.158.136.0/21 103.9.96.0/22 117.120.16.0/21"
        " 193.109.254.0/23 194.106.220.0/23 195.245.230.0/23 216.82.240.0/20"
    ),
    "Trend Micro": "150.70.0.0/16 216.104.0.0/19",
    "Cisco": "68.232.128.0/19",
    "Google": "64.233.160.0/19 66.102.0.0/20 66.249.64.0/19 72.14.192.0/18 209.85.128.0/17",
}
_SCANNERS = [
    (ip_network(block), owner) for owner, blocks in _PUBLISHED.items() for block in blocks.split()
]

#: Apple's own network, from which its relays fetch; nobody browses from there.
_APPLE = ip_network("17.0.0.0/8")


@lru_cache(maxsize=4096)
def find_scanners_owner(client: str) -> str | None:
    """Return whose network an address is in, if it is one that scanners work from."""
    try:
        address = ip_address(client)
    except ValueError:
        return None
    return next((owner for block, owner in _SCANNERS if address in block), None)


@lru_cache(maxsize=4096)
def belongs_to_apple(client: str) -> bool:
    """Whether an address is one of Apple's own."""
    try:
        return ip_address(client) in _APPLE
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def neighbourhood(client: str) -> str:
    """Return the block that a row of machines shares, or the client if it is not an address."""
    return network_of(client) or client


def network_of(client: str) -> str:
    """Return the network of an address: 256 addresses, or an IPv6 /48; empty if it is none."""
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    return str(ip_network(f"{client}/{24 if address.version == 4 else 48}", strict=False))
