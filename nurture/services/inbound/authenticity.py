"""Which provider calls are accepted, and confirming a provider's request to call us."""

from collections.abc import Callable
from datetime import datetime, timedelta

from nurture.domain.errors import NurtureError
from nurture.domain.tracking.events import MailEvent
from nurture.mail.providers import Provider
from nurture.signatures import SignatureError, SignatureFault
from nurture.store.database import Connection, Database
from nurture.store.tables import provider_calls

#: Amazon accepts a confirmation for three days.
REQUESTS_LAST = timedelta(days=3)


class NothingAskedError(NurtureError):
    """The provider has no open request, or made it too long ago."""


def take_once(database: Database, provider: Provider, body: bytes, now: datetime) -> None:
    """Ensure that a call's token has been used for no other event; may raise `SignatureError`.

    The same call may be repeated, since an event counts only once.
    """
    if provider.once is None:
        return
    token, used_for = provider.once(body)
    longest = 2 * (provider.tolerance or timedelta(0))
    with database.writing() as connection:
        provider_calls.forget_tokens(connection, now - longest)
        fits = provider_calls.use_token(connection, f"{provider.name}:{token}", used_for, now)
    if not fits:
        raise SignatureError(
            SignatureFault.WRONG, "The token of this signature has served for another event."
        )


def keep_request_of(connection: Connection, event: MailEvent, now: datetime) -> None:
    """Store the address for confirming a provider's calls, if it sends one, for the owner."""
    if event.confirm_url:
        provider_calls.keep_request(
            connection, provider_calls.CallRequest(event.provider, event.confirm_url, now)
        )


def asked_by(database: Database, provider: str, now: datetime) -> provider_calls.CallRequest | None:
    """Return a provider's open request, if any."""
    with database.reading() as connection:
        return provider_calls.find_request(connection, provider, now - REQUESTS_LAST)


def say_yes(
    database: Database, provider: str, open_address: Callable[[str], object], now: datetime
) -> None:
    """Confirm to a provider that its calls are wanted, by opening the address it gave.

    The address is deleted once it has been used. May raise `NothingAskedError`, and anything
    `open_address` raises.
    """
    asked = asked_by(database, provider, now)
    if asked is None:
        raise NothingAskedError(
            "Nothing is asked any more.", remedy="Let the provider ask once more."
        )
    open_address(asked.address)
    with database.writing() as connection:
        provider_calls.drop_request(connection, provider)


def forget_old_calls(connection: Connection, now: datetime) -> None:
    """Delete requests that are too old to be confirmed."""
    provider_calls.forget_requests(connection, now - REQUESTS_LAST)
