"""Alembic's entry: run the migrations in one transaction that others wait for."""

from alembic import context
from sqlalchemy import text

from nurture.store.session import Database
from nurture.store.tables import metadata

#: Any number will do, as long as nothing else in the same database takes this lock.
_LOCK = 6_187_264


def run() -> None:
    database = Database(context.config.attributes["url"])
    try:
        with database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
            context.configure(
                connection=connection,
                target_metadata=metadata,
                render_as_batch=database.is_sqlite,
                transactional_ddl=True,
                user_module_prefix="",
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        database.close()


run()
