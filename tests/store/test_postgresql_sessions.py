"""A session is the same whatever the database's defaults and whatever proxy is in front."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select, text

from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.postgresql import SESSION
from nurture.store.tables import subscribers
from tests.servers.pooler import dropping_options

#: What a database may prefer, each of which changes how values are spelled or written.
PREFERENCES = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Kolkata",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "250ms",
    "lock_timeout": "250ms",
    "extra_float_digits": "-10",
}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def prefer(postgresql_url: str) -> Callable[..., None]:
    """Change the database's own defaults."""

    def change(**preferences: str) -> None:
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            name = connection.info.dbname
            for setting, value in preferences.items():
                connection.execute(f"ALTER DATABASE {name} SET {setting} = {value!r}".encode())

    return change


@pytest.fixture(params=["directly", "dropped", "refused"])
def reached_url(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[str]:
    """The database, reached directly and through proxies that drop or refuse session options."""
    if request.param == "directly":
        yield postgresql_url
    else:
        with dropping_options(postgresql_url, refusing=request.param == "refused") as url:
            yield url


@pytest.fixture
def reached(reached_url: str) -> Iterator[Database]:
    database = Database(reached_url)
    yield database
    database.close()


@pytest.mark.parametrize("style", ["SQL, DMY", "German", "Postgres, MDY", "SQL, MDY"])
def test_times_are_read_in_every_date_style(
    prefer: Callable[..., None], reached: Database, style: str
) -> None:
    prefer(datestyle=style)
    with reached.writing() as connection:
        subscribers.add_subscriber(
            connection,
            address="ann@example.org",
            address_hash="h",
            first_name="Ann",
            time_zone="Europe/London",
            now=NOON,
        )
    with reached.reading() as connection:
        kept = select(subscribers.subscribers.c.created_at)
        assert list(connection.scalars(kept)) == [NOON]


def test_database_defaults_do_not_reach_a_transaction(
    prefer: Callable[..., None], reached: Database
) -> None:
    prefer(**PREFERENCES)
    for opening in (reached.reading, reached.writing):
        with opening() as connection:
            shown = {name: connection.scalar(text(f"SHOW {name}")) for name in SESSION}
            interval = connection.scalar(text("SELECT interval '1 day 2 hours'"))
            assert connection.scalar(text("SELECT '\\x0061'::bytea")) == b"\0a"
            assert connection.scalar(text("SELECT pg_sleep(0.3)")) is not None
        assert shown == {
            "statement_timeout": "1min",
            "lock_timeout": "20s",
            "datestyle": "ISO, MDY",
            "intervalstyle": "postgres",
            "timezone": "UTC",
            "bytea_output": "hex",
            "standard_conforming_strings": "on",
        }
        assert interval == timedelta(days=1, hours=2)


def test_every_transaction_has_its_intended_isolation_level(
    prefer: Callable[..., None], reached: Database
) -> None:
    prefer(default_transaction_isolation="serializable")
    for _ in range(2):
        with reached.reading() as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        with reached.writing() as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_statements_are_prepared_only_in_a_private_session(
    reached: Database, reached_url: str
) -> None:
    for number in range(8):
        with reached.reading() as connection:
            connection.scalar(text("SELECT cast(:n AS int)"), {"n": number})
            prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
    assert (prepared > 0) is ("127.0.0.1" not in reached_url)


def test_a_schema_named_in_the_url_is_respected(postgresql_url: str) -> None:
    database = Database(f"{postgresql_url}&options=-csearch_path%3Dpg_catalog")
    with database.reading() as connection:
        assert connection.scalar(text("SHOW search_path")) == "pg_catalog"
        assert connection.scalar(text("SHOW datestyle")) == "ISO, MDY"
    database.close()


def test_a_read_only_database_is_reported_as_such(
    prefer: Callable[..., None], reached: Database
) -> None:
    prefer(default_transaction_read_only="on")
    expected = pytest.raises(DatabaseUnavailableError, match="does not accept writes")
    with expected as refused, reached.writing() as connection:
        connection.execute(subscribers.subscribers.delete())
    assert "default_transaction_read_only" in str(refused.value)
    reached.ping()


def test_a_database_without_utf8_is_refused_with_the_remedy(
    postgresql_url: str,
) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        name = f"{connection.info.dbname}_latin"
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'".encode()
        )
    database = Database(postgresql_url.replace(name.removesuffix("_latin"), name))
    with pytest.raises(DatabaseUnavailableError, match="LATIN1") as refused:
        database.ping()
    assert "ENCODING 'UTF8'" in str(refused.value)
    database.close()
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}".encode())
