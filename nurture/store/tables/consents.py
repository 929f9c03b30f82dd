"""Consent records: append-only proof of every consent and every refusal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Table,
    Text,
    insert,
    select,
    update,
)

from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import ConsentChange, ConsentRecord, Evidence, Purpose
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import CONSENT, consents_withdrawn, list_withdrawals
from nurture.store.types import UtcDateTime, metadata

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("wording_hash", Text, nullable=False),
    Column("privacy_version", Text, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    # When it was said by the website's own account, where we were told after the fact.
    Column("said_at", UtcDateTime),
)


def record_consents(
    connection: Connection,
    subscriber_id: int,
    changes: Sequence[ConsentChange],
    *,
    source: str,
    privacy_version: str,
    evidence: Evidence,
    now: datetime,
    said_at: datetime | None = None,
) -> None:
    """Append the changes with their evidence, and update the subscriber's current consents.

    `said_at` is when they were made, if that is reported late. `source` says where: `form:<key>`,
    `guide-page`, `preferences`, `unsubscribe`, `resubscribe`, `quiet`, `stayed`, `studio`,
    `elsewhere` or `journal`.
    """
    if not changes:
        return
    shared = {
        "subscriber_id": subscriber_id,
        "recorded_at": now,
        "source": source,
        "privacy_version": privacy_version,
        "page_url": evidence.page_url,
        "client": evidence.client,
        "user_agent": evidence.user_agent,
        "said_at": said_at,
    }
    connection.execute(insert(consents), [shared | _row(change) for change in changes])
    _follow(connection, subscriber_id, changes)
    _list_withdrawn(connection, subscriber_id, changes, now)


def consent_history(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Return every record of one person, oldest first."""
    of_person = consents.c.subscriber_id == subscriber_id
    rows = connection.execute(select(consents).where(of_person).order_by(consents.c.id))
    return [dict(row) for row in rows.mappings()]


def consent_records(connection: Connection, subscriber_id: int) -> list[ConsentRecord]:
    """Return every consent and refusal of one person with its proof, oldest first.

    Purposes that only a newer program knows are skipped, here and below.
    """
    rows = consent_history(connection, subscriber_id)
    return [_record(row) for row in rows if known(Purpose, row["purpose"], None)]


def refused(connection: Connection, subscriber_id: int) -> frozenset[Purpose]:
    """Return the purposes whose latest record is a refusal."""
    latest = {row["purpose"]: row["granted"] for row in consent_history(connection, subscriber_id)}
    denied = [known(Purpose, purpose, None) for purpose, granted in latest.items() if not granted]
    return frozenset(filter(None, denied))


def last_said(
    connection: Connection, subscriber_id: int, address_hashes: Sequence[str]
) -> dict[Purpose, datetime]:
    """Return when each purpose was last granted or withdrawn, even if a restore has lost it."""
    said = [
        (row["purpose"], row["said_at"] or row["recorded_at"])
        for row in consent_history(connection, subscriber_id)
    ]
    said += consents_withdrawn(connection, address_hashes)
    latest: dict[Purpose, datetime] = {}
    for word, at in said:
        if purpose := known(Purpose, word, None):
            latest[purpose] = max(at, latest.get(purpose, at))
    return latest


def withdrawn_by(connection: Connection, subscriber_id: int, source: str) -> list[Purpose]:
    """Return the purposes whose latest record is a withdrawal from `source`."""
    latest = {row["purpose"]: row for row in consent_history(connection, subscriber_id)}
    withdrawn = [
        known(Purpose, purpose, None)
        for purpose, row in latest.items()
        if row["source"] == source and not row["granted"]
    ]
    return list(filter(None, withdrawn))


def _record(row: Mapping[str, Any]) -> ConsentRecord:
    return ConsentRecord(
        purpose=Purpose(row["purpose"]),
        granted=row["granted"],
        recorded_at=row["recorded_at"],
        source=row["source"],
        wording=row["wording"],
        wording_hash=row["wording_hash"],
        privacy_version=row["privacy_version"],
        evidence=Evidence(row["page_url"], row["client"], row["user_agent"]),
        said_at=row["said_at"],
    )


def _row(change: ConsentChange) -> dict[str, Any]:
    return {
        "purpose": change.purpose,
        "granted": change.granted,
        "wording": change.wording,
        "wording_hash": change.wording_hash,
    }


def _follow(connection: Connection, subscriber_id: int, changes: Sequence[ConsentChange]) -> None:
    of_person = subscribers.c.id == subscriber_id
    locked = select(subscribers.c.purposes).where(of_person).with_for_update(key_share=True)
    present = connection.scalars(locked).one()
    granted = {str(c.purpose) for c in changes if c.granted}
    withdrawn = {str(c.purpose) for c in changes if not c.granted}
    wanted = (present - withdrawn) | granted
    connection.execute(update(subscribers).where(of_person).values(purposes=wanted))


def _list_withdrawn(
    connection: Connection, subscriber_id: int, changes: Sequence[ConsentChange], now: datetime
) -> None:
    kinds = [f"{CONSENT}{change.purpose}" for change in changes if not change.granted]
    if kinds:
        whose = select(subscribers.c.address_hash).where(subscribers.c.id == subscriber_id)
        list_withdrawals(connection, connection.scalars(whose), kinds, now)
