"""Signups: each submission of a form, and the keys that make a repeat harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from nurture.store.database import insert_new
from nurture.store.types import Json, UtcDateTime, metadata

signups = sa.Table(
    "signups",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subscriber_id", sa.ForeignKey("subscribers.id"), nullable=False, index=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("signed_up_at", UtcDateTime, nullable=False),
    sa.Column("page_url", sa.Text, nullable=False),
    sa.Column("utm", Json, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    # When we were told of it, if that was later than it happened.
    sa.Column("received_at", UtcDateTime),
    sa.Index("ix_signups_client_signed_up_at", "client", "signed_up_at"),
    sa.Index("ix_signups_form_signed_up_at", "form", "signed_up_at"),
    sa.Index(
        "ix_signups_received_at",
        "received_at",
        sqlite_where=sa.text("received_at IS NOT NULL"),
        postgresql_where=sa.text("received_at IS NOT NULL"),
    ),
)

signup_keys = sa.Table(
    "signup_keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class SignupCounts:
    """How many signups came from one client and through one form since a given moment."""

    from_client: int
    through_form: int


def add_signup(
    connection: sa.Connection,
    *,
    subscriber_id: int,
    form: str,
    page_url: str,
    utm: Mapping[str, str],
    client: str,
    now: datetime,
    received_at: datetime | None = None,
) -> None:
    """Record that a form was submitted; `received_at` is when we heard of it, if later."""
    connection.execute(
        sa.insert(signups).values(
            subscriber_id=subscriber_id,
            form=form,
            signed_up_at=now,
            page_url=page_url,
            utm=dict(utm),
            client=client,
            received_at=received_at,
        )
    )


def is_signup(connection: sa.Connection, subscriber_id: int, form: str, at: datetime) -> bool:
    """Return whether a submission of a form at that time has already been recorded."""
    theirs = (signups.c.subscriber_id == subscriber_id) & (signups.c.form == form)
    same = sa.select(signups.c.id).where(theirs, signups.c.signed_up_at == at)
    return connection.scalar(same.limit(1)) is not None


def count_signups(
    connection: sa.Connection, client: str, form: str, since: datetime, most: int
) -> SignupCounts:
    """Count what we received lately; counting stops at `most`, so that a flood stays cheap."""
    late = signups.c.received_at > since
    in_time = (signups.c.signed_up_at > since) & signups.c.received_at.is_(None)
    of_client, of_form = signups.c.client == client, signups.c.form == form

    def count(whose: sa.ColumnElement[bool]) -> int:
        found = (sa.select(signups.c.id).where(whose, when).limit(most) for when in (in_time, late))
        counted = (sa.select(sa.func.count()).select_from(q.subquery()) for q in found)
        return sum(connection.scalar(q) or 0 for q in counted)

    return SignupCounts(count(of_client), count(of_form))


def count_by_form(connection: sa.Connection, since: datetime) -> dict[str, int]:
    """Count the signups through each form since a given moment."""
    recent = signups.c.signed_up_at > since
    counted = sa.select(signups.c.form, sa.func.count()).where(recent).group_by(signups.c.form)
    return {row[0]: row[1] for row in connection.execute(counted)}


def keep_key(connection: sa.Connection, key: str, digest: str, now: datetime) -> str | None:
    """Remember an idempotency key; return the digest stored with it if it was already known."""
    row = {"key": key, "digest": digest, "kept_at": now}
    if insert_new(connection, signup_keys, [row], "key"):
        return None
    known = sa.select(signup_keys.c.digest).where(signup_keys.c.key == key)
    return str(connection.scalars(known).one())


def forget_old_keys(connection: sa.Connection, now: datetime, kept_for: timedelta) -> int:
    """Delete idempotency keys that nobody will repeat any more; return how many."""
    old = signup_keys.c.kept_at < now - kept_for
    return connection.execute(sa.delete(signup_keys).where(old)).rowcount
