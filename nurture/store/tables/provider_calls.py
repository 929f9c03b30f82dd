"""What is remembered about providers' calls: used tokens, and requests to be confirmed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Table, Text, delete, select

from nurture.store.database import insert_new
from nurture.store.types import UtcDateTime, metadata

#: The digest of each token, with the digest of what it first came with.
used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token", Text, primary_key=True),
    Column("used_for", Text, nullable=False),
    Column("used_at", UtcDateTime, nullable=False, index=True),
)

#: The newest request of each provider; deleted as soon as the owner has agreed to it.
call_requests = Table(
    "call_requests",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A provider's question about whether its calls are wanted; opening `address` says yes."""

    provider: str
    address: str
    asked_at: datetime


def use_token(connection: Connection, token: str, used_for: str, now: datetime) -> bool:
    """Return whether a token is valid for this: it is unused, or was used for exactly this."""
    row = {"token": token, "used_for": used_for, "used_at": now}
    insert_new(connection, used_tokens, [row])
    first = select(used_tokens.c.used_for).where(used_tokens.c.token == token)
    return connection.scalar(first) == used_for


def forget_tokens(connection: Connection, before: datetime) -> None:
    """Forget tokens used before then, which no signature can make valid any more."""
    connection.execute(delete(used_tokens).where(used_tokens.c.used_at < before))


def keep_request(connection: Connection, request: CallRequest) -> None:
    """Store a request in place of that provider's last one."""
    drop_request(connection, request.provider)
    columns = CallRequest.__dataclass_fields__
    row = {name: getattr(request, name) for name in columns}
    insert_new(connection, call_requests, [row])


def drop_request(connection: Connection, provider: str) -> None:
    """Forget a provider's request."""
    connection.execute(delete(call_requests).where(call_requests.c.provider == provider))


def forget_requests(connection: Connection, before: datetime) -> None:
    """Forget requests from before then that nobody has answered."""
    connection.execute(delete(call_requests).where(call_requests.c.asked_at < before))


def find_request(connection: Connection, provider: str, since: datetime) -> CallRequest | None:
    """Return the current request of a provider."""
    asked = select(call_requests).where(
        call_requests.c.provider == provider, call_requests.c.asked_at >= since
    )
    row = connection.execute(asked).mappings().one_or_none()
    return CallRequest(**row) if row else None
