"""Judging: hits are held until a burst can be seen whole, and are judged once."""

from datetime import timedelta

import pytest

from nurture.domain.consent import Purpose
from nurture.domain.engagement import HOLD, Hit
from nurture.domain.events import EventKind
from nurture.services import judging
from nurture.services.judging import judge_held
from nurture.services.tracking import Journal, SeenHit
from nurture.store.session import Database
from tests.house import Household
from tests.services.test_delivering import ANN
from tests.services.test_tracking import A_BROWSER, hits

#: What a message lets follow; hits on it come from here.
A_LINK = "https://practice.example.org/"


@pytest.fixture
def followed(home: Household) -> Household:
    """Ann and Bob agreed to be followed, and their first article came ten minutes ago."""
    for number, address in enumerate((ANN, "bob@example.org"), start=1):
        home.subscribe(address, ticked=(Purpose.TRACKING,))
        home.deliver()
        home.collect(number, tracking=True)
    home.live(days=3)
    home.clock.advance(timedelta(minutes=10))
    return home


def visit(home: Household, message: int = 3, **more: str) -> None:
    """Somebody follows a link, and the hit is brought into the database."""
    given = {"user_agent": A_BROWSER, "client": "192.0.2.7", "link": A_LINK} | more
    hit = Hit(EventKind.CLICKED, home.clock.now, **given)
    Journal(home.house.journals).note(SeenHit(message, hit))
    home.fold()


def verdicts(home: Household) -> list[str | None]:
    """The verdicts on all hits, oldest first."""
    return [hit["verdict"] for hit in hits(home)]


def test_a_hit_is_judged_when_its_hold_is_over_and_not_before(followed: Household) -> None:
    database = followed.house.database
    visit(followed)
    followed.clock.advance(HOLD - timedelta(seconds=1))
    visit(followed)
    assert judge_held(database, followed.clock.now) == 0
    followed.clock.advance(timedelta(seconds=1))
    assert judge_held(database, followed.clock.now) == 1
    assert verdicts(followed) == ["human", None]
    assert judge_held(database, followed.clock.now) == 0


def test_hits_beyond_one_batch_are_judged_in_several(
    followed: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_BATCH", 1)
    for message in (1, 2, 3, 4):
        visit(followed, message)
    assert followed.judge() == 4
    assert None not in verdicts(followed)


def test_what_another_worker_has_in_hand_is_left_to_it(followed: Household) -> None:
    visit(followed)
    if not followed.house.database.is_sqlite:
        from nurture.store.hits import take_messages

        beside = Database(followed.url)
        with beside.writing() as connection:
            take_messages(connection, [3], wait=True)
            assert followed.judge() == 0
        beside.close()
    assert followed.judge() == 1


def test_a_hit_whose_raw_data_is_gone_is_no_part_of_what_is_judged(followed: Household) -> None:
    from sqlalchemy import update

    from nurture.store.events import events

    visit(followed)
    with followed.house.database.writing() as connection:
        connection.execute(update(events).values(user_agent=None, client=None))
    assert followed.judge() == 0
