"""Signups: each submission of a form, and the keys that make a repeat harmless."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from nurture.domain.door.networks import NetworkChain
from nurture.domain.door.sources import source_of
from nurture.domain.door.waiting import HourlyLimits, LastHour
from nurture.store.database import insert_new
from nurture.store.types import Json, UtcDateTime, metadata

#: The networks of a visitor whose address is not known.
NO_NETWORK = NetworkChain()

#: The columns that say where a signup came from.
SOURCE_COLUMNS = ("utm_source", "utm_medium", "utm_campaign", "page")


def _empty(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, default="", server_default="")


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
    # The visitor's connection, neighbourhood and provider, and whether the neighbourhood had a
    # signup in the hour before.
    _empty("near"),
    _empty("site"),
    _empty("wide"),
    sa.Column("again", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    # What figures are counted by; it follows from the page and the UTM parameters.
    *(_empty(name) for name in SOURCE_COLUMNS),
    sa.Index("ix_signups_client_signed_up_at", "client", "signed_up_at"),
    sa.Index("ix_signups_form_signed_up_at", "form", "signed_up_at"),
    sa.Index("ix_signups_site_signed_up_at", "site", "signed_up_at"),
    sa.Index(
        "ix_signups_again",
        "form",
        "signed_up_at",
        sqlite_where=sa.text("again = 1"),
        postgresql_where=sa.text("again"),
    ),
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
    networks: NetworkChain = NO_NETWORK,
    again: bool = False,
) -> None:
    """Record that a form was submitted; `received_at` is when we heard of it, if later.

    `networks` are the visitor's; `again` says that they had a signup within the hour.
    """
    connection.execute(
        sa.insert(signups).values(
            subscriber_id=subscriber_id,
            form=form,
            signed_up_at=now,
            page_url=page_url,
            utm=dict(utm),
            client=client,
            received_at=received_at,
            near=networks.near,
            site=networks.site,
            wide=networks.wide,
            again=again,
            **source_columns(utm, page_url),
        )
    )


def source_columns(utm: Mapping[str, str], page_url: str) -> dict[str, str]:
    """Return the columns that say where a signup came from."""
    return dict(zip(SOURCE_COLUMNS, source_of(utm, page_url), strict=True))


def is_signup(connection: sa.Connection, subscriber_id: int, form: str, at: datetime) -> bool:
    """Return whether a submission of a form at that time has already been recorded."""
    theirs = (signups.c.subscriber_id == subscriber_id) & (signups.c.form == form)
    same = sa.select(signups.c.id).where(theirs, signups.c.signed_up_at == at)
    return connection.scalar(same.limit(1)) is not None


def taken_from(
    connection: sa.Connection,
    form: str,
    networks: NetworkChain,
    since: datetime,
    limits: HourlyLimits,
) -> LastHour:
    """Count what was taken from a visitor's networks and through a form.

    Counting stops where more would change nothing, and providers are counted only in a flood.
    """
    most = max(limits.blind, limits.form)
    c = signups.c
    theirs = sa.select(c.near).where(c.site == networks.site, c.signed_up_at > since).limit(most)
    near = list(connection.scalars(theirs))
    again = (c.form == form) & c.again & (c.signed_up_at > since)
    taken = LastHour(
        from_near=near.count(networks.near),
        from_site=len(near),
        again=_count(connection, again, most),
        through_form=_through_form(connection, form, since, most),
    )
    return (
        _with_providers(connection, form, networks, since, taken) if limits.many(taken) else taken
    )


def _with_providers(
    connection: sa.Connection, form: str, networks: NetworkChain, since: datetime, taken: LastHour
) -> LastHour:
    """Add how many providers' networks came through a form, and how often this one did."""
    c = signups.c
    this = sa.func.sum(sa.case((c.wide == networks.wide, 1), else_=0))
    chosen = sa.select(sa.func.count(c.wide.distinct()), this)
    within = (c.form == form) & (c.signed_up_at > since) & (c.wide != "")
    wides, from_wide = connection.execute(chosen.where(within)).one()
    return replace(taken, wides=wides, from_wide=from_wide or 0)


def taken_blindly(
    connection: sa.Connection, form: str, client: str, since: datetime, most: int
) -> LastHour:
    """Count what was taken from a caller that names no visitors, and through a form."""
    return LastHour(
        from_client=_received(connection, signups.c.client == client, since, most) if client else 0,
        through_form=_through_form(connection, form, since, most),
    )


def _through_form(connection: sa.Connection, form: str, since: datetime, most: int) -> int:
    return _received(connection, signups.c.form == form, since, most)


def _received(
    connection: sa.Connection, whose: sa.ColumnElement[bool], since: datetime, most: int
) -> int:
    """Count what we received since then, however long ago it happened."""
    late = signups.c.received_at > since
    in_time = (signups.c.signed_up_at > since) & signups.c.received_at.is_(None)
    return sum(_count(connection, whose & when, most) for when in (in_time, late))


def _count(connection: sa.Connection, where: sa.ColumnElement[bool], most: int) -> int:
    found = sa.select(signups.c.id).where(where).limit(most).subquery()
    return connection.scalar(sa.select(sa.func.count()).select_from(found)) or 0


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
