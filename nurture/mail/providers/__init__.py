"""What mail providers tell us, one file per provider.

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

from nurture.domain.events import MailEvent
from nurture.domain.payload import PayloadError

__all__ = ["PayloadError", "Provider", "registry"]

Verify = Callable[[str, Mapping[str, str], bytes, datetime], None]
Parse = Callable[[bytes], list[MailEvent]]
HeadersFor = Callable[[str], Mapping[str, str]]


def _no_headers(_message_id: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Provider:
    """How one provider's calls are verified and read.

    `verify(secret, headers, body, now)` raises SignatureError unless the call is the provider's.
    `parse(body)` returns its events, or raises PayloadError naming the field at fault.
    `secret_help` tells the owner, in a sentence, where the secret comes from.

    `tolerance` is how far the signed time may be from now, None where none is signed. With
    `signs_body` false, the scheme proves who called and nothing about what they said.
    `headers_for(message_id)` are the headers an email must carry so that the provider's events
    name its Message-ID; empty where they do so by themselves.
    """

    name: str
    verify: Verify
    parse: Parse
    secret_help: str
    tolerance: timedelta | None = None
    signs_body: bool = True
    headers_for: HeadersFor = _no_headers

    @property
    def secret_setting(self) -> str:
        """The environment variable that holds the secret."""
        return f"NURTURE_{self.name.upper()}_SECRET"


@cache
def registry() -> Mapping[str, Provider]:
    """Return every provider by name, as it stands in `/webhooks/mail/<name>`."""
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    providers: list[Provider] = [module.PROVIDER for module in modules]
    return MappingProxyType({provider.name: provider for provider in providers})
