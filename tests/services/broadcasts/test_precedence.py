"""Series and broadcasts share the cap: both arrive, apart, and neither is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import event

from nurture.domain.scheduling.gate import Frequency
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import What
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts import freezing
from nurture.services.simulation.snapshot import portray
from nurture.services.simulation.world import world_as_published
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import change_subscriber
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.servers.clock import A_MONDAY_MORNING
from tests.services.broadcasts.readers import draft, send
from tests.vocabulary import ANN, FIRST, GUIDE, claim

FIVE_MINUTES = timedelta(minutes=5)


def about_to_get_the_first_article(
    home: Installation, frequency: Frequency = Frequency.USUAL
) -> datetime:
    """Let a person who agreed to news wait for the first article; return when it is due."""
    home.subscribe(ANN, ticked=(Purpose.NEWS,))
    home.deliver()
    home.collect()
    home.deliver()
    due_at = home.next_look()
    assert due_at is not None
    with home.context.database.writing() as connection:
        change_subscriber(connection, home.person(ANN)["id"], frequency=frequency)
    return due_at


def send_at(home: Installation, at: datetime, *keys: str) -> None:
    """Send broadcasts that are due at that moment."""
    home.live_until(at - FIVE_MINUTES)
    for key in keys:
        draft(home, key)
        send(home, key)
    freezing.attend(home.context.database, home.context.catalogue, home.clock.now)


def arrived(home: Installation) -> list[tuple[str, datetime]]:
    """Return every email of the series or of broadcasts, in order, and when it was sent."""
    sent = [row for row in home.rows(messages) if row["step"] != GUIDE and row["accepted_at"]]
    ordered = sorted(sent, key=lambda row: row["claimed_at"])
    named = (row["sequence"] if row["step"] == "email" else row["step"] for row in ordered)
    return [(name, row["claimed_at"]) for name, row in zip(named, ordered, strict=True)]


@contextmanager
def asked(home: Installation) -> Iterator[list[str]]:
    """Collect the statements that the database is given."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    engine = home.context.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_broadcast_and_a_series_email_of_one_morning_both_arrive_apart(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    due_at = about_to_get_the_first_article(home, Frequency.FEWER)
    send_at(home, due_at - FIVE_MINUTES, "december")
    home.live(days=20)
    (first, first_at), (second, second_at), *others = arrived(home)
    assert [first, second] == ["broadcast:december", FIRST]
    assert second_at - first_at >= home_caps(home)
    assert not {"broadcast:december", FIRST} & {name for name, _ in others}


def home_caps(home: Installation) -> timedelta:
    """Return how far apart emails are for people who want fewer."""
    with home.context.database.reading() as connection:
        return home.context.catalogue.current(connection).calendar.caps.fewer.within


def test_an_email_that_has_moved_twice_goes_before_the_next_broadcast(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(A_MONDAY_MORNING + timedelta(days=4))
    due_at = about_to_get_the_first_article(home)
    assert due_at.weekday() < 3  # It is sent on working days.
    for day, key in enumerate(("one", "two")):
        send_at(home, due_at - 5 * FIVE_MINUTES + timedelta(days=day), key)
        home.live(hours=1)
    assert home.enrolment(ANN)["moved"] == 2
    send_at(home, due_at - 5 * FIVE_MINUTES + timedelta(days=2), "three", "four")
    home.live(days=9)
    found = [name for name, _ in arrived(home)]
    assert found[:3] == ["broadcast:one", "broadcast:two", FIRST]
    assert found.count("broadcast:three") == found.count("broadcast:four") == 1
    times = [at for _, at in arrived(home)]
    assert min(later - earlier for earlier, later in pairwise(times)) >= timedelta(hours=23)
    assert home.enrolment(ANN)["moved"] == 0


def test_the_simulation_foretells_what_gives_way_to_what(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    due_at = about_to_get_the_first_article(home)
    send_at(home, due_at - FIVE_MINUTES, "one", "two", "three", "four")
    home.live(days=1)
    before = arrived(home)
    with home.context.database.reading() as connection:
        world = world_as_published(connection, home.context.catalogue)
        person = portray(connection, [1], home.clock.now)[1]
    foretold = [e for e in simulate(world, person, home.clock.now) if e.what is What.SENT]
    home.live(days=30)
    named = [(e.sequence if e.step == "email" else e.step, e.at) for e in foretold]
    after = arrived(home)[len(before) :]
    assert len(after) > 5
    assert named[: len(after)] == after


def test_the_database_is_asked_about_series_only_if_a_broadcast_is_due(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    due_at = about_to_get_the_first_article(home)
    home.clock.set(due_at)
    with asked(home) as statements:
        claim(home)
    assert [one for one in statements if "INSERT INTO messages" in one]
    assert not [one for one in statements if "moved >=" in one]
    send_at(home, due_at + 2 * FIVE_MINUTES, "december")
    home.clock.set(due_at + 2 * FIVE_MINUTES)
    with asked(home) as statements:
        claim(home)
    assert len([one for one in statements if "moved >=" in one]) == 1
