"""The current state of people: their enrolments with the next look, and what the gate needs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from nurture.domain.known_words import known, known_or_none
from nurture.domain.scheduling.gate import PausedBy
from nurture.domain.scheduling.planner import anchor_after
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus
from nurture.domain.simulation.person import UnderWay
from nurture.domain.subscribers.suppression import Suppression, guide_on_trial
from nurture.store.tables.enrolments import enrolments, progress_of
from nurture.store.tables.messages import IN_HAND, messages
from nurture.store.tables.subscribers import FORM, RIGHTS, is_client, subscribers
from nurture.store.tables.suppressions import standing_of


@dataclass(frozen=True, slots=True)
class PersonState:
    """One person: what they are and were enrolled in, and what holds emails back."""

    address: str
    time_zone: str
    suppressions: tuple[Suppression, ...]
    paused_until: datetime | None
    paused_by: PausedBy
    enrolments: tuple[UnderWay, ...]
    guide_on_trial: str
    is_unknown: bool
    is_client: bool
    may_as_client: bool
    awaits_no_confirmation: bool


def standings_of(connection: Connection, subscriber_ids: Collection[int]) -> dict[int, PersonState]:
    """Return these people's current state, if known; what a worker has in hand counts as sent."""
    ids = list(subscriber_ids)
    in_hand, suppressed = _in_hand(connection, ids), standing_of(connection, ids)
    found = select(enrolments).where(enrolments.c.subscriber_id.in_(ids)).order_by(enrolments.c.id)
    rows: dict[int, list[RowMapping]] = {}
    for row in connection.execute(found).mappings():
        rows.setdefault(row["subscriber_id"], []).append(row)
    return {
        person["id"]: _stands(
            person, rows.get(person["id"], []), in_hand, tuple(suppressed.get(person["id"], ()))
        )
        for person in connection.execute(_people(ids)).mappings()
    }


def under_way_in(connection: Connection, sequence: str) -> list[int]:
    """Return the subscribers who are under way in a sequence."""
    statement = select(enrolments.c.subscriber_id).where(
        enrolments.c.sequence == sequence, enrolments.c.status == EnrolmentStatus.ACTIVE
    )
    return list(connection.scalars(statement.order_by(enrolments.c.subscriber_id)))


def _people(ids: list[int]) -> Any:
    names = ("id", "address", "time_zone", "paused_until", "paused_by", *RIGHTS)
    known = subscribers.c.id.in_(ids) & ~subscribers.c.erased
    return select(*(subscribers.c[name] for name in names)).where(known)


def _in_hand(connection: Connection, ids: list[int]) -> dict[int, RowMapping]:
    statement = select(messages).where(messages.c.subscriber_id.in_(ids), IN_HAND)
    return {row["enrolment_id"]: row for row in connection.execute(statement).mappings()}


def _stands(
    person: RowMapping,
    rows: list[RowMapping],
    in_hand: dict[int, RowMapping],
    suppressed: tuple[Suppression, ...],
) -> PersonState:
    zone, on_trial = person["time_zone"], guide_on_trial(suppressed)
    return PersonState(
        address=person["address"] or "",
        time_zone=zone,
        suppressions=suppressed,
        paused_until=person["paused_until"],
        paused_by=known(PausedBy, person["paused_by"] or "", PausedBy.PERSON),
        enrolments=tuple(_under_way(row, zone, in_hand.get(row["id"])) for row in rows),
        guide_on_trial=next((row["sequence"] for row in rows if row["id"] == on_trial), ""),
        is_unknown=person["basis_unknown"],
        is_client=is_client(person),
        may_as_client=person["client_basis_at"] is not None,
        awaits_no_confirmation=person["came_by"] != FORM,
    )


def _under_way(row: RowMapping, time_zone: str, message: RowMapping | None) -> UnderWay:
    progress, look_at = progress_of(row, time_zone), row["next_look_at"]
    if message is not None:
        look_at = message["claimed_at"]
        anchor_at = anchor_after(message["due_at"], look_at)
        progress = progress.after(message["step"], anchor_at)
    return UnderWay(
        row["sequence"],
        progress,
        look_at,
        known(EnrolmentStatus, row["status"], EnrolmentStatus.REMOVED),
        row["guide_wanted_at"],
        known_or_none(EndReason, row["ended_because"]),
    )
