"""Figures by source read the signups of their period by an index, and nothing before it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, text

from nurture.store.database import Database
from nurture.store.queries import sources
from nurture.store.queries.sources import OriginScope, SourceBy
from nurture.store.tables.signups import signups, source_columns
from nurture.store.tables.subscribers import subscribers
from tests.people import NOW

SCOPE = OriginScope("pain-guide", "pain-guide", NOW - timedelta(days=20))
PEOPLE = 3_000


@pytest.fixture
def history(database: Database) -> Iterator[Connection]:
    """Three thousand people signed up, one a day, and twice each; the database knows how many."""
    people, forms = [], []
    for number in range(1, PEOPLE + 1):
        at = NOW - timedelta(days=number)
        people.append(
            {
                "id": number,
                "address_hash": f"h{number}",
                "first_name": "",
                "time_zone": "UTC",
                "created_at": at,
                "frequency": "usual",
                "purposes": (),
            }
        )
        named = {"utm_source": f"source {number % 7}"}
        row = {"subscriber_id": number, "form": "pain-guide", "page_url": "", "client": ""}
        row |= {"utm": named, **source_columns(named, "")}
        forms += [row | {"signed_up_at": at}, row | {"signed_up_at": at + timedelta(hours=1)}]
    with database.writing() as connection:
        connection.execute(insert(subscribers), people)
        connection.execute(insert(signups), forms)
        connection.execute(text("ANALYZE"))
    with database.reading() as connection:
        yield connection


@pytest.mark.parametrize("by", SourceBy)
def test_a_periods_signups_are_found_by_their_index(history: Connection, by: SourceBy) -> None:
    explain = "EXPLAIN QUERY PLAN" if history.dialect.name == "sqlite" else "EXPLAIN"
    asked = sources.by_value(SCOPE, by, 50)
    plainly = asked.compile(history, compile_kwargs={"literal_binds": True})
    plan = repr(history.exec_driver_sql(f"{explain} {plainly}").all())
    assert "ix_signups_form_signed_up_at" in plan
    assert "ix_signups_subscriber_id" in plan
    assert "SCAN signups" not in plan
    assert "Seq Scan on signups" not in plan


def test_each_person_of_the_period_counts_once(history: Connection) -> None:
    found = sources.count_sources(history, SCOPE, SourceBy.SOURCE, 50)
    assert sum(one.signed_up for one in found) == 20
    assert sources.count_all(history, SCOPE).signed_up == 20
    assert max(one.signed_up for one in found) == 3
