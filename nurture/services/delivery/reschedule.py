"""Rescheduling: applying the current hours, caps and holidays to everything that waits."""

from datetime import datetime

from nurture.library import parse_practice
from nurture.store.database import Connection
from nurture.store.tables import enrolments
from nurture.store.tables.revisions import RevisionKind, find_newest


def moves_everybody(connection: Connection, toml: str) -> bool:
    """Return whether this practice sends at other times than the published one."""
    present = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if present is None:
        return False
    return parse_practice(present.source["toml"]).rhythm != parse_practice(toml).rhythm


def look_at_everybody(connection: Connection, now: datetime) -> None:
    """Have every active enrolment decided again, in one statement however many there are.

    A postponement would be noticed in time anyway, but until then the coming week would be
    displayed as it was.
    """
    enrolments.look_at_once(connection, enrolments.everybody(), now)
