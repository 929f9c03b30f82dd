"""Migrations produce what the program expects, however often and by whichever user they run."""

import multiprocessing
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store import migrate as migration
from nurture.store.database import Database
from nurture.store.migrate import migrate
from nurture.store.shape import whole_schema
from nurture.store.tables.suppressions import suppress, suppressions_of


def test_the_migrated_tables_match_the_tables_in_the_code(
    database: Database,
) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, whole_schema()) == []


def test_the_sweep_has_its_partial_indexes(database: Database) -> None:
    with database.reading() as connection:
        found = {index["name"]: index for index in inspect(connection).get_indexes("enrolments")}
        assert "ix_enrolments_due" in found
        options = found["ix_enrolments_due"]["dialect_options"]
    assert any("active" in str(value) for name, value in options.items() if "where" in name)


def is_current(database: Database) -> bool:
    """Return whether the newest migration has been applied, and no later one."""
    with database.reading() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    return (
        at
        == ScriptDirectory(str(Path(migration.__file__).with_name("migrations"))).get_current_head()
    )


def test_migrating_an_empty_database_twice_has_the_same_effect_as_once(
    empty_url: str,
) -> None:
    database = Database(empty_url)
    assert not is_current(database)
    migrate(empty_url)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO journals (name, folded) VALUES ('x', 1)"))
    migrate(empty_url)
    assert is_current(database)
    with database.reading() as connection:
        assert connection.scalar(text("SELECT folded FROM journals")) == 1
    database.close()


def test_an_old_suppression_is_kept_and_its_bounces_become_hard(empty_url: str) -> None:
    command.upgrade(migration._config(empty_url), "0009")
    database = Database(empty_url)
    with database.writing() as connection:
        for number, address_hash in ((1, "h1"), (2, "h2")):
            connection.execute(
                text(
                    "INSERT INTO subscribers (id, address_hash, first_name, time_zone, created_at,"
                    " frequency, purposes, erased) VALUES (:n, :h, '', 'UTC',"
                    " '2026-03-02 09:00:00', 'usual', '', :no)"
                ),
                {"n": number, "h": address_hash, "no": False},
            )
            connection.execute(
                text(
                    "INSERT INTO events (kind, subscriber_id, happened_at, source, source_key)"
                    " VALUES ('bounced', :n, '2026-03-02 09:00:00', 'x', :h)"
                ),
                {"n": number, "h": address_hash},
            )
        connection.execute(
            text(
                "INSERT INTO suppressions (address_hash, reason, since, detail)"
                " VALUES ('h1', 'bounced', '2026-03-02 09:00:00', 'gone')"
            )
        )
    migrate(empty_url)
    with database.writing() as connection:
        bounced, unsubscribed = SuppressionReason.BOUNCED, SuppressionReason.UNSUBSCRIBED
        [kept] = suppressions_of(connection, "h1")
        assert (kept.reason, kept.detail, kept.guide_of) == (bounced, "gone", None)
        suppress(connection, "h1", unsubscribed, kept.since)
        assert len(suppressions_of(connection, "h1")) == 2
        told = connection.execute(text("SELECT source_key, bounce FROM events")).all()
        assert set(map(tuple, told)) == {("h1", "hard"), ("h2", "soft")}
    database.close()


def test_four_processes_started_together_migrate_once(empty_url: str) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=migrate, args=(empty_url,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    database = Database(empty_url)
    assert is_current(database)
    database.close()
