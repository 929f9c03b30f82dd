"""The column types and the two basic statements, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, exc, select

from nurture.store.database import Database, DatabaseUnavailableError, insert_new
from nurture.store.types import Json, UtcDateTime, Words

things = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("words", Words),
    Column("document", Json),
    Column("name", Text, unique=True),
)

MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 3),
    max_value=datetime(9990, 1, 1),
    timezones=st.timezones() | st.just(UTC),
    allow_imaginary=False,
)
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STORABLE, inner, max_size=3),
    max_leaves=10,
)
many = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def guide_files(database: Database) -> Database:
    """A database with a table of every type."""
    with database.writing() as connection:
        things.create(connection)
    return database


def kept(database: Database, column: str, value: Any) -> Any:
    """Return a value after storing and reading it."""
    with database.writing() as connection:
        number = connection.execute(things.insert().values({column: value})).inserted_primary_key
    assert number is not None
    with database.reading() as connection:
        return connection.scalar(select(things.c[column]).where(things.c.id == number[0]))


@many
@given(moment=MOMENTS)
def test_a_time_is_read_back_as_the_same_instant_in_utc(
    guide_files: Database, moment: datetime
) -> None:
    back = kept(guide_files, "at", moment)
    # Of a time that comes twice in autumn Python says that it equals nothing elsewhere.
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(guide_files: Database) -> None:
    with pytest.raises(exc.StatementError, match="no time zone"):
        kept(guide_files, "at", datetime(2026, 3, 2, 9, 0))
    with guide_files.reading() as connection:
        assert connection.execute(select(things)).all() == []


def test_times_are_ordered_and_compared_as_instants(guide_files: Database) -> None:
    noon = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
    east = timezone(timedelta(hours=9))
    moments = [noon, (noon - timedelta(hours=1)).astimezone(east), noon + timedelta(microseconds=1)]
    with guide_files.writing() as connection:
        connection.execute(things.insert(), [{"at": moment} for moment in moments])
    with guide_files.reading() as connection:
        ordered = list(connection.scalars(select(things.c.at).order_by(things.c.at)))
        until_noon = list(connection.scalars(select(things.c.at).where(things.c.at <= noon)))
    assert ordered == sorted(moments)
    assert sorted(until_noon) == ordered[:2]


@many
@given(words=st.frozensets(st.from_regex(r"[a-z_-]{1,12}", fullmatch=True), max_size=5))
def test_words_are_read_back_as_a_set(guide_files: Database, words: frozenset[str]) -> None:
    assert kept(guide_files, "words", words) == words


@many
@given(document=DOCUMENTS)
def test_a_document_is_read_back_unchanged(guide_files: Database, document: Any) -> None:
    assert kept(guide_files, "document", document) == document


def test_only_missing_rows_are_inserted(guide_files: Database) -> None:
    with guide_files.writing() as connection:
        first = insert_new(connection, things, [{"name": "a"}, {"name": "b"}], "name")
        second = insert_new(connection, things, [{"name": "b"}, {"name": "c"}], "name")
        nothing = insert_new(connection, things, [], "name")
        silent = insert_new(connection, things, [{"name": "c"}])
    assert ({row.name for row in first}, [row.name for row in second]) == ({"a", "b"}, ["c"])
    assert (nothing, silent) == ([], [])
    with guide_files.reading() as connection:
        assert sorted(connection.scalars(select(things.c.name))) == ["a", "b", "c"]


def test_inserting_a_thousand_rows_returns_exactly_the_new_ones(guide_files: Database) -> None:
    rows = [{"name": f"n{n}"} for n in range(1500)]
    with guide_files.writing() as connection:
        insert_new(connection, things, rows[::2])
        added = insert_new(connection, things, rows, "name")
    assert {row.name for row in added} == {row["name"] for row in rows[1::2]}


def test_a_block_that_raises_leaves_nothing_behind(guide_files: Database) -> None:
    with pytest.raises(KeyboardInterrupt), guide_files.writing() as connection:
        connection.execute(things.insert().values(name="a"))
        raise KeyboardInterrupt
    with guide_files.reading() as connection:
        assert connection.execute(select(things)).all() == []


def test_an_unavailable_database_is_reported_without_query_or_password(
    tmp_path: Any,
) -> None:
    for url in (f"sqlite:///{tmp_path}", "postgresql://secret:word@127.0.0.1:1/nobody"):
        database = Database(url)
        with pytest.raises(DatabaseUnavailableError) as error:
            database.ping()
        assert "SELECT" not in str(error.value)
        assert "word" not in str(error.value)
        assert "NURTURE_DATABASE_URL" in str(error.value)
        database.close()
