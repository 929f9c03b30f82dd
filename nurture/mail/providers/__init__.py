"""Mail providers: their events, and what they require of our email; one module for each.

Each module here defines one `PROVIDER`. To add a provider, add a file: the registry finds it,
and `docs/adding-a-provider.md` says what it must contain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType

from nurture.domain.kept_payload import without_addresses
from nurture.domain.tracking.events import MailEvent
from nurture.payload import EventSource, PayloadError, providers_in

__all__ = ["PayloadError", "Provider", "registry", "relay_at", "relays"]


def no_headers(message_id: str) -> Mapping[str, str]:
    """Return no headers, for a provider that needs none."""
    return {}


@dataclass(frozen=True)
class Provider(EventSource[MailEvent]):
    """How one provider's calls are verified and read, and what an email sent through it carries.

    If `signs_body` is false, the scheme proves who called but nothing about what they said. Then
    `once(body)` returns the token covered by the signature and a digest of the call's content: a
    token used for one content is valid for no other.

    `smtp_hosts` are the mail servers that identify the provider, with `*` for any part of a name;
    empty for a provider that sends no email. `headers_for(message_id)` are the headers an email
    must carry so that the provider's events name its Message-ID. `rewrites` names, in lower case,
    the headers that the provider replaces in transit, which therefore cannot be signed.

    With `keeps_own_suppressions`, the provider itself sends nothing more to an address that has
    bounced; `suppressions_hint` is a sentence telling the owner where to remove it.
    """

    signs_body: bool = True
    once: Callable[[bytes], tuple[str, str]] | None = None
    smtp_hosts: tuple[str, ...] = ()
    headers_for: Callable[[str], Mapping[str, str]] = no_headers
    rewrites: frozenset[str] = frozenset()
    keeps_own_suppressions: bool = False
    suppressions_hint: str = ""

    @property
    def secret_setting(self) -> str:
        """The environment variable that holds the secret."""
        return f"NURTURE_{self.name.upper()}_SECRET"

    def _cut(self, event: MailEvent) -> MailEvent:
        whose = event.recipient or ""
        raw = self.keeps.of(event.raw, known=event.kind is not None, whose=whose)
        return replace(event, raw=raw, reason=without_addresses(event.reason, whose))


@cache
def registry() -> Mapping[str, Provider]:
    """Return every provider by its name, as used in `/webhooks/mail/<name>`."""
    providers: list[Provider] = providers_in(__name__, __path__)
    return MappingProxyType({provider.name: provider for provider in providers})


def relays() -> Mapping[str, Provider]:
    """Return the providers that can send email, by name."""
    return {name: one for name, one in sorted(registry().items()) if one.smtp_hosts}


def relay_at(host: str) -> Provider | None:
    """Return the provider whose mail server has that host name, or None if none is known."""
    known_as = host.lower().rstrip(".")
    for provider in relays().values():
        if any(fnmatchcase(known_as, pattern) for pattern in provider.smtp_hosts):
            return provider
    return None
