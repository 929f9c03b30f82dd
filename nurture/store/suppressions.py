"""Suppressions: addresses never to write to, kept as keyed hashes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, delete, select

from nurture.domain.suppression import SuppressionReason
from nurture.store.session import insert_new
from nurture.store.types import UtcDateTime, metadata

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)


def suppress(
    connection: Connection,
    address_hash: str,
    reason: SuppressionReason,
    now: datetime,
    detail: str = "",
) -> None:
    """Never write to that address again; the first reason stays."""
    row = {"address_hash": address_hash, "reason": reason, "since": now, "detail": detail}
    insert_new(connection, suppressions, [row])


def find_suppression(connection: Connection, address_hash: str) -> SuppressionReason | None:
    """Why the address is not written to, or `None` where it may be."""
    of_address = suppressions.c.address_hash == address_hash
    reason = connection.scalar(select(suppressions.c.reason).where(of_address))
    return SuppressionReason(reason) if reason else None


def suppression_of(connection: Connection, address_hash: str) -> dict[str, Any] | None:
    """The whole row about an address: reason, since when and the detail."""
    of_address = suppressions.c.address_hash == address_hash
    row = connection.execute(select(suppressions).where(of_address)).mappings().first()
    return dict(row) if row else None


def suppress_erased(connection: Connection, address_hash: str, now: datetime) -> None:
    """Never write to the address of an erased person again, whatever was known of it before."""
    of_address = suppressions.c.address_hash == address_hash
    connection.execute(delete(suppressions).where(of_address))
    suppress(connection, address_hash, SuppressionReason.ERASED, now)


def lift_suppression(connection: Connection, address_hash: str, reason: SuppressionReason) -> bool:
    """Write to the address again if it is suppressed for that reason; return whether it was."""
    lifted = connection.execute(
        delete(suppressions).where(
            suppressions.c.address_hash == address_hash, suppressions.c.reason == reason
        )
    )
    return lifted.rowcount > 0
