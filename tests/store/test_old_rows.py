"""Rows from before reasons were stored show what can be known about them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.store.database import Database
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.store.older_database import NOW, SOON, Before, migrate_to

#: What the table of people had at the time.
THEN = [
    subscribers.c[name]
    for name in ("id", "paused_by", "booked_until", "boxes_seen_at", "paused_until")
]


@pytest.fixture
def before(empty_url: str) -> Before:
    """A database at the earlier revision, with all kinds of people in it."""
    migrate_to(empty_url, "0008")
    return Before(empty_url)


def test_old_enrolments_get_the_reason_that_can_be_inferred(before: Before, empty_url: str) -> None:
    expected: dict[int, str | None] = {}
    for name, status, kind, source, raw, because in (
        ("taken", "removed", "removed", "studio", '{"sequence": "pain-guide"}', "taken_out"),
        ("other", "removed", "removed", "studio", '{"sequence": "golf"}', "not_collected"),
        ("gone", "unsubscribed", "unsubscribed", "pages", None, "unsubscribed"),
        ("asked", "unsubscribed", "unsubscribed", "studio", None, "unsubscribed_by_owner"),
        ("who", "unsubscribed", "opened", "hit", None, None),
        ("book", "goal_reached", "booked", "cal", None, "booked"),
        ("stay", "goal_reached", "stayed", "pages", None, "stayed"),
        ("done", "completed", "opened", "hit", None, "completed"),
    ):
        person = before.person(name)
        expected[before.enrolment(person, status)] = because
        before.event(person, kind, source, raw)
    person = before.person("late")
    expected[before.enrolment(person, "removed", collected_at=NOW)] = None
    expected[before.enrolment(before.person("dead"), "suppressed")] = "bounced"
    before.add("suppressions", address_hash="hash-of-dead", reason="bounced", since=NOW, detail="")
    migrate_to(empty_url, "0012")
    database = Database(empty_url)
    with database.reading() as connection:
        rows = connection.execute(select(enrolments.c.id, enrolments.c.ended_because))
        assert {row.id: row.ended_because for row in rows} == expected
    database.close()


def test_pauses_bookings_and_answered_boxes_are_inferred_from_events(
    before: Before, empty_url: str
) -> None:
    until = SOON + timedelta(days=14)
    by_owner = before.person("owner", paused_until=until)
    raw = f'{{"until": "{until.isoformat()}"}}'
    before.event(by_owner, "paused", "studio", raw)
    by_them = before.person("them", paused_until=until + timedelta(days=3))
    before.event(by_them, "paused", "studio", raw)
    booked, cancelled, nobody = before.person("book"), before.person("cancel"), None
    before.event(booked, "booked", "cal")
    before.event(cancelled, "booked", "cal")
    before.event(cancelled, "cancelled", "cal")
    before.event(nobody, "booked", "cal")
    before.event(booked, "downloaded", "guide-page")
    migrate_to(empty_url, "0012")
    database = Database(empty_url)
    with database.reading() as connection:
        people = {row.id: row for row in connection.execute(select(*THEN))}
        bookers = connection.execute(select(events.c.subscriber_id, events.c.booker))
        found = {row.subscriber_id: row.booker for row in bookers if row.booker}
    assert (people[by_owner].paused_by, people[by_them].paused_by) == ("owner", "person")
    assert people[booked].paused_by is None
    assert people[booked].booked_until == NOT_CANCELLED
    assert people[cancelled].booked_until == SOON
    assert people[by_them].booked_until is None
    assert found == {booked: "hash-of-book", cancelled: "hash-of-cancel"}
    assert (people[booked].boxes_seen_at, people[cancelled].boxes_seen_at) == (SOON, None)
    database.close()


def test_impossible_times_are_replaced_by_the_time_of_receipt(empty_url: str) -> None:
    migrate_to(empty_url, "0012")
    before = Before(empty_url)
    person = before.person("ann")
    before.event(person, "delivered", "generic")
    for year in (1, 1999, 2100, 9999):
        at = datetime(year, 1, 1, tzinfo=UTC)
        more = {"subscriber_id": person, "kind": "bounced", "source": "generic", "raw": "{}"}
        before.add("events", source_key=str(year), happened_at=at, verdict="human", **more)
        reason = {"reason": str(year), "detail": ""}
        before.add("suppressions", address_hash="hash-of-ann", since=at, **reason)
    raw = '{"SubscribeURL": "https://sns.eu-west-2.amazonaws.com/?Token=t", "Type": "x"}'
    before.event(None, "unknown", "ses", raw)
    migrate_to(empty_url, "0015")
    database = Database(empty_url)
    with database.reading() as connection:
        assert set(connection.scalars(select(events.c.happened_at))) == {SOON}
        assert set(connection.scalars(select(suppressions.c.since))) == {SOON}
        kept = connection.scalars(select(events.c.raw).where(events.c.source == "ses")).all()
        assert kept == [{"Type": "x"}]
    database.close()


def test_people_agree_to_the_series_of_the_forms_they_agreed_in_and_to_nothing_more(
    empty_url: str,
) -> None:
    migrate_to(empty_url, "0023")
    before = Before(empty_url)
    yes, no = True, False
    expected: dict[int, set[str]] = {}
    for name, present, said, series in (
        ("one", "guide marketing", [("form:pain", "marketing", yes)], {"pain"}),
        (
            "both",
            "guide marketing tracking",
            [("form:pain", "marketing", yes), ("form:over", "marketing", yes)],
            {"pain", "over"},
        ),
        (
            "guide-only",
            "guide marketing",
            [("form:pain", "marketing", yes), ("form:over", "guide", yes)],
            {"pain"},
        ),
        (
            "back",
            "guide marketing",
            [
                ("form:pain", "marketing", yes),
                ("form:over", "guide", yes),
                ("unsubscribe", "marketing", no),
                ("resubscribe", "marketing", yes),
            ],
            {"pain", "over"},
        ),
        (
            "anew",
            "guide marketing",
            [
                ("form:pain", "marketing", yes),
                ("quiet", "marketing", no),
                ("form:over", "marketing", yes),
            ],
            {"over"},
        ),
        ("spaced", "guide marketing", [("form:the pain", "marketing", yes)], {"the%20pain"}),
        ("left", "", [("form:pain", "marketing", yes), ("unsubscribe", "marketing", no)], set()),
        ("nobody", "guide tracking", [("form:pain", "guide", yes)], set()),
    ):
        person = before.person(name, purposes=present)
        for source, purpose, granted in said:
            before.consent(person, source, purpose, granted)
        words = {f"series:{form}" for form in series}
        expected[person] = {*present.split(), *words}
    migrate_to(empty_url, "head")
    database = Database(empty_url)
    with database.reading() as connection:
        rows = connection.execute(select(subscribers.c.id, subscribers.c.purposes)).all()
        kept = connection.scalars(select(consents.c.purpose)).all()
    database.close()
    assert {row.id: set(row.purposes) for row in rows} == expected
    assert "series" not in kept  # What was recorded stays as it was recorded.


def test_people_keep_the_series_of_a_form_that_has_another_key_by_now(empty_url: str) -> None:
    migrate_to(empty_url, "0023")
    before = Before(empty_url)
    for number, (sequence, form) in enumerate(
        [("pain", "old-pain"), ("pain", "pain"), ("over", "pain-2"), ("over", "over")], 1
    ):
        source = json.dumps({"toml": f'title = "A"\n[form]\nkey = "{form}"\n'})
        stated = {"digest": "", "author": "files", "compiled": "{}", "published_at": NOW}
        before.add(
            "revisions", kind="sequence", key=sequence, number=number, source=source, **stated
        )
    person = before.person("ann", purposes="guide marketing")
    before.consent(person, "form:old-pain", "marketing", True)
    migrate_to(empty_url, "head")
    database = Database(empty_url)
    with database.reading() as connection:
        [words] = connection.scalars(select(subscribers.c.purposes))
    database.close()
    assert words == {"guide", "marketing", "series:pain"}
