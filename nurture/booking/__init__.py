"""What calendars tell us, one file per provider.

Each module here holds one `PROVIDER`. Adding a provider is adding a file: the registry finds it,
and `docs/adding-a-provider.md` says what has to be in it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from types import MappingProxyType

from nurture.domain.events import BookingEvent
from nurture.domain.payload import PayloadError

__all__ = ["PayloadError", "Provider", "registry"]

Verify = Callable[[str, Mapping[str, str], bytes, datetime], None]
Parse = Callable[[bytes], list[BookingEvent]]


@dataclass(frozen=True)
class Provider:
    """How one calendar's calls are verified and read.

    `verify(secret, headers, body, now)` raises SignatureError unless the call is the provider's.
    `parse(body)` returns its events, or raises PayloadError naming the field at fault.
    `secret_setting` is the environment variable that holds the secret, `secret_help` tells the
    owner, in a sentence, where the secret comes from.

    `tolerance` is how far the signed time may be from now, None where none is signed. `aliases`
    are further names that the provider's address may use.
    """

    name: str
    secret_setting: str
    verify: Verify
    parse: Parse
    secret_help: str
    tolerance: timedelta | None = None
    aliases: tuple[str, ...] = ()


@cache
def registry() -> Mapping[str, Provider]:
    """Return every provider by name and alias, as in `/webhooks/bookings/<name>`."""
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    providers: list[Provider] = [module.PROVIDER for module in modules]
    return MappingProxyType({name: p for p in providers for name in (p.name, *p.aliases)})
