"""Suppressions: addresses that must never be emailed, as keyed hashes, with a row per reason.

A lifted reason is remembered with the time up to which it was lifted, so that an older bounce that
is reported later changes nothing.

A bounce is about one spelling of an address. Every other reason is about the mailbox: it is also
stored under the hash of the mailbox's key (`subscribers.mailbox_hash`), and all spellings heed it.
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

_BOUNCED = SuppressionReason.BOUNCED

#: Whether a reason counts for every spelling of the mailbox.
_IS_OF_MAILBOX = suppressions.c.reason != _BOUNCED

#: Whether a reason counts for a subscriber, in a statement that has both tables.
COUNTS_FOR_SUBSCRIBER: sa.ColumnElement[bool] = suppressions.c.address_hash.in_(
    [subscribers.c.address_hash, subscribers.c.mailbox_hash]
) & (_IS_OF_MAILBOX | (suppressions.c.address_hash == subscribers.c.address_hash))

#: Whether any reason counts for a subscriber, in a statement about subscribers.
IS_SUPPRESSED: sa.ColumnElement[bool] = (
    sa.exists().where(COUNTS_FOR_SUBSCRIBER).correlate(subscribers)
)


def suppress(
    connection: sa.Connection,
    address_hash: str,
    reason: SuppressionReason,
    at: datetime,
    detail: str = "",
    mailbox_hash: str | None = None,
) -> bool:
    """Stop emailing an address, and its mailbox, because of what happened at that time.

    Other reasons are unchanged. Return whether the reason is in force: it is not if something later
    has lifted it. Only for an address of nobody known does the mailbox have to be given.
    """
    counts = _suppress(connection, address_hash, reason, at, detail)
    if reason is not _BOUNCED and (
        mailbox := mailbox_hash or find_mailbox(connection, address_hash)
    ):
        _suppress(connection, mailbox, _for_mailbox(reason), at, detail)
    return counts


def _suppress(
    connection: sa.Connection,
    address_hash: str,
    reason: SuppressionReason,
    at: datetime,
    detail: str,
) -> bool:
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
    exactly = (suppressions.c.since == since) & (suppressions.c.detail == detail)
    found = [
        connection.execute(sa.delete(suppressions).where(_that(*one), exactly)).rowcount
        for one in _places(connection, address_hash, reason)
    ]
    return found[0] > 0


def suppress_as_elsewhere(
    connection: sa.Connection,
    rows: Sequence[Mapping[str, Any]],
    mailboxes: Mapping[str, str | None],
) -> None:
    """Suppress addresses as another installation did; a reason that is in force takes the row's.

    The rows are columns of the table, one for each address and reason, and `mailboxes` the hashes
    of the mailboxes of those addresses that are one of several spellings.
    """
    if not rows:
        return
    insert = _insert(connection, suppressions)
    newer = {name: insert.excluded[name] for name in ("since", "detail")}
    connection.execute(insert.on_conflict_do_update(index_elements=_KEY, set_=newer), list(rows))
    list_many(connection, [(one["address_hash"], one["reason"], one["since"]) for one in rows])
    for row in rows:
        reason = known(SuppressionReason, row["reason"], SuppressionReason.COMPLAINED)
        mailbox = mailboxes.get(row["address_hash"])
        if mailbox and reason is not _BOUNCED:
            _suppress(connection, mailbox, _for_mailbox(reason), row["since"], row["detail"])


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

    It is lifted from the mailbox as well. With a time, earlier events that are reported later
    change nothing either. Without one, the reason disappears as if it had never existed.
    """
    if not stands(connection, address_hash, reason):
        return False
    for place in _places(connection, address_hash, reason):
        that = _that(*place)
        if at is not None:
            _remember(connection, *place, at)
            that &= suppressions.c.since <= at
        connection.execute(sa.delete(suppressions).where(that))
    return not stands(connection, address_hash, reason)


def find_mailbox(connection: sa.Connection, address_hash: str) -> str | None:
    """Return the hash of the mailbox that an address is one spelling of, if it is known."""
    found: str | None = connection.scalar(_mailbox_of(address_hash).limit(1))
    return found


def _mailbox_of(address_hash: str) -> sa.Select[Any]:
    theirs = subscribers.c.address_hash == address_hash
    return sa.select(subscribers.c.mailbox_hash).where(
        theirs, subscribers.c.mailbox_hash.is_not(None)
    )


def _places(
    connection: sa.Connection, address_hash: str, reason: SuppressionReason
) -> list[tuple[str, SuppressionReason]]:
    """Return under which hash and reason a refusal is stored: the address, then its mailbox."""
    mailbox = None if reason is _BOUNCED else find_mailbox(connection, address_hash)
    own = [(address_hash, reason)]
    return [*own, (mailbox, _for_mailbox(reason))] if mailbox else own


def _for_mailbox(reason: SuppressionReason) -> SuppressionReason:
    """Return the reason stored for the mailbox: erasing one spelling erases no other's rows."""
    erased = reason is SuppressionReason.ERASED
    return SuppressionReason.UNSUBSCRIBED if erased else reason


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
    """Return every reason in force for an address or its mailbox, in the order of their names."""
    counts = _counts_for(address_hash)
    rows = connection.execute(sa.select(suppressions).where(counts)).mappings().all()
    return _each_once(rows, address_hash)


def refusals_of_mailbox(connection: sa.Connection, mailbox_hash: str | None) -> list[Suppression]:
    """Return why a mailbox is not emailed, for a spelling that nobody known has; never a bounce."""
    theirs = suppressions.c.address_hash == (mailbox_hash or "")
    found = sa.select(suppressions).where(theirs, _IS_OF_MAILBOX)
    return _each_once(connection.execute(found).mappings().all(), "")


def _counts_for(address_hash: str) -> sa.ColumnElement[bool]:
    of_mailbox = suppressions.c.address_hash.in_(_mailbox_of(address_hash)) & _IS_OF_MAILBOX
    return (suppressions.c.address_hash == address_hash) | of_mailbox


def _each_once(rows: Iterable[sa.RowMapping], own_hash: str) -> list[Suppression]:
    """Return each reason once, the address's own rather than its mailbox's."""
    found: dict[str, Suppression] = {}
    for row in sorted(rows, key=lambda one: one["address_hash"] == own_hash):
        of_mailbox = row["address_hash"] != own_hash
        found[row["reason"]] = as_suppression(row, of_mailbox=of_mailbox)
    return [found[reason] for reason in sorted(found)]


def find_suppression(connection: sa.Connection, address_hash: str) -> SuppressionReason | None:
    """Return the strongest reason why an address is not emailed, or `None` if it may be."""
    return strongest(one.reason for one in suppressions_of(connection, address_hash))


def stands(connection: sa.Connection, address_hash: str, reason: SuppressionReason) -> bool:
    """Return whether an address, or its mailbox, is suppressed for that reason."""
    theirs = _counts_for(address_hash) & (suppressions.c.reason == reason)
    return connection.scalar(sa.select(sa.exists().where(theirs))) is True


def standing_of(
    connection: sa.Connection, subscriber_ids: Iterable[int]
) -> dict[int, list[Suppression]]:
    """Return the reasons in force for each of these people who is suppressed at all."""
    of = (subscribers.c.id.label("subscriber"), subscribers.c.address_hash.label("own_hash"))
    found = (
        sa.select(*of, suppressions)
        .join(subscribers, COUNTS_FOR_SUBSCRIBER)
        .where(among(connection.dialect.name, subscribers.c.id, "people"))
    )
    rows = connection.execute(found, {"people": as_numbers(connection, subscriber_ids)})
    theirs: dict[tuple[int, str], list[sa.RowMapping]] = {}
    for row in rows.mappings():
        theirs.setdefault((row["subscriber"], row["own_hash"]), []).append(row)
    return {person: _each_once(several, own) for (person, own), several in theirs.items()}


def every_suppression(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """Return every reason in force, with the address if it is known, newest first.

    What a mailbox only repeats of one of its spellings is left out.
    """
    known = subscribers.c.address_hash == suppressions.c.address_hash
    found = (
        sa.select(suppressions, subscribers.c.address)
        .outerjoin(subscribers, known & subscribers.c.address.is_not(None))
        .where(~repeats_a_spelling())
    )
    order = (suppressions.c.since.desc(), suppressions.c.address_hash, suppressions.c.reason)
    return connection.execute(found.order_by(*order)).mappings().all()


def repeats_a_spelling() -> sa.ColumnElement[bool]:
    """Return the condition that a mailbox's row only repeats what one of its spellings said."""
    spelt, person = suppressions.alias(), subscribers.alias()
    same = (spelt.c.address_hash == person.c.address_hash) & (
        person.c.mailbox_hash == suppressions.c.address_hash
    )
    return (
        sa.exists()
        .where(same, spelt.c.since == suppressions.c.since, spelt.c.reason != _BOUNCED)
        .correlate(suppressions)
    )


def suppress_erased(
    connection: sa.Connection, address_hash: str, now: datetime, mailbox_hash: str | None = None
) -> None:
    """Never email the address of an erased person again, whatever was known about it before."""
    for table in (suppressions, lifted_suppressions):
        connection.execute(sa.delete(table).where(table.c.address_hash == address_hash))
    suppress(connection, address_hash, SuppressionReason.ERASED, now, mailbox_hash=mailbox_hash)


def rename_address(connection: sa.Connection, before: str, after: str) -> None:
    """Give an address another keyed hash, in its subscribers and in its suppressions."""
    for column in (subscribers.c.address_hash, subscribers.c.mailbox_hash):
        renamed = sa.update(subscribers).where(column == before)
        connection.execute(renamed.values({column.name: after}))
    for table in (suppressions, lifted_suppressions):
        that = table.c.address_hash == before
        connection.execute(sa.update(table).where(that).values(address_hash=after))


def empty_details_of(connection: sa.Connection, people: Collection[int]) -> None:
    """Clear what was reported about these people's addresses: mail servers often name them."""
    for column in (subscribers.c.address_hash, subscribers.c.mailbox_hash):
        theirs = sa.select(column).where(subscribers.c.id.in_(people), column.is_not(None))
        that = suppressions.c.address_hash.in_(theirs)
        connection.execute(sa.update(suppressions).where(that).values(detail=""))


def as_suppression(row: sa.RowMapping, *, of_mailbox: bool = False) -> Suppression:
    """Return a row as a value; a reason that only a newer program knows can never be lifted."""
    return Suppression(
        known(SuppressionReason, row["reason"], SuppressionReason.COMPLAINED),
        row["since"],
        row["detail"],
        row["asked_again_at"],
        row["guide_of"],
        of_mailbox,
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
