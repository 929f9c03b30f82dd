"""Calendar providers and their booking events; one module for each.

Each module here defines one `PROVIDER`. To add a provider, add a file: the registry finds it,
and `docs/adding-a-provider.md` says what it must contain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

from nurture.domain.tracking.events import BookingEvent
from nurture.payload import EventSource, PayloadError, providers_in

__all__ = ["BookingProvider", "PayloadError", "registry"]


@dataclass(frozen=True)
class BookingProvider(EventSource[BookingEvent]):
    """How one calendar's calls are verified and read.

    `secret_setting` is the environment variable that contains the secret. `aliases` are further
    names that the provider's URL may use.
    """

    secret_setting: str = field(kw_only=True)
    aliases: tuple[str, ...] = ()

    def _cut(self, event: BookingEvent) -> BookingEvent:
        understood = event.booked or event.cancelled or event.rescheduled
        raw = self.keeps.of(event.raw, known=understood, whose=event.email or "")
        if understood and event.starts_at:
            raw["starts_at"] = event.starts_at.isoformat()
        return replace(event, raw=raw)


@cache
def registry() -> Mapping[str, BookingProvider]:
    """Return every provider by name and alias, as in `/webhooks/bookings/<name>`."""
    providers: list[BookingProvider] = providers_in(__name__, __path__)
    return MappingProxyType({name: p for p in providers for name in (p.name, *p.aliases)})
