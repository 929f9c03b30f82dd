"""Sunset: one question per silence, whichever worker asks, and again after each return."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import Request
from nurture.domain.subscribers.consent import Evidence, Origin, Purpose, Scope
from nurture.domain.subscribers.preferences import PreferenceChange, Wish, in_own_words
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.delivery import batch, sunset
from nurture.services.subscribers import export, preferences, requests
from nurture.store.queries import quiet
from nurture.store.queries.locks import hold
from nurture.store.tables.consents import consents, record_consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import NewEvent, add_events, events
from tests.installation import Installation, subjects
from tests.installations import ScriptedSink

ANN = "ann@example.org"
QUESTION = "If you still want these emails, let me know"
HALF_A_YEAR = timedelta(days=181)


def finish(home: Installation, *people: str) -> None:
    """Finish the series, and let half a year pass."""
    for address in people:
        home.subscribe(address)
    home.deliver()
    for address in people:
        home.collect(home.enrolment(address)["id"], tracking=True)
    home.live(days=181)


def asked(home: Installation) -> list[str]:
    return [row["status"] for row in home.rows(enrolments) if row["sequence"] == "still-there"]


def live_with_upkeep(home: Installation, days: int) -> None:
    for _ in range(0, days, 5):
        home.live(days=5)
        home.upkeep()


def test_everyone_is_asked_once_even_by_several_workers(home: Installation) -> None:
    people = [f"p{n}@example.org" for n in range(20)]
    finish(home, *people)
    contexts = [home.another() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        counts = pool.map(
            lambda context: sunset.ask_the_quiet(
                context.database, context.catalogue, home.clock.now
            ),
            contexts,
        )
    assert sum(counts) == len(people) == len(asked(home))
    home.upkeep()
    assert len(asked(home)) == len(people)
    for context in contexts:
        context.database.close()


def test_a_person_who_returns_is_asked_again_after_the_next_silence(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    finish(home, ANN)
    live_with_upkeep(home, 30)
    assert home.rows(consents)[-1]["source"] == "quiet"
    context = home.context
    change = PreferenceChange(Wish.USUAL, tracking=True, health_topics=False)
    preferences.change_preferences(
        context.database, context.catalogue, 1, change, Evidence(), home.clock.now
    )
    assert "marketing" in home.person(ANN)["purposes"]
    live_with_upkeep(home, 170)
    assert subjects(smtp_sink.mails).count(QUESTION) == 1
    live_with_upkeep(home, 30)
    assert subjects(smtp_sink.mails).count(QUESTION) == 2
    assert [row["purpose"] for row in home.rows(consents) if row["source"] == "quiet"] == [
        "series",
        "series",
    ]


def test_signing_up_while_being_asked_counts_as_an_answer(home: Installation) -> None:
    finish(home, ANN)
    home.upkeep()
    home.live(days=8)
    home.subscribe(ANN, "over-50-guide")
    home.upkeep()
    assert asked(home) == [EnrolmentStatus.GOAL_REACHED]
    assert "marketing" in home.person(ANN)["purposes"]


def test_marketing_consent_lapses_when_the_question_is_not_answered(home: Installation) -> None:
    finish(home, ANN)
    home.upkeep()
    home.live_until(home.clock.now + timedelta(days=10))
    home.clock.set(home.enrolment(ANN, "still-there")["next_look_at"])
    assert asked(home) == [EnrolmentStatus.ACTIVE]
    home.deliver()
    assert asked(home) == [EnrolmentStatus.COMPLETED]
    assert "marketing" not in home.person(ANN)["purposes"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_marketing_consent_lapses_only_once_all_the_persons_rows_are_free(
    home: Installation,
) -> None:
    finish(home, ANN)
    home.upkeep()
    home.live_until(home.clock.now + timedelta(days=10))
    look = home.enrolment(ANN, "still-there")["next_look_at"]
    home.clock.set(look)
    with home.context.database.writing() as connection:
        hold(connection, enrolments.c.id == home.enrolment(ANN)["id"])
        batch.deliver_batch(home.context.dispatch)
        assert asked(home) == [EnrolmentStatus.ACTIVE]
    home.deliver()
    assert asked(home) == [EnrolmentStatus.COMPLETED]
    assert "marketing" not in home.person(ANN)["purposes"]


def test_people_without_tracking_are_never_asked(sqlite_home: Installation) -> None:
    sqlite_home.subscribe(ANN)
    sqlite_home.deliver()
    sqlite_home.collect()
    for _ in range(5):
        sqlite_home.live(days=181)
        sqlite_home.upkeep()
    assert asked(sqlite_home) == []
    assert "marketing" in sqlite_home.person(ANN)["purposes"]


def test_nobody_is_dropped_who_was_asked_before_without_tracking(home: Installation) -> None:
    """An earlier release asked everyone; its questions end without an email and without a drop."""
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    home.live(days=181)
    with home.context.database.writing() as connection:
        quiet.ask(connection, [1], "still-there", home.clock.now)
    home.live(days=30)
    enrolment = home.enrolment(ANN, "still-there")
    assert (enrolment["status"], enrolment["ended_because"]) == ("completed", "not_followed")
    assert "still-there" not in [step for step, _ in home.statuses(ANN)]
    assert "marketing" in home.person(ANN)["purposes"]


def test_withdrawing_tracking_in_the_middle_of_the_question_ends_it(home: Installation) -> None:
    finish(home, ANN)
    home.upkeep()
    home.live(days=8)
    with home.context.database.writing() as connection:
        withdrawn = in_own_words([Scope(Purpose.TRACKING)], False)
        record_consents(connection, 1, withdrawn, Origin("preferences", ""), home.clock.now)
    home.upkeep()
    enrolment = home.enrolment(ANN, "still-there")
    assert (enrolment["status"], enrolment["ended_because"]) == ("completed", "not_followed")
    home.live(days=60)
    assert "marketing" in home.person(ANN)["purposes"]


@pytest.mark.parametrize("verdict", [Verdict.UNSURE, None])
def test_an_open_that_may_be_a_persons_answers_the_question(
    sqlite_home: Installation, verdict: Verdict | None
) -> None:
    finish(sqlite_home, ANN)
    sqlite_home.upkeep()
    sqlite_home.live(days=8)
    opened = NewEvent(EventKind.OPENED, sqlite_home.clock.now, "hit", "h1", 1, verdict=verdict)
    with sqlite_home.context.database.writing() as connection:
        add_events(connection, [opened])
    sqlite_home.live(days=60)
    assert sqlite_home.enrolment(ANN, "still-there")["ended_because"] == "gave_a_sign"
    assert "marketing" in sqlite_home.person(ANN)["purposes"]


def saves(home: Installation) -> None:
    """Save the preference page without changing anything."""
    change = PreferenceChange(Wish.USUAL, tracking=True, health_topics=False)
    preferences.change_preferences(*home.context.stored, 1, change, Evidence(), home.clock.now)


def fetches_data(home: Installation) -> None:
    """Fetch the data, as the page does that an email leads to."""
    assert export.hand_over(*home.context.stored, 1, home.clock.now)


def asks_for_data(home: Installation) -> None:
    """Ask for the data."""
    requests.ask(*home.context.stored, 1, Request.DATA, home.clock.now)


def undoes(home: Installation) -> None:
    """Unsubscribe and undo that."""
    args = (*home.context.stored, 1)
    preferences.unsubscribe(*args, None, Evidence(), home.clock.now)
    preferences.resubscribe(*args, Evidence(), home.clock.now)


@pytest.mark.parametrize("deed", [saves, fetches_data, asks_for_data, undoes])
def test_whatever_people_do_on_their_own_page_is_a_sign_of_life(
    sqlite_home: Installation, deed: Callable[[Installation], None]
) -> None:
    sqlite_home.subscribe(ANN)
    sqlite_home.deliver()
    sqlite_home.collect(tracking=True)
    sqlite_home.live(days=100)
    deed(sqlite_home)
    used = [row for row in sqlite_home.rows(events) if row["kind"] == EventKind.USED_PAGE]
    assert [row["happened_at"] for row in used] == [sqlite_home.clock.now]
    sqlite_home.live(days=100)
    sqlite_home.upkeep()
    assert asked(sqlite_home) == []
    sqlite_home.live(days=81)
    sqlite_home.upkeep()
    assert asked(sqlite_home) == [EnrolmentStatus.ACTIVE]
