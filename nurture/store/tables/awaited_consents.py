"""Awaited ticks: boxes ticked in a form that count only once the person confirms them."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.known_words import known
from nurture.domain.subscribers.awaited import AwaitedConsent
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.store.types import UtcDateTime, metadata

awaited_consents = sa.Table(
    "awaited_consents",
    metadata,
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("wording", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("said_at", UtcDateTime, nullable=False, index=True),
    sa.Column("privacy_version", sa.Text, nullable=False),
    sa.Column("page_url", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
)

_whose = awaited_consents.c.subscriber_id


def await_consents(
    connection: sa.Connection, subscriber_id: int, ticked: Iterable[AwaitedConsent]
) -> None:
    """Keep each tick until it is confirmed; of two for one purpose, the newest counts."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    for one in ticked:
        insert = dialect.insert(awaited_consents).values(_row(subscriber_id, one))
        newer = {
            column.name: insert.excluded[column.name]
            for column in awaited_consents.c
            if not column.primary_key
        }
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["subscriber_id", "purpose"],
                set_=newer,
                where=insert.excluded.said_at >= awaited_consents.c.said_at,
            )
        )


def awaited_of(connection: sa.Connection, subscriber_id: int) -> list[AwaitedConsent]:
    """Return what one person has ticked and not confirmed; purposes of newer programs are left."""
    found = sa.select(awaited_consents).where(_whose == subscriber_id)
    rows = connection.execute(found.order_by(awaited_consents.c.purpose)).mappings()
    return [
        AwaitedConsent(
            Purpose(row["purpose"]),
            row["wording"],
            row["form"],
            row["said_at"],
            row["privacy_version"],
            Evidence(row["page_url"], row["client"], row["user_agent"]),
        )
        for row in rows
        if known(Purpose, row["purpose"], None)
    ]


def drop_awaited(
    connection: sa.Connection,
    subscriber_ids: Collection[int],
    purposes: Collection[Purpose] | None = None,
) -> None:
    """Forget these ticks of these people, or all of theirs."""
    theirs = sa.delete(awaited_consents).where(_whose.in_(subscriber_ids))
    if purposes is not None:
        theirs = theirs.where(awaited_consents.c.purpose.in_(purposes))
    connection.execute(theirs)


def drop_stale(connection: sa.Connection, before: datetime) -> int:
    """Forget ticks from before then that nobody has confirmed; return how many."""
    stale = sa.delete(awaited_consents).where(awaited_consents.c.said_at < before)
    return connection.execute(stale).rowcount


def _row(subscriber_id: int, one: AwaitedConsent) -> dict[str, object]:
    return {
        "subscriber_id": subscriber_id,
        "purpose": one.purpose,
        "wording": one.wording,
        "form": one.form,
        "said_at": one.said_at,
        "privacy_version": one.privacy_version,
        "page_url": one.evidence.page_url,
        "client": one.evidence.client,
        "user_agent": one.evidence.user_agent,
    }
