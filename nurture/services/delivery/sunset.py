"""Sunsetting: people who have long been silent are asked once, then no longer emailed.

They are asked by enrolling them in the published sequence that has `[quiet]`. Any sign of life
ends it early; if its patience runs out without one, consent counts as withdrawn. That is done only
to people who agreed to tracking. The others are asked in the foot of a broadcast, and silence
changes nothing for them.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.sunset import (
    ANSWERED,
    ASKED_IN_THE_FOOT_AFTER,
    NOT_JUDGED,
    UNANSWERED,
    Ask,
    CountFrom,
    Silence,
    asks_in_foot,
    decide,
    end_of_question,
)
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.sequences.sequence import Quiet, Sequence
from nurture.domain.subscribers.consent import SILENCE, STAYED, Evidence, Origin
from nurture.domain.subscribers.preferences import in_own_words
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.catalogue import Catalogue, NothingPublishedError, Published
from nurture.services.subscribers.preferences import want_emails
from nurture.store import personal
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.queries import quiet as stored
from nurture.store.queries.due import DueEnrolment
from nurture.store.tables import enrolments, events, message_changes, messages, subscribers
from nurture.store.tables.consents import record_consents

#: How a question, or a line in the foot, ends that was answered by its button.
_STAYED = Ending(EnrolmentStatus.GOAL_REACHED, EndReason.STAYED)

#: How many people are examined in one transaction, and how many transactions are made in one run.
_CHUNK, _CHUNKS = 500, 200


def ask_the_quiet(database: Database, catalogue: Catalogue, now: datetime) -> int:
    """Ask everyone who has been silent for as long as the owner has set; return how many.

    People who were asked and have since shown a sign of life, or withdrawn their consent to
    tracking, are no longer waited for. It is safe to repeat, and cheap if no one has become due.
    """
    try:
        with database.reading() as connection:
            published = catalogue.current(connection)
    except NothingPublishedError:
        return 0
    quiet = [s for k, s in published.sequences.items() if s.quiet and k not in published.beyond]
    return sum(_sunset(database, published, sequence, now) for sequence in quiet[:1])


def in_hand(
    connection: Connection, published: Published, due: Iterable[DueEnrolment], now: datetime
) -> list[DueEnrolment]:
    """Return what is due, except questions to people whose rows other workers have locked.

    The end of a question may end all their other enrolments, and a worker never waits for a lock.
    Questions to people who do not agree to tracking end here: they are neither asked nor dropped.
    """
    quiet, due = _quiet(published), list(due)
    asked = {one.subscriber_id for one in due if one.sequence in quiet}
    later = asked - locks.hold_free(connection, asked)
    theirs = [one for one in due if one.sequence in quiet and one.subscriber_id not in later]
    unseen = {one.id for one in theirs if not one.may_be_followed}
    _close(connection, unseen, NOT_JUDGED, now)
    left = {one.id for one in theirs} - unseen
    return [one for one in due if one.sequence not in quiet or one.id in left]


def fall_silent(
    connection: Connection, published: Published, ended: Iterable[DueEnrolment], now: datetime
) -> None:
    """Stop emailing people who reached the end of a question without answering it.

    `ended` are enrolments just completed, in any sequence; the people asked must be locked with
    `in_hand`. Those who showed a sign of life in time have answered; those the question never
    reached, and those whose signs cannot be seen, stay as they were.
    """
    quiet = _quiet(published)
    asked = {one.id: one for one in ended if one.sequence in quiet}
    if not asked:
        return
    answered = stored.answered_among(connection, asked.keys())
    reached = stored.reached_among(connection, asked.keys())
    endings: dict[Ending, list[int]] = {}
    for number, one in asked.items():
        ending = end_of_question(
            reached=number in reached,
            answered=number in answered,
            followed=one.may_be_followed,
        )
        if ending:
            endings.setdefault(ending, []).append(number)
    for ending, numbers in endings.items():
        stored.mark_ended(connection, numbers, ending)
    silent = endings.get(UNANSWERED, ())
    _let_be(connection, published, [asked[number].subscriber_id for number in silent], now)


def asked_in_foot(
    connection: Connection, published: Published, due: Collection[DueEnrolment], now: datetime
) -> set[int]:
    """Return the enrolments in a broadcast whose email asks in its foot: “still want these?”.

    That is for people without tracking whose last sign of life is 24 months ago, once in 24 months.
    The messages of these enrolments themselves do not count as asking before.
    """
    theirs = {
        one.subscriber_id: one.id
        for one in due
        if published.get_sequence(one.sequence).broadcast is not None and not one.may_be_followed
    }
    if not theirs:
        return set()
    signs = stored.latest_signs(connection, theirs.keys())
    apart = ASKED_IN_THE_FOOT_AFTER
    long = {who: at for who, at in signs.items() if at <= now - apart}
    sent = stored.broadcasts_spaced(connection, long, apart, theirs.values())
    return {theirs[who] for who, at in long.items() if asks_in_foot(at, sent.get(who, ()), now)}


def stay(
    database: Database, catalogue: Catalogue, message_id: int, evidence: Evidence, now: datetime
) -> None:
    """Record that the recipient of that message still wants the emails, even if it is late.

    The message is a question, or a broadcast that asked in its foot; the latter ends nothing.
    """
    with database.writing() as connection:
        message = messages.find_message(connection, message_id)
        person = message and locks.hold_subscriber(connection, message.subscriber_id)
        if not message or not person:
            return
        stayed = events.NewEvent(
            kind=EventKind.STAYED,
            happened_at=now,
            source="pages",
            source_key=f"stayed:{message.id}:{now.isoformat()}",
            subscriber_id=person.id,
            message_id=message.id,
            verdict=Verdict.HUMAN,
        )
        events.add_events(connection, [stayed])
        if key_of(message.sequence) is None:
            _close(connection, [message.enrolment_id], _STAYED, now)
        published = catalogue.current(connection)
        want_emails(connection, published, person, STAYED, evidence, now)


def _sunset(database: Database, published: Published, sequence: Sequence, now: datetime) -> int:
    assert sequence.quiet is not None
    _close_where(database, stored.answered, sequence, ANSWERED, now)
    _close_where(database, stored.not_followed, sequence, NOT_JUDGED, now)
    asked = 0
    for _ in range(_CHUNKS):
        with database.writing() as connection:
            looked_at, chosen = _look(connection, published, sequence, sequence.quiet, now)
        asked += chosen
        if looked_at < _CHUNK:
            break
    return asked


def _close_where(
    database: Database,
    find: Callable[[Connection, str, int], list[int]],
    sequence: Sequence,
    ending: Ending,
    now: datetime,
) -> None:
    for _ in range(_CHUNKS):
        with database.reading() as connection:
            found = find(connection, sequence.key, _CHUNK)
        if found:
            with database.writing() as connection:
                locks.hold_numbered(connection, found)
                _close(connection, found, ending, now)
        if len(found) < _CHUNK:
            break


def _close(
    connection: Connection, enrolment_ids: Collection[int], ending: Ending, now: datetime
) -> None:
    if not enrolment_ids:
        return
    enrolments.end_enrolments(connection, enrolment_ids, ending.status, now, ending.because)
    message_changes.cancel_open_of(connection, enrolment_ids, Reason(Code.THEY_ARE_THERE))


def _look(
    connection: Connection, published: Published, sequence: Sequence, quiet: Quiet, now: datetime
) -> tuple[int, int]:
    """Decide on one chunk of people; return how many were examined and how many were asked."""
    people = stored.quiet_people(connection, now - quiet.after, _CHUNK)
    if not people:
        return 0, 0
    numbers = [person.id for person in people]
    signs = stored.latest_signs(connection, numbers)
    since = stored.followed_since(connection, numbers)
    asked_at = stored.asked_at(connection, numbers, sequence.key)
    busy = stored.under_way(connection, numbers, {sequence.key, *_answers(published)})
    decisions = {
        person.id: decide(
            Silence(
                alive_at=signs[person.id],
                followed_since=since.get(person.id, signs[person.id]) if person.followed else None,
                welcome=person.welcome,
                under_way=person.id in busy,
                asked_at=asked_at.get(person.id),
                paused_until=person.paused_until,
            ),
            quiet,
            now,
        )
        for person in people
    }
    asked = [person for person, decision in decisions.items() if isinstance(decision, Ask)]
    locks.hold(connection, enrolments.of_subscribers(asked))
    stored.ask(connection, asked, sequence.key, now)
    stored.count_from(
        connection, {p: d.at if isinstance(d, CountFrom) else now for p, d in decisions.items()}
    )
    return len(people), len(asked)


def _quiet(published: Published) -> set[str]:
    return {s.key for s in published.sequences.values() if s.quiet}


def _answers(published: Published) -> set[str]:
    """Return the sequences people requested on their page, which carry on whatever else ends."""
    return {s.key for s in published.sequences.values() if s.answers}


def _let_be(
    connection: Connection, published: Published, people: Collection[int], now: datetime
) -> None:
    for number in people:
        person = subscribers.find_subscriber(connection, number)
        if person:
            withdrawn = in_own_words(person.consents.streams, False)
            where = Origin(SILENCE, published.practice.privacy_version)
            record_consents(connection, number, withdrawn, where, now)
    personal.end_everything(
        connection,
        people,
        EnrolmentStatus.UNSUBSCRIBED,
        now,
        sparing=_answers(published),
        because=EndReason.SILENT,
    )
