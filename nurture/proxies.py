"""A proxy in front of the web pages that the program was not told to trust.

Everyone then seems to come from the proxy's own address. Nothing can be judged by such an address,
so it counts as unknown, and the owner is told what to set.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

#: The headers in which a proxy says whom it acts for, as WSGI names them.
_FORWARDING = frozenset(
    {"HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA"}
    | {"HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_CF_CONNECTING_IP"}
)


def trouble_with(address: str) -> str:
    """Return what to tell the owner about a proxy that was seen at an address."""
    return (
        f"Visitors come through a proxy at {address}, and nurture has not been told to believe "
        "what it says of them. Until it has, it cannot tell visitors apart, and judges no opens "
        "and clicks by where they came from. Set NURTURE_TRUSTED_PROXIES=1 (the number of proxies "
        "in a row) and start nurture again."
    )


def speaks_for_others(environ: Mapping[str, Any]) -> bool:
    """Return whether a request from one of our machines says that it is on behalf of another.

    From anywhere else, anyone could claim this, so the claim is ignored.
    """
    if _FORWARDING.isdisjoint(environ):
        return False
    try:
        peer = ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback or peer.is_private or peer.is_link_local


def is_from_this_machine(environ: Mapping[str, Any]) -> bool:
    """Return whether a request came directly from a program on this machine, for nobody else."""
    original = environ.get("werkzeug.proxy_fix.orig") or environ
    try:
        peer = ip_address(original.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return peer.is_loopback and _FORWARDING.isdisjoint(environ)
