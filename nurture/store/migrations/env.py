"""Alembic's entry: run the migrations in one transaction that others wait for."""

from alembic import context
from sqlalchemy import text

from nurture.store import shape
from nurture.store.database import Connection, Database, NewerDatabaseError
from nurture.store.shape import whole_schema

#: Any number will do, as long as nothing else in the same database takes this lock.
_LOCK = 6_187_264


def run() -> None:
    database = Database(context.config.attributes["url"])
    try:
        with database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
            _refuse_newer(connection)
            context.configure(
                connection=connection,
                target_metadata=whole_schema(),
                render_as_batch=database.is_sqlite,
                transactional_ddl=True,
                user_module_prefix="",
            )
            with context.begin_transaction():
                context.run_migrations()
            _say_who_may_work(connection)
    finally:
        database.close()


def _refuse_newer(connection: Connection) -> None:
    """What a newer program has made is not ours to change, even where we may work with it."""
    found = shape.shape_of(connection) if shape.is_made(connection) else None
    if shape.is_newer(found):
        raise NewerDatabaseError(str(found))


def _say_who_may_work(connection: Connection) -> None:
    """Whoever knows the last migration that dropped something the release before had given up."""
    reached = shape.shape_of(connection)
    made = context.script.iterate_revisions(reached, "base")
    stopped = [getattr(one.module, "stopped_using", shape.FIRST) for one in made]
    shape.say_who_may_work(connection, str(reached), max(stopped))


run()
