"""How long a review of a broadcast takes among many people with records, messages and events."""

import time
from collections.abc import Mapping
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from bench import broadcast_freezing, segments
from bench.library import SEQUENCE
from bench.people import MORNING, at_moment, numbered, settle
from bench.stores import Store
from bench.workers import SECRET
from nurture.domain.account.presets import AccountChoices
from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts.review import as_json, review
from nurture.services.catalogue import Catalogue
from nurture.store.database import Database
from nurture.store.tables.consents import consents
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from nurture.tokens import Tokens

#: What a form says, of a usual length.
_WORDING = (
    "Enter your name and email and we send you the guide, and after it a series of articles about "
    "what helps. You can stop at any time with one press."
)


def measure(store: Store, people: int) -> dict[str, Any]:
    """Return the seconds that the review of a broadcast of news to everyone takes, and its sums."""
    with store.fresh() as database:
        fill(database, people)
        tokens = Tokens([SECRET])
        catalogue, taken = Catalogue(tokens, "https://bench.invalid"), []
        broadcast = Broadcast(1, "news", "News", Purpose.NEWS)
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            with database.reading() as connection:
                published = catalogue.current(connection)
                found = review(connection, published, broadcast, AccountChoices(), MORNING)
            taken.append(time.perf_counter() - began)
        frozen = broadcast_freezing.measure(database, catalogue, tokens)
    return {
        "seconds": median(taken),
        "people": people,
        "freezing": frozen.seconds,
        "readers": frozen.readers,
        "longest_signup": max(frozen.signups, default=0.0),
        **as_json(found),
    }


_ROUNDS = 3


def fill(database: Database, people: int) -> None:
    """Add people of every bearing with ten events, two or three records and up to two messages."""
    segments.fill(database, people)
    with database.writing() as connection:
        _spread(connection)
    with database.writing() as connection:
        _add_suppressions(connection)
        _add_messages(connection, people)
    for form, words in _AGREED.items():
        with database.writing() as connection:
            _add_records(connection, people, form, words)
    settle(database)


#: Of a hundred people, which agree to each purpose in a form, and which of these by a list.
_AGREED: Mapping[str, tuple[int, int]] = {
    "series": (100, 0),
    "articles": (70, 15),
    "news": (55, 15),
}


def _spread(connection: Connection) -> None:
    """Give people different consents, states and rights, by their numbers."""
    percent = _percent(subscribers.c.id)
    words = literal("guide marketing marketing:pain-guide tracking")
    connection.execute(
        update(subscribers).values(
            purposes=case(
                (percent < 55, literal("articles ") + literal("guide marketing news tracking")),
                (percent < 70, literal("articles guide marketing")),
                else_=words,
            ),
            came_by=case((percent < 15, "import"), else_="form"),
            basis_unknown=percent == 99,
            confirmed_at=case((percent.between(60, 66), null()), else_=subscribers.c.confirmed_at),
            paused_until=case((percent == 20, at_moment(MORNING + timedelta(days=9)))),
            client_since=case((percent.in_((30, 31, 98)), at_moment(MORNING))),
            client_basis_at=case((percent.in_((31, 98)), at_moment(MORNING))),
            booked_until=case((percent.in_((30, 45)), at_moment(NOT_CANCELLED))),
            frequency=case((percent == 50, "fewer"), else_="usual"),
        )
    )


def _percent(number: ColumnElement[int]) -> ColumnElement[int]:
    return number * 37 % 100


def _add_suppressions(connection: Connection) -> None:
    theirs = subscribers.c.id % 100
    for reason, places in {"unsubscribed": (0, 4), "bounced": (4, 6), "complained": (5, 6)}.items():
        values = {
            "address_hash": subscribers.c.address_hash,
            "reason": literal(reason),
            "since": at_moment(MORNING),
            "detail": literal(""),
        }
        chosen = select(*values.values()).where(theirs >= places[0], theirs < places[1])
        connection.execute(insert(suppressions).from_select(list(values), chosen))


def _add_messages(connection: Connection, people: int) -> None:
    """Add an article to every third person: recent ones count towards the cap."""
    numbers = numbered(1, people)
    at = case(
        (numbers.c.n % 2 == 0, at_moment(MORNING - timedelta(hours=5))),
        else_=at_moment(MORNING - timedelta(days=3)),
    )
    values = {
        "enrolment_id": numbers.c.n,
        "subscriber_id": numbers.c.n,
        "sequence": literal(SEQUENCE),
        "step": literal("an-article"),
        "kind": literal("article"),
        "occasion": literal(1),
        "revision_id": select(func.max(revisions.c.id)).scalar_subquery(),
        "status": literal("delivered"),
        "attempt": literal(1),
        "doubts": literal(0),
        "claim": literal(""),
        "due_at": at,
        "claimed_at": at,
        "accepted_at": at,
        "reason": literal(""),
    }
    _insert(connection, messages, values, numbers, numbers.c.n % 3 == 0)


def _add_records(
    connection: Connection, people: int, purpose: str, shares: tuple[int, int]
) -> None:
    numbers, (agreed, by_list) = numbered(1, people), shares
    percent = _percent(numbers.c.n)
    values = {
        "subscriber_id": numbers.c.n,
        "purpose": literal("marketing" if purpose == "series" else purpose),
        "granted": literal(True),
        "recorded_at": at_moment(MORNING - timedelta(days=90)),
        "source": case((percent < by_list, "stated:1"), else_="form:pain-guide"),
        "wording": literal(_WORDING),
        "wording_hash": literal("5f0e9c8b7a6d5e4f" * 4),
        "privacy_version": literal("2026-01"),
        "page_url": literal("https://example.org/guides/pain"),
        "client": literal("198.51.100.") + cast(percent, Text),
        "user_agent": literal("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"),
        "form": literal("pain-guide" if purpose == "series" else ""),
    }
    _insert(connection, consents, values, numbers, percent < agreed)


def _insert(
    connection: Connection,
    table: Any,
    values: Mapping[str, Any],
    numbers: CTE,
    chosen: ColumnElement[bool],
) -> None:
    rows = select(*values.values()).select_from(numbers).where(chosen)
    connection.execute(insert(table).from_select(list(values), rows, include_defaults=False))
