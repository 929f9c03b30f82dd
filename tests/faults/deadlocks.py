"""Deadlocks: how many the server had to break, and what its log says about them."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from nurture.store.database import Database

_KINDS = ("DETAIL:", "HINT:", "CONTEXT:", "STATEMENT:")


def count_deadlocks(database: Database) -> int:
    """Return how many deadlocks the server had to break in that database."""
    with database.reading() as connection:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        return (
            connection.scalar(
                text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            )
            or 0
        )


def told_of_deadlocks(database: Database, shared_directory: Path) -> str:
    """Return what the server's log says about them: which statements waited for which.

    It is empty if the tests did not start the server themselves.
    """
    log = shared_directory / "postgres" / "postgres.log"
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(_of_deadlocks(lines, f" {database.engine.url.database} "))


def _of_deadlocks(lines: list[str], whose: str) -> Iterator[str]:
    inside = False
    for line in lines:
        begins = whose in line and "deadlock detected" in line
        goes_on = line.startswith("\t") or any(f" {kind}  " in line for kind in _KINDS)
        inside = begins or (inside and goes_on)
        if inside:
            yield line
