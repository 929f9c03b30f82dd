"""Sunset: one question per silence, whichever worker asks, and again after each return."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.delivery import batch, sunset
from nurture.services.subscribers import preferences
from nurture.store.queries.locks import hold
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
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
