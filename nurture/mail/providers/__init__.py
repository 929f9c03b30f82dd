"""What mail providers tell us, and what they want of our mail, one file per provider.

Each module here holds one `PROVIDER`. Adding a provider is adding a file: the registry finds it,
and `docs/adding-a-provider.md` says what has to be in it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from types import MappingProxyType

from nurture.domain.kept_payload import KeptFields, without_addresses
from nurture.domain.tracking.events import MailEvent
from nurture.payload import Fields, Part, PayloadError, ignore_odd, read_each

__all__ = ["PayloadError", "Provider", "registry", "relay_at", "relays"]

Verify = Callable[[str, Mapping[str, str], bytes, datetime], None]
Split = Callable[[bytes], list[Part]]
Once = Callable[[bytes], tuple[str, str]]
Read = Callable[[Fields], list[MailEvent]]
HeadersFor = Callable[[str], Mapping[str, str]]


def no_headers(message_id: str) -> Mapping[str, str]:
    """Return no headers: what an email carries for a provider that wants none."""
    return {}


@dataclass(frozen=True)
class Provider:
    """How one provider's calls are verified and read, and what an email through it carries.

    `verify(secret, headers, body, now)` raises SignatureError unless the call is the provider's.
    `split(body)` returns the events of a body unread, and `read(fields)` what one of them says;
    both raise PayloadError naming the field at fault. `keeps` names what is kept of an event.
    `secret_help` tells the owner, in a sentence, where the secret comes from.

    `tolerance` is how far the signed time may be from now, None where none is signed. With
    `signs_body` false, the scheme proves who called and nothing about what they said.

    Where the body is not signed, `once(body)` returns the token that the signature is about and
    a digest of what the call says: a token that has served for one thing serves for no other.

    `smtp_hosts` are the mail servers by which the provider is recognised, with `*` for any part
    of a name; empty for one that no mail is sent through. `headers_for(message_id)` are the
    headers an email must carry so that the provider's events name its Message-ID. `rewrites`
    names, in small letters, the headers that the provider replaces on the way, which therefore
    cannot be signed.

    With `keeps_own_suppressions`, the provider itself sends nothing more to an address that has
    bounced; `suppressions_hint` tells the owner, in a sentence, where to remove it.
    """

    name: str
    verify: Verify
    split: Split
    read: Read
    keeps: KeptFields
    secret_help: str
    tolerance: timedelta | None = None
    signs_body: bool = True
    once: Once | None = None
    smtp_hosts: tuple[str, ...] = ()
    headers_for: HeadersFor = no_headers
    rewrites: frozenset[str] = frozenset()
    keeps_own_suppressions: bool = False
    suppressions_hint: str = ""

    @property
    def secret_setting(self) -> str:
        """The environment variable that holds the secret."""
        return f"NURTURE_{self.name.upper()}_SECRET"

    def parse(
        self, body: bytes, note_odd: Callable[[PayloadError], None] = ignore_odd
    ) -> list[MailEvent]:
        """Return the events of a body, each cut to what is kept of it.

        An event that cannot be read costs the others nothing: `note_odd` is told. Raises
        PayloadError, naming the field at fault, where none can be read.
        """
        return [self._cut(event) for event in read_each(self.split(body), self.read, note_odd)]

    def _cut(self, event: MailEvent) -> MailEvent:
        whose = event.recipient or ""
        raw = self.keeps.of(event.raw, known=event.kind is not None, whose=whose)
        return replace(event, raw=raw, reason=without_addresses(event.reason, whose))


@cache
def registry() -> Mapping[str, Provider]:
    """Return every provider by name, as it stands in `/webhooks/mail/<name>`."""
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    providers: list[Provider] = [module.PROVIDER for module in modules]
    return MappingProxyType({provider.name: provider for provider in providers})


def relays() -> Mapping[str, Provider]:
    """Return the providers that mail can be sent through, by name."""
    return {name: one for name, one in sorted(registry().items()) if one.smtp_hosts}


def relay_at(host: str) -> Provider | None:
    """Return the provider whose mail server has that name; None where it is nobody's we know."""
    known_as = host.lower().rstrip(".")
    for provider in relays().values():
        if any(fnmatchcase(known_as, pattern) for pattern in provider.smtp_hosts):
            return provider
    return None
