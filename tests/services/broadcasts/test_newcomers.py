"""How many people have come into the audience of a broadcast since it was sent."""

from sqlalchemy import update

from nurture.domain.broadcasts.broadcast import Audience
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts import drafts, sending
from nurture.services.broadcasts.freezing import attend
from nurture.services.broadcasts.newcomers import count_newcomers
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.services.broadcasts.readers import draft, readers, send
from tests.web.broadcasting import join


def newcomers(home: Installation) -> int:
    """Return how many newcomers are counted now."""
    return count_newcomers(*home.context.stored, "december", home.clock.now)


def waiting(home: Installation) -> int:
    """Return how many people wait for the broadcast, once its audience is decided."""
    attend(*home.context.stored, home.clock.now)
    return sending.find_state(home.context.database, "december").waiting


def test_newcomers_are_those_whom_another_press_would_add(home: Installation) -> None:
    readers(home, 3)
    draft(home)
    send(home)
    assert (waiting(home), newcomers(home)) == (3, 0)
    join(home, "Carla")
    join(home, "Dan", purpose=Purpose.ARTICLES)
    home.subscribe("unconfirmed@example.org", ticked=(Purpose.NEWS,))
    assert newcomers(home) == 1
    sending.send_to_new(*home.context.stored, "december", home.clock.now, presses=1)
    assert (waiting(home), newcomers(home)) == (4, 0)


def test_newcomers_are_in_the_segments_and_may_still_be_sent_it(home: Installation) -> None:
    draft(home)
    drafts.change_draft(
        home.context.database, "december", audience=Audience(besides=("gone-quiet",))
    )
    send(home)
    readers(home, 2)
    assert newcomers(home) == 2
    with home.context.database.writing() as connection:
        connection.execute(update(subscribers).values(purposes={"articles"}))
    assert newcomers(home) == 0


def test_a_press_that_arrives_twice_counts_once(home: Installation) -> None:
    readers(home, 1)
    draft(home)
    send(home)
    stored, now = home.context.stored, home.clock.now
    assert waiting(home) == 1
    again = [sending.send_to_new(*stored, "december", now, presses=1) for _ in range(2)]
    assert [one.presses for one in again] == [2, 2]
