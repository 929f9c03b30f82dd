"""The hourly queries on hits use an index, however many events there are."""

from sqlalchemy import text

from nurture.store.database import Database
from nurture.store.queries.hits import old_raw
from tests.people import NOW


def test_old_raw_data_is_found_by_its_index(database: Database) -> None:
    with database.reading() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name != "sqlite":
            # What is empty would rather be read through than looked up.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN"
        asked = old_raw(NOW).limit(10)
        asked_plainly = asked.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"{explain} {asked_plainly}").all()
    assert "ix_events_raw" in repr(plan)
