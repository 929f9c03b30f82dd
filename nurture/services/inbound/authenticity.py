"""Listening: which calls of providers are taken, and saying yes where one asks whether it may."""

from collections.abc import Callable
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.tracking.events import MailEvent
from nurture.mail.providers import Provider
from nurture.signatures import SignatureError, SignatureFault
from nurture.store.database import Connection, Database
from nurture.store.tables.provider_calls import (
    CallRequest,
    drop_request,
    find_request,
    forget_requests,
    forget_tokens,
    keep_request,
    use_token,
)

#: Amazon takes a yes for three days.
REQUESTS_LAST = timedelta(days=3)


class NothingAskedError(NurtureError):
    """A provider asks nothing, or asked too long ago."""


def take_once(database: Database, provider: Provider, body: bytes, now: datetime) -> None:
    """See that the token of a call has served for nothing else; raises `SignatureError`.

    The very same call may come again, which tells nothing twice.
    """
    if provider.once is None:
        return
    token, used_for = provider.once(body)
    longest = 2 * (provider.tolerance or timedelta(0))
    with database.writing() as connection:
        forget_tokens(connection, now - longest)
        fits = use_token(connection, f"{provider.name}:{token}", used_for, now)
    if not fits:
        raise SignatureError(
            SignatureFault.WRONG, "The token of this signature has served for another event."
        )


def keep_request_of(connection: Connection, event: MailEvent, now: datetime) -> None:
    """Keep where a provider wants to be told yes, if it asks, until the owner says it."""
    if event.confirm_url:
        keep_request(connection, CallRequest(event.provider, event.confirm_url, now))


def asked_by(database: Database, provider: str, now: datetime) -> CallRequest | None:
    """What a provider asks at present, if anything."""
    with database.reading() as connection:
        return find_request(connection, provider, now - REQUESTS_LAST)


def say_yes(
    database: Database, provider: str, open_address: Callable[[str], object], now: datetime
) -> None:
    """Tell a provider that its calls are wanted, by opening the address that it named.

    The address is forgotten once it has served. Raises `NothingAskedError`, and what
    `open_address` raises.
    """
    asked = asked_by(database, provider, now)
    if asked is None:
        raise NothingAskedError(
            "Nothing is asked any more.", remedy="Let the provider ask once more."
        )
    open_address(asked.address)
    with database.writing() as connection:
        drop_request(connection, provider)


def forget_old_calls(connection: Connection, now: datetime) -> None:
    """Forget what was asked too long ago to be answered."""
    forget_requests(connection, now - REQUESTS_LAST)
