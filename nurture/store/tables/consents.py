"""Consent records: append-only proof of every consent and every refusal."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from nurture.domain.known_words import known
from nurture.domain.rights.basis import is_brought
from nurture.domain.subscribers.consent import (
    EVERY_SERIES,
    EVIDENCE,
    MARKETING,
    STATED,
    ConsentChange,
    ConsentRecord,
    Evidence,
    Origin,
    Purpose,
    Scope,
    is_undone,
    latest_said,
    read_consents,
    read_scope,
    series_said,
    words_of,
)
from nurture.store.database import among, as_numbers
from nurture.store.tables.awaited_consents import drop_awaited
from nurture.store.tables.subscribers import FORM, subscribers
from nurture.store.tables.withdrawals import (
    CONSENT,
    consents_withdrawn,
    list_many,
    list_withdrawals,
)
from nurture.store.types import UtcDateTime, metadata

#: What the source of a consent given in a form begins with; the form's key follows.
_FORM = "form:"

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
    # Of the series, whose: the form. Rows from before there were streams leave it open.
    sa.Column("form", sa.Text, nullable=False, default="", server_default=""),
)

#: Records from another installation may be older than those that were here first.
_OLDEST_FIRST = (consents.c.recorded_at, consents.c.id)


class BroughtConsents(NamedTuple):
    """What one person is recorded to have agreed to, and when, because a list says so."""

    person: int
    changes: Sequence[ConsentChange]
    where: Origin
    said_at: datetime | None


def record_consents(
    connection: sa.Connection,
    subscriber_id: int,
    changes: Sequence[ConsentChange],
    where: Origin,
    when: datetime,
    said_at: datetime | None = None,
) -> None:
    """Append each purpose granted or withdrawn, with its wording, where and when it was said.

    Only this, `record_brought` and `append_records` write consent records. The current consents are
    updated, a tick for the same purpose is no longer awaited, and every withdrawal is listed for
    the journal. If we learn of a consent only
    afterwards, `said_at` is its time according to the website.
    """
    if not changes:
        return
    connection.execute(sa.insert(consents), _rows(subscriber_id, changes, where, when, said_at))
    _follow(connection, subscriber_id, changes, where)
    drop_awaited(connection, [subscriber_id], {change.purpose for change in changes})
    _list_withdrawn(connection, subscriber_id, changes, when)


def record_brought(
    connection: sa.Connection, brought: Iterable[BroughtConsents], when: datetime
) -> None:
    """Append what a list brings to many people at once, or what is taken back with it.

    The people must be locked, and the caller updates their current consents.
    """
    append_records(
        connection, [row for one in brought for row in _rows(*one[:3], when, one.said_at)]
    )


def _rows(
    subscriber_id: int,
    changes: Sequence[ConsentChange],
    where: Origin,
    when: datetime,
    said_at: datetime | None,
) -> list[dict[str, Any]]:
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
    return [shared | asdict(one) | {"wording_hash": one.wording_hash} for one in changes]


def append_records(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append records that another installation has made, as they are; list the withdrawals.

    The rows are columns of the table; the caller sets what the people agree to after all.
    """
    if not rows:
        return
    connection.execute(sa.insert(consents), list(rows))
    people = {row["subscriber_id"] for row in rows}
    whose = sa.select(subscribers.c.id, subscribers.c.address_hash)
    hashes = {
        row[0]: row[1] for row in connection.execute(whose.where(subscribers.c.id.in_(people)))
    }
    list_many(
        connection,
        [
            (hashes[row["subscriber_id"]], f"{CONSENT}{scope.word}", row["recorded_at"])
            for row in rows
            if not row["granted"] and (scope := scope_in(row)) and not is_undone(row["source"])
        ],
    )


def records_of(
    connection: sa.Connection, subscriber_ids: Iterable[int]
) -> dict[int, list[dict[str, Any]]]:
    """Return the records of each of these people, oldest first."""
    theirs = among(connection.dialect.name, consents.c.subscriber_id, "people")
    ordered = sa.select(consents).where(theirs).order_by(*_OLDEST_FIRST)
    given = {"people": as_numbers(connection, subscriber_ids)}
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(ordered, given).mappings():
        found.setdefault(row["subscriber_id"], []).append(dict(row))
    return found


def scope_in(row: Mapping[str, Any]) -> Scope | None:
    """Return what a record is about, or `None` if only a newer program knows it."""
    purpose = known(Purpose, row["purpose"], None)
    return Scope(purpose, row["form"] or _form_of(purpose, row["source"])) if purpose else None


def consent_history(connection: sa.Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Return every record of one person, oldest first."""
    of_person = consents.c.subscriber_id == subscriber_id
    rows = connection.execute(sa.select(consents).where(of_person).order_by(*_OLDEST_FIRST))
    return [dict(row) for row in rows.mappings()]


def consent_records(connection: sa.Connection, subscriber_id: int) -> list[ConsentRecord]:
    """Return every consent and refusal of one person with its proof, oldest first.

    Purposes that only a newer program knows are skipped, here and below.
    """
    rows = consent_history(connection, subscriber_id)
    return [_record(row) for row in rows if known(Purpose, row["purpose"], None)]


def refused(connection: sa.Connection, subscriber_id: int) -> frozenset[Scope]:
    """Return everything whose latest record is a refusal."""
    return refused_in(consent_records(connection, subscriber_id))


def refused_in(records: Iterable[ConsentRecord]) -> frozenset[Scope]:
    """Return everything whose latest record, of these, is a refusal.

    What was taken back with an import was never said by the person, and counts as no refusal.
    """
    said = [one for one in records if not is_undone(one.source)]
    return frozenset(scope for scope, record in latest_said(said).items() if not record.granted)


def records_among(
    connection: sa.Connection, people: Collection[int]
) -> dict[int, list[ConsentRecord]]:
    """Return the consent records of each of these people who has any, oldest first."""
    return {
        person: [_record(row) for row in rows if known(Purpose, row["purpose"], None)]
        for person, rows in records_of(connection, people).items()
    }


def last_said(
    connection: sa.Connection, subscriber_id: int | None, address_hashes: Sequence[str]
) -> dict[Scope, datetime]:
    """Return when each consent was last granted or withdrawn.

    The hashes find what was withdrawn before a restore that forgot it, or forgot the subscriber.
    """
    history = consent_records(connection, subscriber_id) if subscriber_id else []
    withdrawn = consents_withdrawn(connection, address_hashes)
    said = [(record.scope, record.happened_at) for record in history]
    said += [(scope, at) for word, at in withdrawn if (scope := read_scope(word))]
    latest: dict[Scope, datetime] = {}
    for scope, at in said:
        latest[scope] = max(at, latest.get(scope, at))
    return latest


def withdrawn_by(
    connection: sa.Connection,
    subscriber_id: int,
    sources: Collection[str],
    *,
    since: datetime | None = None,
) -> frozenset[Scope]:
    """Return everything whose latest record is a withdrawal that came from one of `sources`.

    With `since`, only what was withdrawn then or later counts. If the series was withdrawn as a
    whole, it is that of each form whose series they had.
    """
    latest = latest_said(consent_records(connection, subscriber_id))
    withdrawn = {
        scope
        for scope, record in latest.items()
        if record.source in sources
        and not record.granted
        and (since is None or record.recorded_at >= since)
    }
    series = any(scope.form for scope in withdrawn)
    return frozenset(withdrawn - {EVERY_SERIES} if series else withdrawn)


def told_by_older(connection: sa.Connection, since: datetime, most: int) -> list[int]:
    """Return the people whose yes to the series an older program has recorded since then.

    Only the latest records are read, as many as `most`.
    """
    latest = sa.select(consents).order_by(consents.c.id.desc()).limit(most).subquery()
    told = (latest.c.purpose == MARKETING) & latest.c.granted & (latest.c.recorded_at >= since)
    number = latest.c.subscriber_id
    return list(connection.scalars(sa.select(number).where(told).distinct().order_by(number)))


def settle_series(connection: sa.Connection, subscriber_id: int) -> bool:
    """Name the forms whose series a person agrees to, as recorded; return whether any is new."""
    of_person = subscribers.c.id == subscriber_id
    present = connection.scalars(sa.select(subscribers.c.purposes).where(of_person)).one()
    agreed, forms = read_consents(present), series_said(consent_records(connection, subscriber_id))
    if EVERY_SERIES not in agreed or not forms or forms == agreed.series:
        return False
    newer = {word for word in present if read_scope(word) is None}
    words = words_of(replace(agreed, series=forms)) | newer
    connection.execute(sa.update(subscribers).where(of_person).values(purposes=words))
    return not forms <= agreed.series


def brought_by_lists(
    connection: sa.Connection, subscriber_ids: Collection[int]
) -> dict[int, frozenset[Scope]]:
    """Return what these people agree to only as a list or the practice says, for each of them."""
    person, source = consents.c.subscriber_id, consents.c.source
    brought = sa.or_(*(source.startswith(f"{kind}:") for kind in (EVIDENCE, STATED)))
    these = among(connection.dialect.name, person, "people")
    named = {"people": as_numbers(connection, subscriber_ids)}
    # Few people, if any, came with a list, so their records are read one by one.
    found = connection.scalars(sa.select(person).where(these, brought).distinct(), named)
    return {one: frozenset(_brought(consent_records(connection, one))) for one in found.all()}


def _brought(records: Sequence[ConsentRecord]) -> Iterator[Scope]:
    for scope, record in latest_said(records).items():
        if record.granted and is_brought(record):
            yield scope


def _record(row: Mapping[str, Any]) -> ConsentRecord:
    purpose, source = Purpose(row["purpose"]), row["source"]
    return ConsentRecord(
        purpose=purpose,
        granted=row["granted"],
        recorded_at=row["recorded_at"],
        source=source,
        wording=row["wording"],
        wording_hash=row["wording_hash"],
        privacy_version=row["privacy_version"],
        evidence=Evidence(row["page_url"], row["client"], row["user_agent"]),
        said_at=row["said_at"],
        form=row["form"] or _form_of(purpose, source),
    )


def _form_of(purpose: Purpose, source: str) -> str:
    """Return whose series was agreed to, for a record from before there were streams."""
    of_form = purpose is Purpose.SERIES and source.startswith(_FORM)
    return source.removeprefix(_FORM) if of_form else ""


def _follow(
    connection: sa.Connection,
    subscriber_id: int,
    changes: Sequence[ConsentChange],
    where: Origin,
) -> None:
    of_person = subscribers.c.id == subscriber_id
    locked = sa.select(subscribers.c.purposes).where(of_person).with_for_update(key_share=True)
    present = connection.scalars(locked).one()
    newer = {word for word in present if read_scope(word) is None}
    wanted = words_of(read_consents(present).after(changes)) | newer
    values: dict[str, Any] = {"purposes": wanted}
    if any(change.granted for change in changes):
        values["basis_unknown"] = False
        if where.source.startswith(_FORM):
            # Anyone may have filled it in, so that they have to confirm the address like others.
            unknown = subscribers.c.basis_unknown
            values["came_by"] = sa.case((unknown, FORM), else_=subscribers.c.came_by)
    connection.execute(sa.update(subscribers).where(of_person).values(values))


def _list_withdrawn(
    connection: sa.Connection, subscriber_id: int, changes: Sequence[ConsentChange], now: datetime
) -> None:
    kinds = [f"{CONSENT}{change.scope.word}" for change in changes if not change.granted]
    if kinds:
        whose = sa.select(subscribers.c.address_hash).where(subscribers.c.id == subscriber_id)
        list_withdrawals(connection, connection.scalars(whose), kinds, now)
