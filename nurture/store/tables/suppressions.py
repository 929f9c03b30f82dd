"""Suppressions: addresses that must never be emailed, as keyed hashes, with a row per reason.

A lifted reason is remembered with the time up to which it was lifted, so that an older bounce that
is reported later changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nurture.domain.known_words import known
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason, strongest
from nurture.store.database import among, as_numbers
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import list_many, list_withdrawals
from nurture.store.types import UtcDateTime, metadata

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address_hash", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    # When it last happened, as far as is known; for a complaint and an erasure, when it first did.
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    # After a bounce the person asked for a guide once more: when, and which guide may be sent.
    sa.Column("asked_again_at", UtcDateTime),
    sa.Column("guide_of", sa.ForeignKey("enrolments.id")),
)

lifted_suppressions = sa.Table(
    "lifted_suppressions",
    metadata,
    sa.Column("address_hash", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("lifted_at", UtcDateTime, nullable=False),
)

_FIRST_COUNTS = (SuppressionReason.COMPLAINED, SuppressionReason.ERASED)


def suppress(
    connection: sa.Connection,
    address_hash: str,
    reason: SuppressionReason,
    at: datetime,
    detail: str = "",
) -> bool:
    """Stop emailing an address, because of what happened at that time.

    Other reasons are unchanged. Return whether the reason is in force: it is not if something later
    has lifted it.
    """
    lifted_at = find_lifted_at(connection, address_hash, reason)
    if lifted_at is not None and at < lifted_at:
        return bool(_row(connection, address_hash, reason))
    row = {"address_hash": address_hash, "reason": reason, "since": at, "detail": detail}
    insert = _insert(connection, suppressions).values(row)
    told, stored = insert.excluded, suppressions.c
    counts = told.since < stored.since if reason in _FIRST_COUNTS else told.since > stored.since
    newer = {
        name: sa.case((counts, told[name]), else_=stored[name]) for name in ("since", "detail")
    }
    connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=newer))
    list_withdrawals(connection, [address_hash], [reason], at)
    return True


def take_back(
    connection: sa.Connection,
    address_hash: str,
    reason: SuppressionReason,
    since: datetime,
    detail: str,
) -> bool:
    """Remove a reason as if it had never been given, unless it has been given again since."""
    that = _that(address_hash, reason) & (suppressions.c.detail == detail)
    exactly = that & (suppressions.c.since == since)
    return connection.execute(sa.delete(suppressions).where(exactly)).rowcount > 0


def suppress_as_elsewhere(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Suppress addresses as another installation did; a reason that is in force takes the row's.

    The rows are columns of the table, one for each address and reason.
    """
    if not rows:
        return
    insert = _insert(connection, suppressions)
    newer = {name: insert.excluded[name] for name in ("since", "detail")}
    connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=newer), list(rows))
    list_many(connection, [(one["address_hash"], one["reason"], one["since"]) for one in rows])


def lift_as_elsewhere(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Remember up to when reasons were lifted elsewhere, which lifts none that is in force here."""
    for row in rows:
        _remember(connection, row["address_hash"], row["reason"], row["lifted_at"])


def standing_since(
    connection: sa.Connection, address_hashes: Collection[str]
) -> dict[tuple[str, str], datetime]:
    """Return since when each reason is in force for these addresses, as it is stored."""
    columns = (suppressions.c.address_hash, suppressions.c.reason, suppressions.c.since)
    theirs = suppressions.c.address_hash.in_(address_hashes)
    return {
        (row[0], row[1]): row[2] for row in connection.execute(sa.select(*columns).where(theirs))
    }


def lifted_up_to(
    connection: sa.Connection, address_hashes: Collection[str]
) -> dict[tuple[str, str], datetime]:
    """Return up to when each reason has been lifted for these addresses."""
    lifted = lifted_suppressions.c
    columns = (lifted.address_hash, lifted.reason, lifted.lifted_at)
    theirs = lifted.address_hash.in_(address_hashes)
    return {
        (row[0], row[1]): row[2] for row in connection.execute(sa.select(*columns).where(theirs))
    }


def is_newer(reason: str, told: datetime, stored: datetime) -> bool:
    """Return whether a report changes since when a reason is in force."""
    return told < stored if reason in _FIRST_COUNTS else told > stored


def lift_suppression(
    connection: sa.Connection,
    address_hash: str,
    reason: SuppressionReason,
    at: datetime | None = None,
) -> bool:
    """Lift one reason and leave the others; return whether it was in force and no longer is.

    With a time, earlier events that are reported later change nothing either. Without one, the
    reason disappears as if it had never existed.
    """
    that = _that(address_hash, reason)
    if not stands(connection, address_hash, reason):
        return False
    if at is not None:
        _remember(connection, address_hash, reason, at)
        that &= suppressions.c.since <= at
    return connection.execute(sa.delete(suppressions).where(that)).rowcount > 0


def find_lifted_at(
    connection: sa.Connection, address_hash: str, reason: SuppressionReason
) -> datetime | None:
    """Return up to when a reason has been lifted, if it ever was."""
    lifted = lifted_suppressions.c
    that = (lifted.address_hash == address_hash) & (lifted.reason == reason)
    found: datetime | None = connection.scalar(sa.select(lifted.lifted_at).where(that))
    return found


def allow_guide(
    connection: sa.Connection, address_hash: str, enrolment_id: int, now: datetime
) -> None:
    """Let the guide of one enrolment be sent, once, to an address that has bounced."""
    connection.execute(
        sa.update(suppressions)
        .where(_that(address_hash, SuppressionReason.BOUNCED))
        .values(asked_again_at=now, guide_of=enrolment_id)
    )


def suppressions_of(connection: sa.Connection, address_hash: str) -> list[Suppression]:
    """Return every reason in force for an address, in the order of their names."""
    found = sa.select(suppressions).where(suppressions.c.address_hash == address_hash)
    rows = connection.execute(found.order_by(suppressions.c.reason)).mappings()
    return [as_suppression(row) for row in rows]


def find_suppression(connection: sa.Connection, address_hash: str) -> SuppressionReason | None:
    """Return the strongest reason why an address is not emailed, or `None` if it may be."""
    return strongest(one.reason for one in suppressions_of(connection, address_hash))


def stands(connection: sa.Connection, address_hash: str, reason: SuppressionReason) -> bool:
    """Return whether an address is suppressed for that reason."""
    return bool(_row(connection, address_hash, reason))


def standing_of(
    connection: sa.Connection, subscriber_ids: Iterable[int]
) -> dict[int, list[Suppression]]:
    """Return the reasons in force for each of these people who is suppressed at all."""
    found = (
        sa.select(subscribers.c.id.label("subscriber"), suppressions)
        .join(subscribers, subscribers.c.address_hash == suppressions.c.address_hash)
        .where(among(connection.dialect.name, subscribers.c.id, "people"))
    )
    rows = connection.execute(found, {"people": as_numbers(connection, subscriber_ids)})
    reasons: dict[int, list[Suppression]] = {}
    for row in rows.mappings():
        reasons.setdefault(row["subscriber"], []).append(as_suppression(row))
    return reasons


def every_suppression(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """Return every reason in force, with the address if it is known, newest first."""
    known = subscribers.c.address_hash == suppressions.c.address_hash
    found = sa.select(suppressions, subscribers.c.address).outerjoin(
        subscribers, known & subscribers.c.address.is_not(None)
    )
    order = (suppressions.c.since.desc(), suppressions.c.address_hash, suppressions.c.reason)
    return connection.execute(found.order_by(*order)).mappings().all()


def suppress_erased(connection: sa.Connection, address_hash: str, now: datetime) -> None:
    """Never email the address of an erased person again, whatever was known about it before."""
    for table in (suppressions, lifted_suppressions):
        connection.execute(sa.delete(table).where(table.c.address_hash == address_hash))
    suppress(connection, address_hash, SuppressionReason.ERASED, now)


def rename_address(connection: sa.Connection, person: int, before: str, after: str) -> None:
    """Give an address another keyed hash, in its subscriber and in its suppressions."""
    theirs = subscribers.c.id == person
    connection.execute(sa.update(subscribers).where(theirs).values(address_hash=after))
    for table in (suppressions, lifted_suppressions):
        that = table.c.address_hash == before
        connection.execute(sa.update(table).where(that).values(address_hash=after))


def empty_details_of(connection: sa.Connection, people: Collection[int]) -> None:
    """Clear what was reported about these people's addresses: mail servers often name them."""
    theirs = sa.select(subscribers.c.address_hash).where(subscribers.c.id.in_(people))
    that = suppressions.c.address_hash.in_(theirs)
    connection.execute(sa.update(suppressions).where(that).values(detail=""))


def as_suppression(row: sa.RowMapping) -> Suppression:
    """Return a row as a value; a reason that only a newer program knows can never be lifted."""
    return Suppression(
        known(SuppressionReason, row["reason"], SuppressionReason.COMPLAINED),
        row["since"],
        row["detail"],
        row["asked_again_at"],
        row["guide_of"],
    )


def _remember(
    connection: sa.Connection, address_hash: str, reason: SuppressionReason, at: datetime
) -> None:
    row = {"address_hash": address_hash, "reason": reason, "lifted_at": at}
    insert = _insert(connection, lifted_suppressions).values(row)
    told, stored = insert.excluded.lifted_at, lifted_suppressions.c.lifted_at
    later = {"lifted_at": sa.case((told > stored, told), else_=stored)}
    connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=later))


_KEY = ["address_hash", "reason"]


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def _that(address_hash: str, reason: SuppressionReason) -> Any:
    return (suppressions.c.address_hash == address_hash) & (suppressions.c.reason == reason)


def _row(connection: sa.Connection, address_hash: str, reason: SuppressionReason) -> int:
    counted = (
        sa.select(sa.func.count()).select_from(suppressions).where(_that(address_hash, reason))
    )
    return connection.scalar(counted) or 0
