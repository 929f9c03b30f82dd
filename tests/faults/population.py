"""A fresh database in which something is due for many people."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, select

from nurture.domain.subscribers.address import address_key
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation


def people(count: int) -> list[str]:
    """Return that many addresses."""
    return [f"p{n:05}@example.org" for n in range(count)]


def sign_up_many(home: Installation, count: int) -> list[str]:
    """Let people ask for the guide, which is now due; return their addresses."""
    addresses = people(count)
    home.subscribe(addresses[0])
    copy_person(home, addresses[0], addresses[1:])
    return addresses


def due_for_an_article(home: Installation, count: int) -> list[str]:
    """Let people collect the guide days ago, with the first article now due."""
    addresses = people(count)
    home.subscribe(addresses[0])
    home.deliver()
    home.collect()
    home.deliver()
    look = home.next_look()
    assert look is not None
    home.clock.set(look)
    copy_person(home, addresses[0], addresses[1:])
    return addresses


def copy_person(home: Installation, pattern: str, addresses: list[str]) -> None:
    """Copy the rows of one person who really came into the program to each of the others."""
    person, enrolled = home.person(pattern), home.enrolments_of(pattern)
    rows = list(_people_like(home, person, addresses))
    with home.context.database.writing() as connection:
        if rows:
            connection.execute(insert(subscribers), rows)
        found = select(subscribers.c.id).where(subscribers.c.id > person["id"])
        numbers = list(connection.scalars(found))
        consented = [row for row in home.rows(consents) if row["subscriber_id"] == person["id"]]
        for table, likes in ((enrolments, enrolled), (consents, consented)):
            copies = [
                _without_id(like) | {"subscriber_id": number}
                for number in numbers
                for like in likes
            ]
            if copies:
                connection.execute(insert(table), copies)


def _people_like(
    home: Installation, person: dict[str, Any], addresses: list[str]
) -> Iterator[dict[str, Any]]:
    for address in addresses:
        key = address_key(address)
        hashed = home.context.tokens.address_hash(key)
        known_by = {"address": address, "address_key": key, "address_hash": hashed}
        yield _without_id(person) | known_by


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
