"""What is known of a batch besides its enrolments, read with a few statements for all of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.scheduling.gate import HELD_BACK_AT_MOST
from nurture.domain.scheduling.planner import segments_asked
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.queries.due import DueEnrolment
from nurture.store.queries.facts import facts_of
from nurture.store.tables import messages


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """The paused sequences, and when people were emailed and which segments they are in.

    `mailed` and `segments` are by subscriber; the decisions of a batch add to `mailed`.
    """

    paused: Collection[str]
    mailed: dict[int, list[datetime]]
    segments: Mapping[int, frozenset[str]]


def gather(
    connection: Connection,
    published: Published,
    due: Sequence[DueEnrolment],
    paused: Collection[str],
    now: datetime,
) -> BatchFacts:
    """Return what is known of these enrolments."""
    return BatchFacts(
        paused,
        _recent_mails(connection, due, published, now),
        _segments(connection, due, published, now),
    )


def _recent_mails(
    connection: Connection, due: Sequence[DueEnrolment], published: Published, now: datetime
) -> dict[int, list[datetime]]:
    """Return when people were last emailed, going further back where it tells why one is late."""
    if not due:
        return {}
    skipping = {key for key, sequence in published.sequences.items() if sequence.skips_late}
    further = {one.subscriber_id for one in due if one.sequence in skipping}
    others = {one.subscriber_id for one in due} - further
    since = now - published.calendar.caps.longest
    return messages.mailed_since(connection, others, since) | messages.mailed_since(
        connection, further, since - HELD_BACK_AT_MOST
    )


def _segments(
    connection: Connection, due: Sequence[DueEnrolment], published: Published, now: datetime
) -> dict[int, frozenset[str]]:
    """Return people's segments, for those whose next step depends on them."""
    asking = {
        one.subscriber_id
        for one in due
        if (sequence := published.find_sequence(one.sequence))
        and segments_asked(sequence, one.progress)
    }
    found = facts_of(connection, asking) if asking else {}
    return {person: published.segments.of(facts, now) for person, facts in found.items()}
