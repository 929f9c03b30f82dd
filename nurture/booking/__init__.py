"""Calendar providers and their booking events; one module for each.

Each module here defines one `PROVIDER`. To add a provider, add a file: the registry finds it,
and `docs/adding-a-provider.md` says what it must contain.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from types import MappingProxyType

from nurture.domain.kept_payload import KeptFields
from nurture.domain.tracking.events import BookingEvent
from nurture.payload import Fields, Part, PayloadError, ignore_odd, read_each

__all__ = ["BookingProvider", "PayloadError", "registry"]

Verify = Callable[[str, Mapping[str, str], bytes, datetime], None]
Split = Callable[[bytes], list[Part]]
Read = Callable[[Fields], list[BookingEvent]]


@dataclass(frozen=True)
class BookingProvider:
    """How one calendar's calls are verified and read.

    `verify(secret, headers, body, now)` raises SignatureError unless the call is the provider's.
    `split(body)` returns the events of a body unparsed, and `read(fields)` parses one of them;
    both raise PayloadError naming the invalid field. `keeps` names the parts of an event that are
    stored. `secret_setting` is the environment variable that contains the secret, and `secret_help`
    a sentence telling the owner where to find it.

    `tolerance` is how far the signed time may be from now, or None if no time is signed. `aliases`
    are further names that the provider's URL may use.
    """

    name: str
    secret_setting: str
    verify: Verify
    split: Split
    read: Read
    keeps: KeptFields
    secret_help: str
    tolerance: timedelta | None = None
    aliases: tuple[str, ...] = ()

    def parse(
        self, body: bytes, note_odd: Callable[[PayloadError], None] = ignore_odd
    ) -> list[BookingEvent]:
        """Return the events of a body, each reduced to the parts that are stored.

        An event that cannot be read is passed to `note_odd` and does not affect the others. Raise
        PayloadError, naming the invalid field, if none can be read.
        """
        return [self._cut(event) for event in read_each(self.split(body), self.read, note_odd)]

    def _cut(self, event: BookingEvent) -> BookingEvent:
        understood = event.booked or event.cancelled or event.rescheduled
        raw = self.keeps.of(event.raw, known=understood, whose=event.email or "")
        if understood and event.starts_at:
            raw["starts_at"] = event.starts_at.isoformat()
        return replace(event, raw=raw)


@cache
def registry() -> Mapping[str, BookingProvider]:
    """Return every provider by name and alias, as in `/webhooks/bookings/<name>`."""
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    providers: list[BookingProvider] = [module.PROVIDER for module in modules]
    return MappingProxyType({name: p for p in providers for name in (p.name, *p.aliases)})
