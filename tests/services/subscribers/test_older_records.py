"""A program from before there were streams goes on recording consents while this one works."""

import pytest
from sqlalchemy import insert, update

from nurture.store.tables.consents import consents
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.vocabulary import ANN

PAIN, OVER_50 = "pain-guide", "over-50-guide"


def say_as_an_older_program(home: Installation, source: str, *, granted: bool = True) -> None:
    """Record the consent to the series, and follow it, as the release before did."""
    person, now = home.person(ANN), home.clock.now
    texts = ("wording", "wording_hash", "privacy_version", "page_url", "client", "user_agent")
    row = {"purpose": "marketing", "granted": granted, "recorded_at": now, "source": source}
    words = person["purposes"] | {"marketing"} if granted else person["purposes"] - {"marketing"}
    with home.context.database.writing() as connection:
        of_ann = {"subscriber_id": person["id"], **dict.fromkeys(texts, "")}
        connection.execute(insert(consents).values(row | of_ann))
        that = subscribers.c.id == person["id"]
        connection.execute(update(subscribers).where(that).values(purposes=words))


def series_of(home: Installation) -> set[str]:
    return {word for word in home.person(ANN)["purposes"] if word.startswith("series")}


@pytest.fixture
def with_one_series(home: Installation) -> Installation:
    """An installation whose person agrees to one series, and is in a second one."""
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    words = home.person(ANN)["purposes"]
    home.subscribe(ANN, OVER_50)
    home.deliver()
    home.collect(home.enrolment(ANN, OVER_50)["id"])
    with home.context.database.writing() as connection:
        connection.execute(update(subscribers).values(purposes=words))
    return home


def test_a_form_filled_in_through_an_older_program_covers_its_series(
    with_one_series: Installation,
) -> None:
    home = with_one_series
    home.live(days=5)
    assert home.enrolment(ANN, OVER_50)["ended_because"] == "no_consent"
    say_as_an_older_program(home, f"form:{OVER_50}")
    home.upkeep()
    assert series_of(home) == {f"series:{PAIN}", f"series:{OVER_50}"}
    home.live(days=60)
    assert home.enrolment(ANN, OVER_50)["status"] == "completed"
    assert home.enrolment(ANN, PAIN)["status"] == "completed"


def test_a_stop_through_an_older_program_is_not_undone_by_another_form(home: Installation) -> None:
    home.subscribe(ANN)
    say_as_an_older_program(home, "unsubscribe", granted=False)
    say_as_an_older_program(home, f"form:{OVER_50}")
    home.upkeep()
    assert series_of(home) == {f"series:{OVER_50}"}


def test_coming_back_through_an_older_program_brings_every_form_filled_in_by_then(
    home: Installation,
) -> None:
    for form in (PAIN, OVER_50):
        home.subscribe(ANN, form)
    say_as_an_older_program(home, "unsubscribe", granted=False)
    say_as_an_older_program(home, "resubscribe")
    home.upkeep()
    assert series_of(home) == {f"series:{PAIN}", f"series:{OVER_50}"}


def test_a_person_whom_only_an_older_program_knows_agrees_to_no_later_forms(
    home: Installation,
) -> None:
    home.subscribe(ANN)
    with home.context.database.writing() as connection:
        connection.execute(update(subscribers).values(purposes={"guide"}))
    say_as_an_older_program(home, f"form:{PAIN}")
    assert series_of(home) == set()
    home.upkeep()
    assert series_of(home) == {f"series:{PAIN}"}
