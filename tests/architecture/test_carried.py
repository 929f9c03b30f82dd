"""An export of all people carries every column about a person, or says why it does not."""

from collections.abc import Iterator

from sqlalchemy import Table

from nurture.domain.imports.carried import LIST_FIELDS, PERSON_FIELDS
from nurture.store.queries.moves.everybody import CARRIED, LEFT_OUT, STAY_BEHIND
from nurture.store.shape import whole_schema
from nurture.store.tables.subscribers import subscribers

#: What the file calls a column that has another name there.
_NAMED = {"email": "address"}


def carried(name: str) -> set[str]:
    """Return the columns of a list's table that are carried."""
    return set(LIST_FIELDS[name])


def tables_about_people() -> Iterator[Table]:
    """Yield every table whose rows belong to a person or to an address."""
    for table in whole_schema().sorted_tables:
        if {"subscriber_id", "address_hash"} & set(table.c.keys()):
            yield table


def test_every_table_about_people_is_carried_or_excused() -> None:
    named = {table.name for table in CARRIED.values()} | STAY_BEHIND.keys() | {"subscribers"}
    assert {table.name for table in tables_about_people()} - named == set()


def test_nothing_is_excused_that_does_not_exist() -> None:
    names = {table.name for table in tables_about_people()}
    assert set(STAY_BEHIND) <= names
    assert set(LEFT_OUT) == {"subscribers", *CARRIED}


def test_every_column_of_a_person_is_carried_or_excused() -> None:
    told = {*PERSON_FIELDS, _NAMED["email"]}
    left = LEFT_OUT["subscribers"].keys()
    assert told | left == set(subscribers.c.keys())
    assert not told & left


def test_every_column_of_a_list_is_carried_or_excused() -> None:
    wrong = {
        name: (carried(name) ^ set(table.c.keys())) ^ LEFT_OUT[name].keys()
        for name, table in CARRIED.items()
    }
    assert CARRIED.keys() == LIST_FIELDS.keys()
    assert not any(wrong.values()), wrong


def test_every_excuse_is_a_reason() -> None:
    reasons = [*STAY_BEHIND.values(), *(r for left in LEFT_OUT.values() for r in left.values())]
    assert {reason for reason in reasons if len(reason) <= 20} == set()
