"""Rescheduling: what waits follows the hours, the caps and the holidays as they are now."""

from datetime import datetime

from nurture.library import parse_practice
from nurture.store.database import Connection
from nurture.store.tables import enrolments
from nurture.store.tables.revisions import RevisionKind, find_newest


def moves_everybody(connection: Connection, toml: str) -> bool:
    """Whether this practice writes at other times than the one that is published."""
    present = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if present is None:
        return False
    return parse_practice(present.source["toml"]).rhythm != parse_practice(toml).rhythm


def look_at_everybody(connection: Connection, now: datetime) -> None:
    """Have everybody under way decided afresh, in one statement whatever their number.

    What is put off would be found out in time, too; but until then the coming week would
    be shown as it was.
    """
    enrolments.look_at_once(connection, enrolments.everybody(), now)
