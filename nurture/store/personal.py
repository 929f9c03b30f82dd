"""Everything that belongs to a person, wherever it is stored: read whole, and emptied whole.

Rows are never deleted, so every count stays right and no number is used again. The columns that an
erasure leaves are listed here; everything else is emptied, including columns that are added later.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.gate import Frequency
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.store.shape import whole_schema
from nurture.store.tables.account import account
from nurture.store.tables.awaited_consents import awaited_consents, drop_awaited
from nurture.store.tables.complaints import OPEN, PERSONAL, complaints, empty_closed_from
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import ended, enrolments
from nurture.store.tables.events import events
from nurture.store.tables.imports import import_rows
from nurture.store.tables.kept_calls import drop_mentions
from nurture.store.tables.message_changes import cancel_open_of
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import FORM, subscribers
from nurture.store.tables.waiting_signups import drop_waiting, waiting_signups
from nurture.store.types import Json, Words

#: What an erasure leaves, because it does not say who the person was.
_STAYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # A later opt-out is stored under the keyed hash.
        "subscribers": frozenset({"id", "address_hash", "created_at", "confirmed_at", "came_by"})
        | {"mailbox_hash"},
        "consents": frozenset(consents.c.keys()) - {"page_url", "client", "user_agent"},
        "signups": frozenset({"id", "subscriber_id", "form", "signed_up_at", "received_at"})
        | {"again"},
        "enrolments": frozenset(enrolments.c.keys()),
        "messages": frozenset(messages.c.keys()) - {"reason", "why", "about"},
        "events": frozenset({"id", "subscriber_id", "message_id", "kind", "happened_at", "email"})
        | {"topics", "verdict", "rules", "source", "method"},
        "refusals": frozenset({"message_id", "enrolment_id", "subscriber_id", "mark", "dead"})
        | {"fails", "code", "taken_back"},
        "complaints": frozenset(complaints.c.keys()) - set(PERSONAL),
        # They are deleted, as they never counted.
        "awaited_consents": frozenset(awaited_consents.c.keys()),
        "import_rows": frozenset(import_rows.c.keys()) - {"evidence", "changes"},
    }
)

#: The rows that an erasure leaves for now. The law asks for an answer to a complaint, which nobody
#: can give without the address and the words (UK GDPR, Article 17(3)(b)); closing it empties it.
_SPARES: Mapping[str, sa.ColumnElement[bool]] = MappingProxyType({"complaints": OPEN})

#: What replaces a value in columns that must not be empty.
_INSTEAD: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "subscribers": {
            "time_zone": "UTC",
            "frequency": Frequency.USUAL,
            "basis_unknown": False,
            "erased": True,
        },
        # A provider's identifier for an event may contain the address, if only as a digest.
        "events": {"source_key": sa.literal("erased:").concat(sa.cast(events.c.id, sa.Text))},
    }
)


#: The tables with rows about people, each with the column that identifies the person.
_ABOUT: Mapping[sa.Table, sa.Column[Any]] = MappingProxyType(
    {subscribers: subscribers.c.id}
    | {t: t.c.subscriber_id for t in whole_schema().sorted_tables if "subscriber_id" in t.c}
)


@dataclass(frozen=True, slots=True)
class HitPage:
    """A page of hits: at most `hits` of them, the newest up to a given moment."""

    hits: int
    until: datetime | None = None


def rows_about(
    connection: sa.Connection, subscriber_id: int, page: HitPage | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table about one person, by table, oldest first.

    With a `page`, only some of their hits are included, as there may be very many.
    """
    return {
        table.name: [
            dict(row)
            for row in connection.execute(
                sa.select(table)
                .where(person == subscriber_id, *_on(page, table, subscriber_id))
                .order_by(*table.primary_key.columns)
            ).mappings()
        ]
        for table, person in _ABOUT.items()
    }


def _on(page: HitPage | None, table: sa.Table, subscriber_id: int) -> list[sa.ColumnElement[bool]]:
    if page is None or table is not events:
        return []
    is_hit = events.c.source == "hit"
    newest = sa.select(events.c.id).where(events.c.subscriber_id == subscriber_id, is_hit)
    if page.until:
        newest = newest.where(events.c.happened_at <= page.until)
    newest = newest.order_by(events.c.happened_at.desc(), events.c.id.desc()).limit(page.hits)
    return [~is_hit | events.c.id.in_(newest)]


def lock_people(connection: sa.Connection, subscriber_ids: Collection[int]) -> None:
    """Lock people who are about to be erased, as strongly as a change of their address does.

    A lock that was strengthened later would have to wait while holding everything else.
    """
    people = sa.select(subscribers.c.id).where(subscribers.c.id.in_(subscriber_ids))
    connection.execute(people.order_by(subscribers.c.id).with_for_update())


def being_mailed(connection: sa.Connection, subscriber_id: int) -> bool:
    """Return whether a message to that person is being offered to the mail server right now."""
    return bool(connection.scalar(sa.select(_offered_to(sa.literal(subscriber_id)))))


def empty_people(connection: sa.Connection, subscriber_ids: Collection[int]) -> None:
    """Remove the personal data from every row about these people; the rest is only for counting."""
    drop_awaited(connection, subscriber_ids)
    for table, person in _ABOUT.items():
        if emptied := _emptied(table):
            theirs = person.in_(subscriber_ids) & ~_SPARES.get(table.name, sa.false())
            connection.execute(sa.update(table).where(theirs).values(emptied))


def empty_mentions(connection: sa.Connection, address_key: str, address_hash: str) -> int:
    """Empty what was reported about an address before its owner was known; return how many rows.

    Providers and calendars write the address out, and a booking stores its keyed hash.
    """
    told = sa.func.lower(sa.type_coerce(events.c.raw, sa.Text))
    mentions = told.contains(address_key.lower(), autoescape=True)
    about = mentions | (events.c.booker == address_hash)
    emptied = connection.execute(
        sa.update(events).where(events.c.subscriber_id.is_(None), about).values(_emptied(events))
    )
    # While the account is on hold, this contains the mail server's last words.
    said = sa.func.lower(account.c.reason).contains(address_key.lower(), autoescape=True)
    connection.execute(sa.update(account).where(said).values(reason=""))
    drop_waiting(connection, waiting_signups.c.address_hash == address_hash)
    drop_mentions(connection, [address_hash])
    return emptied.rowcount + empty_closed_from(connection, address_key)


def end_everything(
    connection: sa.Connection,
    subscriber_ids: Collection[int],
    reason: EnrolmentStatus,
    now: datetime,
    sparing: Collection[str] = (),
    because: EndReason | None = None,
) -> None:
    """End these people's enrolments and cancel their open messages, except in some sequences."""
    gone = connection.scalars(
        sa.update(enrolments)
        .where(
            enrolments.c.subscriber_id.in_(subscriber_ids),
            enrolments.c.status == EnrolmentStatus.ACTIVE,
            enrolments.c.sequence.not_in(sparing),
        )
        .values(ended(Ending(reason, because), now))
        .returning(enrolments.c.id)
    )
    cancel_open_of(connection, gone.all(), Reason(Code.EVERYTHING_ENDED))


def find_unconfirmed(connection: sa.Connection, before: datetime, limit: int) -> list[int]:
    """Lock and return people who never confirmed and have asked for nothing since `before`.

    People who have been put back since then, or who consented on a page of their own, are left out,
    and so are people who came in another way than through a form, and clients.
    """
    person = subscribers.c.id
    begun = (enrolments.c.guide_wanted_at > before) | (enrolments.c.enrolled_at > before)
    asked_since = sa.exists().where(enrolments.c.subscriber_id == person, begun)
    said_yes = sa.exists().where(
        consents.c.subscriber_id == person, consents.c.granted, consents.c.source.not_like("form:%")
    )
    statement = (
        sa.select(person)
        .where(
            subscribers.c.confirmed_at.is_(None),
            subscribers.c.came_by == FORM,
            subscribers.c.client_since.is_(None),
            ~subscribers.c.erased,
            subscribers.c.created_at <= before,
            ~asked_since,
            ~said_yes,
            ~_offered_to(person),
        )
        .order_by(subscribers.c.created_at)
        .limit(limit)
        .with_for_update(of=subscribers, skip_locked=True)
    )
    return list(connection.scalars(statement))


def _offered_to(person: Any) -> Any:
    return sa.exists().where(
        messages.c.subscriber_id == person, messages.c.status == MessageStatus.SENDING
    )


def _emptied(table: sa.Table) -> dict[str, Any]:
    instead = _INSTEAD.get(table.name, {})
    return {
        column.name: instead[column.name] if column.name in instead else _nothing(column)
        for column in table.columns
        if column.name not in _STAYS[table.name]
    }


def _nothing(column: sa.Column[Any]) -> Any:
    if column.nullable:
        return None
    match column.type:
        case Json():
            return {}
        case Words():
            return ()
    return ""
