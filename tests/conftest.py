"""Fixtures for every test: real servers, fresh databases, a movable clock.

Nothing is started before a test asks for it, and nothing outlives the run.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from nurture.files.private import keep_private
from tests import proof
from tests.servers import fence
from tests.servers.clock import ClockFile
from tests.servers.memory import quick_directory

if TYPE_CHECKING:
    from nurture.broker.embedded import EmbeddedRedis
    from nurture.store.database import Database
    from tests.servers.databases import PostgresDatabases, SqliteDatabases
    from tests.servers.s3 import S3Server
    from tests.servers.smtp import SmtpSink

# What the fixtures need is imported where it is needed, because loading SQLAlchemy and
# Celery would take longer than most tests that use neither.

settings.register_profile(
    "default", deadline=None, derandomize="CI" in os.environ, max_examples=100
)
# A page of docs/ is followed in a copy, where it is the page that is tried and not the property.
settings.register_profile("brief", deadline=None, derandomize=True, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Whoever says --basetemp or has named a place already gets that.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(quick_directory()))

fence.put_up()

# As in every process of the program; tests about open files say otherwise.
keep_private()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail a test that reached for another machine or changed proof, even if it hid the error."""
    with fence.watched(), proof.watched():
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured, also in worker processes: `record_property("measured", text)`."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, text in getattr(report, "user_properties", []):
                if name == "measured":
                    terminalreporter.section(report.nodeid.rpartition("::")[2].replace("_", " "))
                    terminalreporter.write_line(str(text))


@pytest.fixture
def clock_file(tmp_path: Path) -> ClockFile:
    """A clock that stands still until the test moves it; its `path` is for NURTURE_CLOCK."""
    return ClockFile(tmp_path / "clock")


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory of this run, the same for all its worker processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_url(shared_directory: Path) -> Iterator[str]:
    """The maintenance database of a real PostgreSQL server, one for the whole run."""
    from tests.servers.postgres import postgres_server

    with postgres_server(shared_directory / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_databases(postgres_url: str) -> Iterator["PostgresDatabases"]:
    """The source of fresh PostgreSQL databases: `with postgresql_databases.fresh() as url`."""
    from nurture.store.migrate import migrate
    from tests.servers.databases import PostgresDatabases

    with PostgresDatabases(postgres_url, migrate) as databases:
        yield databases


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> "SqliteDatabases":
    """The source of fresh SQLite databases: `sqlite_databases.fresh(directory)`."""
    from nurture.store.migrate import migrate
    from tests.servers.databases import SqliteDatabases

    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"), migrate)


@pytest.fixture
def sqlite_url(sqlite_databases: "SqliteDatabases", tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    return sqlite_databases.fresh(tmp_path)


@pytest.fixture
def postgresql_url(postgresql_databases: "PostgresDatabases") -> Iterator[str]:
    """The URL of an empty, migrated PostgreSQL database."""
    with postgresql_databases.lent() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any tables: the test runs once on each kind."""
    from tests.servers.databases import empty_postgresql

    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        with empty_postgresql(request.getfixturevalue("postgres_url")) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator["Database"]:
    """A fresh, migrated database: the test runs once on each kind."""
    yield from _opened(database_url)


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator["Database"]:
    """A fresh, migrated SQLite database, for tests that need only one kind."""
    yield from _opened(sqlite_url)


def _opened(url: str) -> Iterator["Database"]:
    from nurture.store.database import Database
    from tests.quick import share_statements

    database = Database(url)
    share_statements(database.engine)
    proof.guard(database.engine)
    yield database
    database.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["EmbeddedRedis"]:
    """A real Redis-protocol server belonging to this worker process."""
    from tests.servers.redis import redis_server

    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: "EmbeddedRedis") -> str:
    """The URL of a real Redis-protocol server with no data yet."""
    from tests.servers.redis import empty

    empty(redis_server)
    return redis_server.redis_url


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3Server"]:
    """A real S3-compatible server belonging to this worker process."""
    from tests.servers.s3 import s3_server

    with s3_server(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture
def smtp_sink() -> Iterator["SmtpSink"]:
    """A real mail server that stores what it accepts; `url` is for NURTURE_SMTP_URL."""
    from tests.servers.smtp import SmtpSink

    with SmtpSink() as sink:
        yield sink
