"""Silence in the database: the same signs of life as in the domain, on both databases."""

from datetime import UTC, datetime, timedelta
from itertools import product

from sqlalchemy import insert, select

from nurture.domain.scheduling.sunset import ends_silence
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from nurture.store.database import Connection, Database
from nurture.store.queries import quiet
from nurture.store.tables.complaints import complaints
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import NewEvent, add_events
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import Author, RevisionKind, add_revision
from nurture.store.tables.subscribers import add_subscriber, change_subscriber, subscribers

CAME = datetime(2025, 1, 1, 9, tzinfo=UTC)
ASKED = CAME + timedelta(days=180)
LATER = ASKED + timedelta(days=3)
QUESTION = "still-there"
#: Every kind of event with every verdict, told by a hit or by anyone else.
EVERY = list(product(EventKind, (*Verdict, None), ("hit", "pages")))


def people(connection: Connection, number: int) -> list[int]:
    """Add that many people, each in the middle of the question; return their numbers."""
    numbers = [
        add_subscriber(
            connection,
            address=f"p{place}@example.org",
            address_hash=f"{place:024}",
            first_name="",
            time_zone="UTC",
            now=CAME,
        )
        for place in range(number)
    ]
    quiet.ask(connection, numbers, QUESTION, ASKED)
    return numbers


def answered(connection: Connection) -> set[int]:
    """Return who has given a sign since being asked."""
    found = quiet.answered(connection, QUESTION, 1000)
    whose = select(enrolments.c.subscriber_id).where(enrolments.c.id.in_(found))
    return set(connection.scalars(whose))


def test_an_event_is_a_sign_in_the_database_exactly_if_it_is_one_in_the_domain(
    database: Database,
) -> None:
    with database.writing() as connection:
        numbers = people(connection, len(EVERY))
        told = [
            NewEvent(kind, LATER, source, f"e{person}", person, verdict=verdict)
            for person, (kind, verdict, source) in zip(numbers, EVERY, strict=True)
        ]
        add_events(connection, told)
        wanted = {
            person
            for person, (kind, verdict, source) in zip(numbers, EVERY, strict=True)
            if ends_silence(kind, verdict, is_held=verdict is None and source == "hit")
        }
        latest = quiet.latest_signs(connection, numbers)
        assert {person for person in numbers if latest[person] == LATER} == wanted
        assert {at for person, at in latest.items() if person not in wanted} == {CAME}
        assert answered(connection) == wanted


def test_a_saved_page_and_a_complaint_by_the_link_are_signs(database: Database) -> None:
    with database.writing() as connection:
        saved, complained, typed, _ = people(connection, 4)
        change_subscriber(connection, saved, boxes_seen_at=LATER)
        texts = dict.fromkeys(("name", "text", "answer_to", "network", "note"), "")
        shared = texts | {"answer_by": "email", "received_at": LATER}
        rows = [
            shared | {"subscriber_id": person, "by_link": by_link, "reference": f"R{person}"}
            for person, by_link in ((complained, True), (typed, False))
        ]
        connection.execute(insert(complaints), rows)
        assert answered(connection) == {saved, complained}
        latest = quiet.latest_signs(connection, [saved, complained, typed])
        assert latest == {saved: LATER, complained: LATER, typed: CAME}


def test_questions_to_people_without_tracking_are_found(database: Database) -> None:
    with database.writing() as connection:
        followed, other, _ = people(connection, 3)
        change_subscriber(connection, followed, purposes={"series", "tracking"})
        change_subscriber(connection, other, purposes={"series", "tracking:none"})
        found = quiet.not_followed(connection, QUESTION, 1000)
        whose = select(enrolments.c.subscriber_id).where(enrolments.c.id.in_(found))
        everyone = set(connection.scalars(select(subscribers.c.id)))
        assert set(connection.scalars(whose)) == everyone - {followed}


def test_a_broadcast_is_nothing_to_be_under_way_in(database: Database) -> None:
    with database.writing() as connection:
        in_series, in_broadcast = people(connection, 2)
        row = {
            "status": EnrolmentStatus.ACTIVE,
            "passed": (),
            "guide_wanted": False,
            **dict.fromkeys(("enrolled_at", "anchor_at", "guide_wanted_at"), CAME),
        }
        series = {"subscriber_id": in_series, "sequence": "golf", "broadcast": None}
        sent = {"subscriber_id": in_broadcast, "sequence": "broadcast:may", "broadcast": 1}
        connection.execute(insert(enrolments), [row | series, row | sent])
        busy = quiet.under_way(connection, [in_series, in_broadcast], {QUESTION})
        assert busy == {in_series}


def test_of_all_broadcasts_only_those_far_enough_apart_are_read(database: Database) -> None:
    days = (0, 30, 99, 100, 130, 199, 205, 206, 300, 400)
    with database.writing() as connection:
        reader, other = people(connection, 2)
        revision = add_revision(
            connection,
            kind=RevisionKind.EMAIL,
            key="broadcast:may/email",
            digest="",
            author=Author.FILES,
            source={},
            compiled={},
            now=CAME,
        )
        enrolment = connection.scalars(select(enrolments.c.id)).first() or 0
        at = [CAME + timedelta(days=day) for day in days]
        rows = [message_row(reader, enrolment, revision, n, one) for n, one in enumerate(at)]
        rows[6]["status"] = "cancelled"
        rows[9]["sequence"] = "pain-guide"
        connection.execute(insert(messages), rows)
        since = dict.fromkeys((reader, other), CAME)
        found = quiet.broadcasts_spaced(connection, since, timedelta(days=100), [0])
        assert found == {reader: [at[3], at[7]]}
        assert quiet.broadcasts_spaced(connection, since, timedelta(days=100), [enrolment]) == {}


def message_row(
    person: int, enrolment: int, revision: int, number: int, at: datetime
) -> dict[str, object]:
    """Return the row of one broadcast that a reader was sent."""
    return {
        "enrolment_id": enrolment,
        "subscriber_id": person,
        "sequence": f"broadcast:{number}",
        "step": f"email{number}",
        "kind": "article",
        "occasion": 1,
        "revision_id": revision,
        "status": "accepted",
        "attempt": 1,
        "claim": "",
        "due_at": at,
        "claimed_at": at,
        "accepted_at": at,
    }
