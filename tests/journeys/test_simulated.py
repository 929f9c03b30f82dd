"""The simulation and the real services agree: on every email, every minute, every ending."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.audience.facts import Facts
from nurture.domain.simulation.life import Life
from nurture.domain.simulation.person import Person
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import What
from nurture.services.simulation.snapshot import portray
from nurture.services.simulation.world import world_as_published
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.journeys.virtual import (
    ADDRESS,
    RealLife,
    clients,
    habits,
    practices,
    publish,
    starts,
    ticks,
    timelines,
)
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.databases import PostgresDatabases, SqliteDatabases

#: Each takes a third of a second; the thorough profile takes ten times as many.
_MANY = settings().max_examples // 4


@dataclass(frozen=True)
class Case:
    """A practice, and the actions of one person in it from some moment on."""

    practice: dict[str, str]
    person: Person
    start: datetime


@st.composite
def cases(draw: st.DrawFn) -> Case:
    start = draw(starts)
    facts = Facts(created_at=start)
    acts = draw(timelines(start))
    is_client, may_as_client = draw(clients)
    person = Person(
        "Anna",
        facts,
        acts,
        draw(habits),
        draw(ticks),
        is_client=is_client,
        may_as_client=may_as_client,
    )
    return Case(draw(practices()), person, start)


def check_from_the_middle(case: Case, url: str, directory: Path, cut: datetime) -> None:
    """Stop at a moment, predict the rest for a person who does nothing, then really play it."""
    home = Installation(url, directory, ClockFile(directory / "clock"))
    home.clock.set(case.start)
    publish(home, case.practice)
    life = RealLife(home, case.person)
    life.live(until=cut)
    life.sit_still()
    before = {m["id"] for m in home.rows(messages)}
    with home.context.database.reading() as connection:
        world = world_as_published(connection, home.context.catalogue)
        person = portray(connection, [1], home.clock.now)[1]
    entries = list(simulate(world, person, home.clock.now))
    foretold = [(e.at, e.sequence, e.step) for e in entries if e.what is What.SENT]
    life.live()
    after = [m for m in home.rows(messages) if m["id"] not in before]
    assert foretold == [(m["claimed_at"], m["sequence"], m["step"]) for m in after]
    home.close()


def check(case: Case, url: str, directory: Path) -> None:
    """Play it for real and simulate it; check that both have the same outcome."""
    home = Installation(url, directory, ClockFile(directory / "clock"))
    home.clock.set(case.start)
    publish(home, case.practice)
    RealLife(home, case.person).live()
    with home.context.database.reading() as connection:
        world = world_as_published(connection, home.context.catalogue)
    life = Life(world, case.person)
    entries = list(simulate(world, case.person, case.start, life))
    foretold = [(e.at, e.sequence, e.step) for e in entries if e.what is What.SENT]
    really = [(m["claimed_at"], m["sequence"], m["step"]) for m in home.rows(messages)]
    assert foretold == really
    ends = {o.sequence: (o.ending, o.progress) for o in life.enrolments.values()}
    for row in at_least_one(home.enrolments_of(ADDRESS)):
        ending, progress = ends.pop(row["sequence"])
        names = ("enrolled_at", "anchor_at", "passed", "collected_at", "guide_wanted")
        assert ending.status == row["status"]
        assert ending.because == row["ended_because"] or row["status"] == "active"
        assert {n: getattr(progress, n) for n in names} == {n: row[n] for n in names}
    assert ends == {}
    home.close()


@given(case=cases())
@settings(max_examples=_MANY, suppress_health_check=list(HealthCheck))
def test_the_simulation_predicts_real_emails_to_the_minute(
    case: Case, sqlite_databases: SqliteDatabases
) -> None:
    with TemporaryDirectory() as directory:
        check(case, sqlite_databases.fresh(Path(directory)), Path(directory))


@given(case=cases(), minutes=st.integers(61, 50_000))
@settings(max_examples=_MANY, suppress_health_check=list(HealthCheck))
def test_the_simulation_predicts_the_rest_from_any_point(
    case: Case, minutes: int, sqlite_databases: SqliteDatabases
) -> None:
    with TemporaryDirectory() as directory:
        url = sqlite_databases.fresh(Path(directory))
        cut = case.start + timedelta(minutes=minutes)
        check_from_the_middle(case, url, Path(directory), cut)


@given(case=cases())
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_the_simulation_predicts_a_postgresql_installation_too(
    case: Case, postgresql_databases: PostgresDatabases
) -> None:
    with TemporaryDirectory() as directory, postgresql_databases.fresh() as url:
        check(case, url, Path(directory))
