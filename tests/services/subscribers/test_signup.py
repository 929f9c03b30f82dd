"""Signup: a form is stored completely or not at all, and a repeat is harmless."""

import threading
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import insert

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.services.door.admission import Intake, SignupLimits
from nurture.services.subscribers import erasure, guide, preferences
from nurture.services.subscribers import signup as signup_service
from nurture.services.subscribers.signup import (
    KeyReusedError,
    NotWrittenError,
    Signup,
    UnknownFormError,
)
from nurture.store import personal
from nurture.store.queries import locks
from nurture.store.tables import enrolments as enrolment_rows
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import add_enrolment, enrolments
from nurture.store.tables.events import events
from nurture.store.tables.signups import signup_keys, signups
from nurture.store.tables.subscribers import (
    add_subscriber,
    find_by_address,
    subscribers,
)
from nurture.store.tables.waiting_signups import waiting_signups
from tests.installation import Installation, subjects
from tests.installations import ScriptedSink
from tests.servers.clock import ClockFile
from tests.vocabulary import SERIES

ANN = "ann@example.org"
GUIDE, REMINDER = "your-guide", "guide-reminder"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
ACCEPTED = MessageStatus.ACCEPTED


def subscribe(home: Installation, signup: Signup, limits: SignupLimits | None = None) -> Intake:
    """Call the service itself."""
    context = home.context
    return signup_service.subscribe(
        context.database,
        context.catalogue,
        context.tokens,
        limits or context.limits,
        signup,
        home.clock.now,
    )


def test_a_signup_that_fails_at_its_last_statement_leaves_nothing_behind(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    before = home.everything()
    monkeypatch.setattr(enrolment_rows, "add_enrolment", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        home.subscribe(ANN, key="k", digest="d")
    monkeypatch.undo()
    assert home.everything() == before
    home.subscribe(ANN, key="k", digest="d")
    assert len(home.rows(enrolments)) == 1


def test_the_same_key_with_the_same_body_makes_one_signup(home: Installation) -> None:
    for _ in range(3):
        home.subscribe(ANN, key="k", digest="d")
    assert len(home.rows(signups)) == len(home.rows(signup_keys)) == 1
    with pytest.raises(KeyReusedError):
        home.subscribe("bob@example.org", key="k", digest="another")
    assert len(home.rows(subscribers)) == 1


def test_ten_simultaneous_calls_with_the_same_key_make_one_signup(home: Installation) -> None:
    assert home.context.catalogue  # The program is wired before the threads start.
    failures: list[Exception] = []

    def sign_up() -> None:
        try:
            home.subscribe(ANN, key="k", digest="d")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=sign_up) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(home.rows(signups)) == 1


def test_ten_simultaneous_signups_of_one_person_make_one_subscriber_and_one_email(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    spellings = ["ann@example.org", "Ann@example.org", "ANN@EXAMPLE.ORG"]
    assert home.context.catalogue  # The program is wired before the threads start.
    threads = [threading.Thread(target=home.subscribe, args=(spellings[n % 3],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [len(home.rows(table)) for table in (subscribers, enrolments, signups)] == [1, 1, 10]
    home.deliver()
    assert len(smtp_sink.mails) == 1


def test_an_unknown_form_is_refused_with_the_names_of_the_known_forms(home: Installation) -> None:
    with pytest.raises(UnknownFormError, match="over-50-guide, pain-guide"):
        home.subscribe(ANN, "nothing")


def test_signups_above_the_hourly_limits_of_a_caller_or_a_form_wait(home: Installation) -> None:
    limits = SignupLimits(per_client=2, per_form=3)

    def sign_up(n: int, client: str, form: str = "pain-guide") -> Intake:
        evidence = Evidence(client=client)
        return subscribe(home, Signup(form, f"p{n}@example.org", evidence=evidence), limits)

    assert sign_up(1, "192.0.2.1") is Intake.TAKEN
    assert sign_up(2, "192.0.2.1") is Intake.TAKEN
    assert sign_up(3, "192.0.2.1") is Intake.WAITS
    assert sign_up(4, "192.0.2.2") is Intake.TAKEN
    assert sign_up(5, "192.0.2.3") is Intake.WAITS
    assert sign_up(6, "192.0.2.3", "over-50-guide") is Intake.TAKEN
    home.clock.advance(timedelta(hours=1, seconds=1))
    assert sign_up(7, "192.0.2.1") is Intake.TAKEN
    assert len(home.rows(waiting_signups)) == 2


def test_an_unsubscribe_by_an_old_link_stops_a_signup_that_is_being_recorded(
    home: Installation,
) -> None:
    home.subscribe(ANN)
    home.deliver()
    context = home.context
    erasure.let_go_unconfirmed(context.database, context.files, home.clock.now + timedelta(days=31))
    [old] = [row["id"] for row in home.rows(subscribers)]
    no = (context.database, context.catalogue, old, None, Evidence(), home.clock.now)
    address_hash = context.tokens.address_hash(ANN)
    leaving = threading.Thread(target=preferences.unsubscribe, args=no)
    with context.database.writing() as connection:
        locks.hold_address(connection, address_hash)
        leaving.start()
        time.sleep(0.3)
        add_subscriber(
            connection,
            address=ANN,
            address_hash=address_hash,
            first_name="",
            time_zone="Europe/London",
            now=home.clock.now,
        )
        person = find_by_address(connection, ANN)
        assert person
        add_enrolment(
            connection, subscriber_id=person.id, sequence="pain-guide", now=home.clock.now
        )
    leaving.join(20)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    assert home.deliver() == 0


def test_a_person_who_is_erased_while_they_sign_up_again_is_added_anew(home: Installation) -> None:
    home.subscribe(ANN)
    [old] = [row["id"] for row in home.rows(subscribers)]
    signing_up = threading.Thread(target=home.subscribe, args=(ANN, "over-50-guide"))
    with home.context.database.writing() as connection:
        personal.lock_people(connection, [old])
        signing_up.start()
        time.sleep(0.3)
        personal.empty_people(connection, [old])
    signing_up.join(20)
    new = home.person(ANN)
    assert new["id"] != old
    assert new["purposes"] == {"guide", "marketing", "series:over-50-guide"}
    assert [row["sequence"] for row in home.enrolments_of(ANN)] == ["over-50-guide"]


def put_in_the_way(home: Installation, numbers: range) -> None:
    """Rows put into the table by hand, which its numbering does not know of."""
    row = {"time_zone": "UTC", "created_at": home.clock.now, "purposes": (), "address_hash": ""}
    with home.context.database.writing() as connection:
        connection.execute(insert(subscribers), [row | {"id": number} for number in numbers])


def test_a_row_in_the_way_of_a_new_person_is_passed_by(home: Installation) -> None:
    put_in_the_way(home, range(1, 3))
    home.subscribe(ANN)
    assert home.person(ANN)["id"] == 3
    assert len(home.rows(signups)) == 1


def test_rows_that_stay_in_the_way_end_in_an_error_that_tells_strangers_nothing(
    postgresql_url: str, tmp_path: Path, clock_file: ClockFile, caplog: pytest.LogCaptureFixture
) -> None:
    home = Installation(postgresql_url, tmp_path, clock_file).publish_shipped()
    put_in_the_way(home, range(1, 100))
    with pytest.raises(NotWrittenError) as caught:
        home.subscribe(ANN, key="k", digest="d")
    assert "setval" in caplog.text
    assert "setval" not in str(caught.value)
    assert home.rows(signups) == home.rows(signup_keys) == []
    home.close()


def test_a_signup_with_a_suppressed_address_is_accepted_silently_and_ignored(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.refuse(ANN)
    home.subscribe(ANN)
    home.deliver()
    before = home.everything()
    home.clock.advance(timedelta(days=2))
    home.subscribe(ANN)
    home.subscribe(ANN.upper(), "over-50-guide")
    assert home.everything() == before


def test_a_known_person_keeps_their_name_and_the_first_spelling_of_their_address(
    home: Installation,
) -> None:
    home.subscribe("Ann@example.org", first_name="Ann")
    home.subscribe("ANN@example.org", first_name="Mallory")
    [person] = home.rows(subscribers)
    assert (person["address"], person["first_name"]) == ("Ann@example.org", "Ann")


def test_the_guide_is_emailed_at_most_once_a_day(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for _ in range(4):
        home.subscribe(ANN)
        home.deliver()
        home.clock.advance(timedelta(hours=6))
    assert len(smtp_sink.mails) == 1
    home.subscribe(ANN)
    home.deliver()
    assert len(smtp_sink.mails) == 2
    occasions = [(m["step"], m["occasion"], m["status"]) for m in home.messages_of(ANN)]
    assert occasions == [(GUIDE, 1, ACCEPTED), (GUIDE, 2, ACCEPTED)]


def test_asking_again_during_a_sequence_neither_restarts_nor_delays_it(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for address in (ANN, "bob@example.org"):
        home.subscribe(address)
    home.deliver()
    for address in (ANN, "bob@example.org"):
        home.collect(home.enrolment(address)["id"])
    home.live(days=8, hours=4)
    home.subscribe(ANN)
    home.live(days=80)
    of_bob = subjects(smtp_sink.mails_to("bob@example.org"))
    of_ann = subjects(smtp_sink.mails_to(ANN))
    assert len(of_bob) == len(set(of_bob)) == 9
    assert of_ann.count(of_bob[0]) == 2
    of_ann.remove(of_bob[0])
    assert sorted(of_ann) == sorted(of_bob)
    when = {
        address: [m["claimed_at"] for m in home.messages_of(address) if m["step"] != GUIDE]
        for address in (ANN, "bob@example.org")
    }
    assert when[ANN] == when["bob@example.org"]


def test_asking_again_after_the_sequence_sends_only_the_guide(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    home.live(days=90)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.COMPLETED
    had = len(smtp_sink.mails)
    home.subscribe(ANN)
    home.live(days=90)
    assert len(smtp_sink.mails) == had + 1
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.COMPLETED


def test_two_forms_filled_in_by_one_person_make_two_enrolments_of_one_subscriber(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.subscribe("ann@EXAMPLE.org", "over-50-guide")
    home.deliver()
    assert len(home.rows(subscribers)) == 1
    assert [row["sequence"] for row in home.rows(enrolments)] == ["pain-guide", "over-50-guide"]
    assert len(set(subjects(smtp_sink.mails))) == 2


def test_only_the_first_collection_of_the_guide_counts(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    collected_at = home.clock.advance(timedelta(hours=1))
    home.collect()
    home.clock.advance(timedelta(days=1))
    home.collect()
    assert home.enrolment(ANN)["collected_at"] == collected_at
    assert home.person(ANN)["confirmed_at"] == collected_at
    downloaded = home.rows(events)
    assert [event["kind"] for event in downloaded] == ["downloaded"] * 2
    assert {event["email"] for event in downloaded} == {"pain-guide/your-guide"}


@pytest.mark.parametrize(
    ("answers", "purposes"),
    [
        ({}, {"guide", *SERIES}),
        ({"tracking": True}, {"guide", *SERIES, "tracking"}),
        ({"tracking": False, "health_topics": True}, {"guide", *SERIES, "health_topics"}),
    ],
)
def test_the_two_answers_on_the_guide_page_are_recorded_with_their_wording(
    sqlite_home: Installation, answers: dict[str, bool], purposes: set[str]
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect(**answers)
    assert home.person(ANN)["purposes"] == purposes
    records = [row for row in home.rows(consents) if row["source"] == "guide-page"]
    assert {row["purpose"] for row in records} == {name for name, yes in answers.items() if yes}
    assert [row["purpose"] for row in records if not row["wording"]] == []
    assert {row["client"] for row in records} <= {"192.0.2.7"}


def test_an_unticked_box_on_the_guide_page_withdraws_earlier_consent(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect(tracking=True)
    home.collect(tracking=False)
    assert home.person(ANN)["purposes"] == {"guide", *SERIES}
    last = home.rows(consents)[-1]
    assert (last["purpose"], last["granted"]) == ("tracking", False)


def test_an_uncollected_guide_gets_one_reminder_and_the_enrolment_ends_after_thirty_days(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.live(days=29, hours=23)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (REMINDER, ACCEPTED)]
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    home.live(hours=2)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.REMOVED
    home.live(days=100)
    assert len(smtp_sink.mails) == 2


def test_a_guide_collected_after_the_enrolment_expired_still_starts_the_sequence(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.live(days=45)
    home.collect()
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    home.live(days=80)
    times = [mail.message["Date"].datetime for mail in smtp_sink.mails[2:]]
    assert len(times) == 8
    assert min(later - earlier for earlier, later in pairwise(times)) > timedelta(days=2)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.COMPLETED


def test_asking_again_after_expiry_waits_another_thirty_days_without_a_reminder(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.live(days=45)
    home.subscribe(ANN)
    home.live(days=29)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    home.live(days=2)
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.REMOVED
    assert [step for step, _ in home.statuses(ANN)] == [GUIDE, REMINDER, GUIDE]


def test_an_unknown_enrolment_gets_no_guide(home: Installation) -> None:
    context, evidence = home.context, Evidence()
    handed_over = guide.collect_guide(
        context.database, context.catalogue, context.guide_files, 17, {}, evidence, home.clock.now
    )
    assert handed_over is None
    assert guide.find_guide(context.database, context.catalogue, 17) is None
