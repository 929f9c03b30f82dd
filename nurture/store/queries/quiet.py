"""Silences: who has given no sign of life for a long time, and who answered when asked.

`subscribers.quiet_since` is a hint: no later sign was known when the person was last looked at.
Everyone who is looked at gets a newer one, so the hourly look costs only the people who have become
due since the last one, however many people there are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, select, union_all, update

from nurture.domain.broadcasts.broadcast import PREFIX
from nurture.domain.messages.status import MessageStatus
from nurture.domain.scheduling.sunset import ENDS_A_SILENCE, ENDS_IT_IN_DOUBT
from nurture.domain.sequences.enrolment import Ending, EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.tracking.verdict import Verdict
from nurture.store.database import as_rows, insert_new, rows_as_table
from nurture.store.tables.complaints import complaints
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import HELD, events
from nurture.store.tables.messages import messages
from nurture.store.tables.restores import numbered
from nurture.store.tables.subscribers import agrees_to_tracking, as_consents, subscribers
from nurture.store.tables.suppressions import IS_SUPPRESSED

_IN_DOUBT = (events.c.verdict == Verdict.UNSURE) | HELD
#: As `domain.scheduling.sunset.ends_silence` says.
_SIGN = ((events.c.verdict == Verdict.HUMAN) & events.c.kind.in_(ENDS_A_SILENCE)) | (
    _IN_DOUBT & events.c.kind.in_(ENDS_IT_IN_DOUBT)
)
_NOT_RETURNED = (MessageStatus.ACCEPTED, MessageStatus.DELIVERED)
_NOT_SENT = (MessageStatus.DEFERRED, MessageStatus.CANCELLED, MessageStatus.FAILED)


@dataclass(frozen=True, slots=True)
class QuietPerson:
    """A person with no recent sign of life; `welcome` is that of `domain.scheduling.sunset`.

    `followed` says whether they agree to tracking.
    """

    id: int
    welcome: bool
    followed: bool
    paused_until: datetime | None


def quiet_people(connection: Connection, since: datetime, limit: int) -> list[QuietPerson]:
    """Lock and return confirmed people who seem to have been silent since a moment or longer."""
    statement = (
        select(subscribers, IS_SUPPRESSED.label("suppressed"))
        .where(
            subscribers.c.quiet_since <= since,
            subscribers.c.confirmed_at.is_not(None),
            ~subscribers.c.erased,
        )
        .order_by(subscribers.c.quiet_since)
        .limit(limit)
        .with_for_update(of=subscribers, skip_locked=True, key_share=True)
    )
    return [
        QuietPerson(
            row["id"],
            welcome=bool(as_consents(row["purposes"]).streams) and not row["suppressed"],
            followed=Purpose.TRACKING in as_consents(row["purposes"]),
            paused_until=row["paused_until"],
        )
        for row in connection.execute(statement).mappings()
    ]


def latest_signs(connection: Connection, people: Collection[int]) -> dict[int, datetime]:
    """Return when each of these people last gave a sign of life, or else when they came.

    A sign is what they did with an email or a session, a consent, anything they did on a page of
    their own, and a complaint through the link of an email.
    """
    person = subscribers.c.id
    came = select(person.label("person"), subscribers.c.created_at.label("at"))
    saved = select(person, subscribers.c.boxes_seen_at).where(
        subscribers.c.boxes_seen_at.is_not(None)
    )
    done = select(events.c.subscriber_id, events.c.happened_at)
    said = select(consents.c.subscriber_id, consents.c.recorded_at)
    complained = select(complaints.c.subscriber_id, complaints.c.received_at)
    signs = union_all(
        came.where(person.in_(people)),
        saved.where(person.in_(people)),
        done.where(events.c.subscriber_id.in_(people), _SIGN),
        said.where(consents.c.subscriber_id.in_(people), consents.c.granted),
        complained.where(complaints.c.subscriber_id.in_(people), complaints.c.by_link),
    ).subquery()
    latest = select(signs.c.person, func.max(signs.c.at)).group_by(signs.c.person)
    return {row[0]: row[1] for row in connection.execute(latest)}


def followed_since(connection: Connection, people: Collection[int]) -> dict[int, datetime]:
    """Return when each of these people last agreed to tracking, if they ever did."""
    said = consents.c.granted & (consents.c.purpose == Purpose.TRACKING)
    latest = select(consents.c.subscriber_id, func.max(consents.c.recorded_at))
    of_people = latest.where(consents.c.subscriber_id.in_(people), said)
    return {
        row[0]: row[1] for row in connection.execute(of_people.group_by(consents.c.subscriber_id))
    }


def broadcasts_spaced(
    connection: Connection,
    since: Mapping[int, datetime],
    every: timedelta,
    besides: Collection[int],
) -> dict[int, list[datetime]]:
    """Return when each of these people was sent a broadcast, at least `every` apart.

    The first is the earliest that long after the moment in `since`, the next the earliest that long
    after that, and so on. Enrolments in `besides` are left out. However many broadcasts there were,
    only these are read.
    """
    found: dict[int, list[datetime]] = {}
    while since:
        after = [(person, at + every) for person, at in since.items()]
        since = _first_broadcasts(connection, after, besides)
        for person, at in since.items():
            found.setdefault(person, []).append(at)
    return found


def _first_broadcasts(
    connection: Connection, after: Sequence[tuple[int, datetime]], besides: Collection[int]
) -> dict[int, datetime]:
    columns = ("subscriber_id", "claimed_at")
    rows = rows_as_table(connection.dialect.name, messages, columns)
    first = select(messages.c.claimed_at).where(
        messages.c.subscriber_id == rows.c.subscriber_id,
        messages.c.claimed_at >= rows.c.claimed_at,
        messages.c.sequence.startswith(PREFIX),
        messages.c.status.not_in(_NOT_SENT),
        messages.c.enrolment_id.not_in(besides),
    )
    earliest = first.order_by(messages.c.claimed_at).limit(1).scalar_subquery()
    given = {"rows": as_rows(connection, messages, columns, after)}
    each = connection.execute(select(rows.c.subscriber_id, earliest), given)
    return {person: at for person, at in each if at is not None}


def under_way(
    connection: Connection, people: Collection[int], besides: Collection[str]
) -> set[int]:
    """Return which of these people are under way in a sequence, leaving out some sequences.

    A broadcast is none: there is always another, and the question would never be asked.
    """
    where = (
        enrolments.c.subscriber_id.in_(people)
        & (enrolments.c.status == EnrolmentStatus.ACTIVE)
        & enrolments.c.sequence.not_in(besides)
        & enrolments.c.broadcast.is_(None)
    )
    return set(connection.scalars(select(enrolments.c.subscriber_id).where(where)))


def asked_at(connection: Connection, people: Collection[int], sequence: str) -> dict[int, datetime]:
    """Return when each of these people was last asked, if ever."""
    where = enrolments.c.subscriber_id.in_(people) & (enrolments.c.sequence == sequence)
    found = select(enrolments.c.subscriber_id, enrolments.c.enrolled_at).where(where)
    return {row[0]: row[1] for row in connection.execute(found)}


def ask(connection: Connection, people: Sequence[int], sequence: str, now: datetime) -> None:
    """Ask these people, including any who have been asked before."""
    afresh = {
        "status": EnrolmentStatus.ACTIVE,
        "enrolled_at": now,
        "anchor_at": now,
        "passed": (),
        "guide_wanted": False,
        "guide_wanted_at": now,
        "next_look_at": now,
    }
    rows = [afresh | {"subscriber_id": person, "sequence": sequence} for person in people]
    given = numbered(connection, enrolments, rows)
    new = {row[0] for row in insert_new(connection, enrolments, given, "subscriber_id")}
    again = [person for person in people if person not in new]
    connection.execute(
        update(enrolments)
        .where(enrolments.c.subscriber_id.in_(again), enrolments.c.sequence == sequence)
        .values(
            **afresh, ended_at=None, occasion=enrolments.c.occasion + 1, turn=enrolments.c.turn + 1
        )
    )


def count_from(connection: Connection, since: Mapping[int, datetime]) -> None:
    """Set the moment from which the silence of each of these people counts."""
    statement = (
        update(subscribers)
        .where(subscribers.c.id == bindparam("person"))
        .values(quiet_since=bindparam("at"))
    )
    rows = [{"person": person, "at": at} for person, at in since.items()]
    if rows:
        connection.execute(statement, rows)


def answered(connection: Connection, sequence: str, limit: int) -> list[int]:
    """Return the enrolments under way in a sequence whose people have since given a sign."""
    return _asked_where(connection, sequence, _gave_a_sign(), limit)


def not_followed(connection: Connection, sequence: str, limit: int) -> list[int]:
    """Return the enrolments under way in a sequence whose people do not agree to tracking."""
    follows = exists().where(
        subscribers.c.id == enrolments.c.subscriber_id,
        agrees_to_tracking(connection.dialect.name),
    )
    return _asked_where(connection, sequence, ~follows, limit)


def answered_among(connection: Connection, enrolment_ids: Collection[int]) -> set[int]:
    """Return those of the enrolments whose people have given a sign of life since being asked."""
    among = enrolments.c.id.in_(enrolment_ids)
    return set(connection.scalars(select(enrolments.c.id).where(among, _gave_a_sign())))


def reached_among(connection: Connection, enrolment_ids: Collection[int]) -> set[int]:
    """Return those of the enrolments whose question the mail server has accepted."""
    asked = (
        messages.c.enrolment_id.in_(enrolment_ids)
        & (messages.c.kind == StepKind.QUESTION)
        & (messages.c.occasion == enrolments.c.occasion)
        & messages.c.status.in_(_NOT_RETURNED)
    )
    joined = messages.join(enrolments, enrolments.c.id == messages.c.enrolment_id)
    return set(connection.scalars(select(messages.c.enrolment_id).select_from(joined).where(asked)))


def mark_ended(connection: Connection, enrolment_ids: Collection[int], ending: Ending) -> None:
    """Record how enrolments that have just ended did."""
    among = enrolments.c.id.in_(enrolment_ids)
    values = {"status": ending.status, "ended_because": ending.because}
    connection.execute(update(enrolments).where(among).values(values))


def _asked_where(
    connection: Connection, sequence: str, where: ColumnElement[bool], limit: int
) -> list[int]:
    asked = (enrolments.c.sequence == sequence) & (enrolments.c.status == EnrolmentStatus.ACTIVE)
    return list(connection.scalars(select(enrolments.c.id).where(asked, where).limit(limit)))


def _gave_a_sign() -> ColumnElement[bool]:
    did = exists().where(
        events.c.subscriber_id == enrolments.c.subscriber_id,
        events.c.happened_at > enrolments.c.enrolled_at,
        _SIGN,
    )
    said_yes = exists().where(
        consents.c.subscriber_id == enrolments.c.subscriber_id,
        consents.c.recorded_at > enrolments.c.enrolled_at,
        consents.c.granted,
    )
    saved = exists().where(
        subscribers.c.id == enrolments.c.subscriber_id,
        subscribers.c.boxes_seen_at > enrolments.c.enrolled_at,
    )
    complained = exists().where(
        complaints.c.subscriber_id == enrolments.c.subscriber_id,
        complaints.c.received_at > enrolments.c.enrolled_at,
        complaints.c.by_link,
    )
    return did | said_yes | saved | complained
