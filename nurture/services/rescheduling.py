"""Rescheduling: what waits follows the hours, the caps and the holidays as they are now."""

from datetime import datetime

from nurture.domain.rhythm import may_bring_forward
from nurture.library import parse_practice
from nurture.store import enrolments
from nurture.store.revisions import RevisionKind, find_newest
from nurture.store.session import Connection


def moves_everybody(connection: Connection, toml: str) -> bool:
    """Whether something may leave sooner by this practice than by the one that is published."""
    present = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if present is None:
        return False
    old, new = parse_practice(present.source["toml"]).rhythm, parse_practice(toml).rhythm
    return may_bring_forward(old, new)


def look_at_everybody(connection: Connection, now: datetime) -> None:
    """Have everybody under way looked at, in one statement whatever their number.

    What is put off needs none of this: it is found out at its next look.
    """
    enrolments.look_at_once(connection, enrolments.everybody(), now)
