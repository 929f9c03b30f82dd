"""Exporting everything stored about one person, for that person."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from nurture.domain.audience.engagement import interests
from nurture.domain.subscribers.suppression import Suppression, strongest
from nurture.domain.tracking.events import PageDeed
from nurture.rendering.compile import CompiledEmail
from nurture.services.catalogue import Catalogue, Published
from nurture.services.profile.page_words import subject_in
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.personal import HitPage
from nurture.store.queries import locks
from nurture.store.queries.facts import facts_of
from nurture.store.tables import revisions
from nurture.store.tables.bookings import told_of_booker
from nurture.store.tables.complaints import complaints_of
from nurture.store.tables.events import note_page_deed
from nurture.store.tables.kept_calls import kept_calls_naming
from nurture.store.tables.suppressions import suppressions_of
from nurture.store.tables.waiting_signups import waiting_of
from nurture.tokens import Tokens

Record = dict[str, Any]

#: The columns of a signup that waits which say nothing about the person.
_INNER = ("id", "address_hash", "near", "site", "wide", "domain")


def export(
    database: Database,
    catalogue: Catalogue,
    subscriber_id: int,
    now: datetime,
    page: HitPage | None = None,
) -> Record | None:
    """Return everything stored about someone, as a JSON document.

    Times are ISO 8601 in UTC. `person` and `suppression` are objects, everything else is a list,
    oldest first: `consents`, `signups`, `enrolments`, `messages` (with their subjects) and `events`
    (with verdict and reasons). `suppression` is the strongest of the reasons in `suppressions`.
    `waiting` are signups that were accepted and not taken in yet, and `kept_forms` are forms that
    nothing could read, in which the address appears.
    `interests` is our current estimate: topics with scores, strongest first. With a `page`, not all
    opens and clicks are among the events. Return `None` if the person is no longer known.
    """
    with database.reading() as connection:
        rows = personal.rows_about(connection, subscriber_id, page)
        person = next((p for p in rows.pop("subscribers") if not p["erased"]), None)
        if person is None:
            return None
        published = catalogue.current(connection)
        rows["messages"] = _with_subjects(connection, published, rows["messages"], person)
        rows["complaints"] = complaints_of(connection, [subscriber_id], person["address"])
        rows["waiting"] = _waiting(connection, catalogue.tokens, person["address"])
        rows["kept_forms"] = _kept(connection, catalogue.tokens, person["address"])
        rows["interests"] = _interests(connection, published, subscriber_id, now)
        reasons = suppressions_of(connection, person["address_hash"])
    practice = published.practice
    held_by = {"name": practice.name, "address": practice.address_line, "email": practice.email}
    record = {"made_at": now, "held_by": held_by, "person": person, **rows}
    record |= {"suppression": _strongest(reasons), "suppressions": list(map(asdict, reasons))}
    return {name: _plain(value) for name, value in record.items()}


def hand_over(
    database: Database, catalogue: Catalogue, subscriber_id: int, now: datetime
) -> Record | None:
    """Return what `export` does, for the person who fetches it on their own page.

    That they did is recorded first, and so is in it.
    """
    with database.writing() as connection:
        if locks.hold_subscriber(connection, subscriber_id):
            note_page_deed(connection, subscriber_id, PageDeed.DATA, now)
    return export(database, catalogue, subscriber_id, now)


def _strongest(reasons: list[Suppression]) -> Record | None:
    named = strongest(one.reason for one in reasons)
    return next((asdict(one) for one in reasons if one.reason is named), None)


def export_booker(database: Database, tokens: Tokens, address: str, now: datetime) -> Record | None:
    """Return what is stored about an address that never signed up, or `None`.

    It may be known from a calendar, from a complaint, from a signup that waits, or from a form that
    nothing could read.
    """
    with database.reading() as connection:
        unread = _kept(connection, tokens, address)
        waiting = _waiting(connection, tokens, address)
        told = told_of_booker(connection, tokens.address_hashes(address))
        complained = complaints_of(connection, [], address)
    bookings = [{"kind": one.kind, "happened_at": one.at.isoformat()} for one in told]
    found = {"bookings": bookings, "complaints": [_plain(row) for row in complained]}
    found["waiting"] = [_plain(row) for row in waiting]
    found["kept_forms"] = [_plain(row) for row in unread]
    kept = {name: rows for name, rows in found.items() if rows}
    return {"made_at": now.isoformat()} | kept if kept else None


def _waiting(connection: Connection, tokens: Tokens, address: str) -> list[Record]:
    """Return the signups of an address that have been accepted and not taken in yet."""
    theirs = waiting_of(connection, tokens.address_hashes(address))
    return [{name: row[name] for name in row if name not in _INNER} for row in map(asdict, theirs)]


def _kept(connection: Connection, tokens: Tokens, address: str) -> list[Record]:
    """Return which forms are kept that name an address; what they say is sealed."""
    calls = kept_calls_naming(connection, tokens.address_hashes(address))
    return [{"form": one.form, "received_at": one.received_at} for one in calls]


def _interests(
    connection: Connection, published: Published, subscriber_id: int, now: datetime
) -> list[Record]:
    facts = facts_of(connection, [subscriber_id])[subscriber_id]
    found = interests(facts, now, published.segments.health)
    return [{"topic": one.topic, "score": round(one.score, 2)} for one in found]


def _with_subjects(
    connection: Connection,
    published: Published,
    messages: Iterable[Record],
    person: Mapping[str, Any],
) -> list[Record]:
    """Return the messages, each with its subject in the revision it was made from."""
    rows, name = list(messages), person["first_name"]
    sources = revisions.revisions_of(connection, {row["revision_id"] for row in rows})
    emails = {r.id: CompiledEmail.from_json(r.compiled) for r in sources}
    return [
        row | {"subject": subject_in(published, row["sequence"], emails[row["revision_id"]], name)}
        for row in rows
    ]


def _plain(value: Any) -> Any:
    """Convert a value to plain JSON types."""
    match value:
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case frozenset():
            return sorted(value)
        case datetime():
            return value.isoformat()
    return value
