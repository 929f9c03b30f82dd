"""Consent records: append-only proof of every consent and every refusal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import (
    ConsentChange,
    ConsentRecord,
    Evidence,
    Origin,
    Purpose,
)
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import CONSENT, consents_withdrawn, list_withdrawals
from nurture.store.types import UtcDateTime, metadata

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("granted", sa.Boolean, nullable=False),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("wording", sa.Text, nullable=False),
    sa.Column("wording_hash", sa.Text, nullable=False),
    sa.Column("privacy_version", sa.Text, nullable=False),
    sa.Column("page_url", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    # When it was said according to the website, if we were told only afterwards.
    sa.Column("said_at", UtcDateTime),
)


def record_consents(
    connection: sa.Connection,
    subscriber_id: int,
    changes: Sequence[ConsentChange],
    where: Origin,
    when: datetime,
    said_at: datetime | None = None,
) -> None:
    """Append each purpose granted or withdrawn, with its wording, where and when it was said.

    No other function writes consent records. The subscriber's current consents are updated, and
    every withdrawal is listed for the journal. If we learn of a consent only afterwards, `said_at`
    is its time according to the website.
    """
    if not changes:
        return
    shared = {
        "subscriber_id": subscriber_id,
        "recorded_at": when,
        "source": where.source,
        "privacy_version": where.privacy_version,
        "page_url": where.evidence.page_url,
        "client": where.evidence.client,
        "user_agent": where.evidence.user_agent,
        "said_at": said_at,
    }
    rows = [shared | asdict(one) | {"wording_hash": one.wording_hash} for one in changes]
    connection.execute(sa.insert(consents), rows)
    _follow(connection, subscriber_id, changes)
    _list_withdrawn(connection, subscriber_id, changes, when)


def consent_history(connection: sa.Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Return every record of one person, oldest first."""
    of_person = consents.c.subscriber_id == subscriber_id
    rows = connection.execute(sa.select(consents).where(of_person).order_by(consents.c.id))
    return [dict(row) for row in rows.mappings()]


def consent_records(connection: sa.Connection, subscriber_id: int) -> list[ConsentRecord]:
    """Return every consent and refusal of one person with its proof, oldest first.

    Purposes that only a newer program knows are skipped, here and below.
    """
    rows = consent_history(connection, subscriber_id)
    return [_record(row) for row in rows if known(Purpose, row["purpose"], None)]


def refused(connection: sa.Connection, subscriber_id: int) -> frozenset[Purpose]:
    """Return the purposes whose latest record is a refusal."""
    latest = {row["purpose"]: row["granted"] for row in consent_history(connection, subscriber_id)}
    denied = [known(Purpose, purpose, None) for purpose, granted in latest.items() if not granted]
    return frozenset(filter(None, denied))


def last_said(
    connection: sa.Connection, subscriber_id: int | None, address_hashes: Sequence[str]
) -> dict[Purpose, datetime]:
    """Return when each purpose was last granted or withdrawn.

    The hashes find what was withdrawn before a restore that forgot it, or forgot the subscriber.
    """
    history = consent_history(connection, subscriber_id) if subscriber_id else []
    said = [(row["purpose"], row["said_at"] or row["recorded_at"]) for row in history]
    said += consents_withdrawn(connection, address_hashes)
    latest: dict[Purpose, datetime] = {}
    for word, at in said:
        if purpose := known(Purpose, word, None):
            latest[purpose] = max(at, latest.get(purpose, at))
    return latest


def withdrawn_by(
    connection: sa.Connection, subscriber_id: int, sources: Collection[str]
) -> frozenset[Purpose]:
    """Return the purposes whose latest record is a withdrawal that came from one of `sources`."""
    latest = {row["purpose"]: row for row in consent_history(connection, subscriber_id)}
    withdrawn = [
        known(Purpose, purpose, None)
        for purpose, row in latest.items()
        if row["source"] in sources and not row["granted"]
    ]
    return frozenset(filter(None, withdrawn))


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


def _follow(
    connection: sa.Connection, subscriber_id: int, changes: Sequence[ConsentChange]
) -> None:
    of_person = subscribers.c.id == subscriber_id
    locked = sa.select(subscribers.c.purposes).where(of_person).with_for_update(key_share=True)
    present = connection.scalars(locked).one()
    granted = {str(c.purpose) for c in changes if c.granted}
    withdrawn = {str(c.purpose) for c in changes if not c.granted}
    wanted = (present - withdrawn) | granted
    connection.execute(sa.update(subscribers).where(of_person).values(purposes=wanted))


def _list_withdrawn(
    connection: sa.Connection, subscriber_id: int, changes: Sequence[ConsentChange], now: datetime
) -> None:
    kinds = [f"{CONSENT}{change.purpose}" for change in changes if not change.granted]
    if kinds:
        whose = sa.select(subscribers.c.address_hash).where(subscribers.c.id == subscriber_id)
        list_withdrawals(connection, connection.scalars(whose), kinds, now)
