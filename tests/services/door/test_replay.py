"""Kept calls are taken in once they can be read: with their own time, once, and never by halves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from nurture.domain.door.field_mapping import FieldMapping
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.services.door import kept_calls
from nurture.services.door.mappings import list_mappings
from nurture.services.door.reception import SentOutcome
from nurture.services.door.replay import Replayed, replay
from nurture.services.subscribers import preferences
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.kept_calls import kept_calls as table
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.services.door.strange_forms import (
    PAIN,
    map_pain,
    send_strange,
    strange,
)
from tests.vocabulary import SERIES

ANNA = "anna@example.org"


def again(home: Installation) -> Replayed:
    return replay(home.context.door, PAIN, home.clock.now)


def test_a_kept_form_is_taken_in_with_its_own_time_once_it_is_mapped(home: Installation) -> None:
    came_at = home.clock.now
    assert send_strange(home, strange(ANNA)).outcome is SentOutcome.KEPT
    home.clock.advance(timedelta(hours=5))
    map_pain(home)
    assert again(home) == Replayed(taken=1)
    assert home.rows(table) == []
    person = home.person(ANNA)
    assert (person["first_name"], person["purposes"]) == ("Anna", {"guide", *SERIES})
    [signup] = home.rows(signups)
    assert (signup["signed_up_at"], signup["client"]) == (came_at, "192.0.2.7")
    assert {row["said_at"] for row in home.rows(consents)} == {came_at}
    assert {row["user_agent"] for row in home.rows(consents)} == {"A browser"}


def test_what_nobody_vouched_for_must_still_be_confirmed(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    send_strange(home, strange(ANNA))
    map_pain(home)
    again(home)
    assert home.deliver() == 1
    [enrolment] = home.rows(enrolments)
    assert enrolment["must_collect"] is True
    assert home.person(ANNA)["confirmed_at"] is None


def test_replaying_twice_takes_everyone_in_once(home: Installation) -> None:
    for number in range(3):
        send_strange(home, strange(f"anna{number}@example.org"), str(number))
    map_pain(home)
    assert again(home) == Replayed(taken=3)
    assert again(home) == Replayed()
    assert len(home.rows(signups)) == 3


def test_two_replays_at_once_take_everyone_in_once(home: Installation) -> None:
    for number in range(12):
        send_strange(home, strange(f"anna{number % 8}@example.org"), str(number))
    map_pain(home)
    doors = [home.another().door for _ in range(2)]
    now = home.clock.now
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda door: replay(door, PAIN, now), doors))
    assert sum(one.taken for one in done) == 12
    assert sum(one.left for one in done) == 0
    assert home.rows(table) == []
    assert len(home.rows(subscribers)) == 8


def test_what_a_mapping_cannot_read_stays_kept(home: Installation) -> None:
    send_strange(home, strange(ANNA), "1")
    send_strange(home, strange("no address"), "2")
    send_strange(home, {"quite": "another form"}, "3")
    map_pain(home)
    assert again(home) == Replayed(taken=1, left=2)
    assert len(home.rows(table)) == 2
    assert [row["address"] for row in home.rows(subscribers)] == [ANNA]


def test_a_mapped_box_agrees_to_its_purpose_only_if_it_is_ticked(home: Installation) -> None:
    send_strange(home, strange(ANNA), "1")
    send_strange(home, strange("ben@example.org", tick=""), "2")
    map_pain(home, FieldMapping("/q7/a", "/q9", boxes={"/tick": Purpose.TRACKING}))
    again(home)
    assert "tracking" in home.awaited(ANNA)
    assert "tracking" not in home.awaited("ben@example.org")


def test_a_mapping_reads_later_forms_at_once(home: Installation) -> None:
    map_pain(home)
    receipt = send_strange(home, strange(ANNA))
    assert (receipt.outcome, receipt.reader) == (SentOutcome.TAKEN, "mapped")
    assert (receipt.address_in, receipt.name_in) == ("/q7/a", "/q9")
    assert home.rows(table) == []


def test_someone_who_has_unsubscribed_since_stays_so(home: Installation) -> None:
    home.subscribe(ANNA)
    home.clock.advance(timedelta(hours=1))
    send_strange(home, strange(ANNA))
    home.clock.advance(timedelta(hours=1))
    number = home.person(ANNA)["id"]
    preferences.unsubscribe(*home.context.stored, number, None, Evidence(), home.clock.now)
    map_pain(home)
    again(home)
    assert "series" not in home.person(ANNA)["purposes"]


def test_a_call_whose_key_is_gone_stays_until_it_is_forgotten(home: Installation) -> None:
    send_strange(home, strange(ANNA))
    map_pain(home)
    other = home.another(NURTURE_SECRET_KEY="another-key-that-opens-nothing-at-all")
    assert replay(other.door, PAIN, home.clock.now) == Replayed(left=1)
    [call] = kept_calls.newest_kept(other.database, other.seal, PAIN, 5)
    assert call.fields == {}


def test_kept_calls_are_forgotten_after_a_week(home: Installation) -> None:
    send_strange(home, strange(ANNA))
    home.clock.advance(timedelta(days=7))
    home.upkeep()
    assert len(home.rows(table)) == 1
    home.clock.advance(timedelta(minutes=1))
    home.upkeep()
    assert home.rows(table) == []


def test_one_or_all_kept_calls_can_be_dropped(home: Installation) -> None:
    for number in range(3):
        send_strange(home, strange(f"anna{number}@example.org"), str(number))
    database, seal = home.context.database, home.context.seal
    newest = kept_calls.newest_kept(database, seal, PAIN, 5)
    assert [call.fields["q7"]["a"][:5] for call in newest] == ["anna2", "anna1", "anna0"]
    assert kept_calls.drop_kept(database, "another-form", newest[0].id) == 0
    assert kept_calls.drop_kept(database, PAIN, newest[0].id) == 1
    assert kept_calls.drop_kept(database, PAIN) == 2
    assert kept_calls.count_kept(database) == {}


def test_a_new_mapping_replaces_one_with_the_same_address(home: Installation) -> None:
    map_pain(home)
    map_pain(home, FieldMapping("/q7/a", name="/q9"))
    [saved] = list_mappings(home.context.database, PAIN)
    assert saved.mapping == FieldMapping("/q7/a", name="/q9")
