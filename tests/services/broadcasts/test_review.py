"""The review of a broadcast: everyone is in one number, and each number is a list of people."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, update

from nurture.domain.account.presets import AccountChoices
from nurture.domain.broadcasts.broadcast import Broadcast, SendTime, When
from nurture.domain.subscribers.consent import ConsentChange, Origin, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.broadcasts.review import as_json, people_of, review, three_people
from nurture.store.database import Connection
from nurture.store.tables.account_limits import keep_warming
from nurture.store.tables.consents import record_consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import find_by_address, subscribers
from nurture.store.tables.suppressions import suppress
from tests.installation import Installation
from tests.services.broadcasts.readers import draft, readers

FREE = AccountChoices()


def reviewed(
    home: Installation, broadcast: Broadcast, fixed: AccountChoices = FREE
) -> dict[str, Any]:
    context = home.context
    with context.database.reading() as connection:
        published = context.catalogue.current(connection)
        found = as_json(review(connection, published, broadcast, fixed, home.clock.now))
    numbers = [one["number"] for one in found["not_reached"]]
    assert found["reached"] + sum(numbers) == found["total"]
    assert sum(found["by_basis"].values()) == found["reached"]
    return found


def listed(home: Installation, broadcast: Broadcast, reason: str) -> list[str]:
    context = home.context
    with context.database.reading() as connection:
        published = context.catalogue.current(connection)
        people = people_of(connection, published, broadcast, reason, 0, 100, home.clock.now)
    return [one.address for one in people]


def change(home: Installation, address: str, **values: object) -> None:
    with home.context.database.writing() as connection:
        theirs = subscribers.c.address == address
        connection.execute(update(subscribers).where(theirs).values(**values))


def agree(home: Installation, address: str, source: str, purpose: Purpose = Purpose.NEWS) -> None:
    with home.context.database.writing() as connection:
        person = find_by_address(connection, address)
        assert person is not None
        said = [ConsentChange(purpose, True, "Send me news.")]
        record_consents(connection, person.id, said, Origin(source, "1"), home.clock.now)


def test_collectors_of_a_guide_get_no_news_and_the_reason_names_the_words(
    home: Installation,
) -> None:
    for place in range(1, 11):
        home.subscribe(f"collector{place}@example.org")
        home.collect(place)
    broadcast = draft(home)
    found = reviewed(home, broadcast)
    form = home.context.get_published().sequences["pain-guide"].form
    assert (found["reached"], found["total"]) == (0, 10)
    [reason] = found["not_reached"]
    assert (reason["reason"], reason["number"]) == ("not_covered", 10)
    assert form is not None
    assert " ".join(form.wording.split()) in " ".join(reason["why"].split())
    assert len(listed(home, broadcast, "not_covered")) == 10
    assert found["last_leaves_at"] is None


def test_everyone_is_in_one_number_and_each_number_is_a_list(home: Installation) -> None:
    people = readers(home, 9)
    evidence, stated, client, paused, gone, unconfirmed, unknown, without = people[1:]
    agree(home, people[0], "preferences")
    agree(home, evidence, "stated:1")
    home.clock.advance(timedelta(minutes=1))
    agree(home, evidence, "evidence:2")
    agree(home, stated, "stated:1")
    change(home, client, purposes=(), client_basis_at=home.clock.now)
    change(home, paused, paused_until=home.clock.now + timedelta(days=3))
    change(home, unconfirmed, confirmed_at=None)
    change(home, unknown, purposes=(), basis_unknown=True)
    change(home, without, purposes=("articles",))
    with home.context.database.writing() as connection:
        person = find_by_address(connection, gone)
        assert person is not None
        suppress(connection, person.address_hash, SuppressionReason.UNSUBSCRIBED, home.clock.now)
    broadcast = draft(home)
    found = reviewed(home, broadcast)
    reasons = {one["reason"]: one["number"] for one in found["not_reached"]}
    assert reasons == dict.fromkeys(
        (
            *("they_are_paused", "unsubscribed", "not_confirmed"),
            *("agreed_to_nothing_known", "not_covered"),
        ),
        1,
    )
    assert found["by_basis"] == {
        "confirmed": 1,
        "form": 0,
        "evidence": 1,
        "stated": 1,
        "unrecorded": 0,
        "client": 1,
    }
    lists = {
        "reached": people[:4],
        "confirmed": people[:1],
        "evidence": [evidence],
        "stated": [stated],
        "client": [client],
        "they_are_paused": [paused],
        "unsubscribed": [gone],
        "not_confirmed": [unconfirmed],
        "agreed_to_nothing_known": [unknown],
        "not_covered": [without],
        "no_consent_for": [],
        "not_in_audience": [],
    }
    assert {reason: listed(home, broadcast, reason) for reason in lists} == lists


def test_a_pause_that_is_over_by_then_keeps_nobody_from_it(home: Installation) -> None:
    [person] = readers(home, 1)
    change(home, person, paused_until=home.clock.now + timedelta(days=2))
    at = SendTime(When.AT, home.clock.now + timedelta(days=3))
    assert reviewed(home, draft(home, "later", timing=at))["reached"] == 1
    assert reviewed(home, draft(home, "now"))["reached"] == 0


def test_people_at_their_cap_get_it_on_another_day(home: Installation) -> None:
    people = readers(home, 3)
    change(home, people[1], frequency="fewer")
    with home.context.database.writing() as connection:
        for address in people[:2]:
            _mailed(connection, address, home.clock.now - timedelta(hours=2))
    found = reviewed(home, draft(home))
    today = home.clock.now.date()
    assert found["later"] == [
        {"on": str(today + timedelta(days=1)), "number": 1},
        {"on": str(today + timedelta(days=7)), "number": 1},
    ]
    assert found["reached"] == 3
    assert date.fromisoformat(found["last_leaves_at"][:10]) == today + timedelta(days=7)


def _mailed(connection: Connection, address: str, at: Any) -> None:
    person = find_by_address(connection, address)
    assert person is not None
    shared = {"subscriber_id": person.id, "sequence": "pain-guide"}
    row = {"status": "completed", "passed": (), "guide_wanted": False}
    moments = dict.fromkeys(("enrolled_at", "anchor_at", "guide_wanted_at"), at)
    number = connection.execute(
        insert(enrolments).values(**shared, **row, **moments).returning(enrolments.c.id)
    ).scalar_one()
    revision = connection.scalar(revisions.select().with_only_columns(revisions.c.id).limit(1))
    sent = {"enrolment_id": number, "revision_id": revision, "due_at": at, "claimed_at": at}
    about = {"step": "one", "kind": "article", "occasion": 1, "attempt": 1, "claim": ""}
    connection.execute(insert(messages).values(**shared, **sent, **about, status="delivered"))


def test_a_limit_makes_it_go_over_days_and_the_liveliest_could_be_first(
    home: Installation,
) -> None:
    readers(home, 50)
    found = reviewed(home, draft(home), AccountChoices(day=40))
    assert [one["number"] for one in found["per_day"]] == [30, 20]
    assert (found["days"], found["suggests_liveliest_first"]) == (2, 30)
    assert (
        reviewed(home, draft(home, "lively", liveliest_first=True), AccountChoices(day=40))[
            "suggests_liveliest_first"
        ]
        is None
    )


def test_warming_up_a_domain_makes_it_go_over_days(home: Installation) -> None:
    readers(home, 60)
    with home.context.database.writing() as connection:
        keep_warming(connection, home.clock.now)
    found = reviewed(home, draft(home))
    assert [one["number"] for one in found["per_day"]] == [50, 10]


def test_three_people_are_unlike_each_other(home: Installation) -> None:
    people = readers(home, 6)
    change(home, people[3], first_name="")
    change(home, people[4], purposes=(), client_basis_at=home.clock.now)
    context, broadcast = home.context, draft(home)
    with context.database.reading() as connection:
        published = context.catalogue.current(connection)
        found = three_people(connection, published, broadcast, home.clock.now)
    assert [one.address for one in found] == [people[0], people[3], people[4]]
