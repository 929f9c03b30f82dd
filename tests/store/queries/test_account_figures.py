"""What became of a month's emails is found by an index, however many years came before it."""

from typing import Any

import pytest
from sqlalchemy import Select, text

from nurture.store.database import Database
from nurture.store.queries import account_figures
from tests.people import NOW

ASKED = [
    (account_figures.bounced_since(NOW), "ix_events_bounce"),
    (account_figures.complained_since(NOW), "ix_events_complaint"),
    (account_figures.last_refused(10), "ix_messages_refused"),
]


@pytest.mark.parametrize(("asked", "index"), ASKED, ids=[index for _, index in ASKED])
def test_a_months_figures_are_found_by_their_index(
    database: Database, asked: Select[*tuple[Any, ...]], index: str
) -> None:
    with database.reading() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name != "sqlite":
            # What is empty would rather be read through than looked up.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN"
        plainly = asked.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"{explain} {plainly}").all()
    assert index in repr(plan)
