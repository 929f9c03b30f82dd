"""Changed hours affect people already waiting: everyone is rescheduled."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nurture.library.folder import read_library
from nurture.library.practice import parse_practice
from nurture.services.publishing import files
from nurture.services.simulation.world import world_as_published
from tests.installation import SHIPPED, Installation
from tests.servers.clock import ClockFile

SUNDAY_EVENING = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)


@pytest.fixture
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> ClockFile:
    """A clock set outside the hours."""
    return ClockFile(tmp_path_factory.mktemp("clock") / "now", SUNDAY_EVENING)


def publish(home: Installation, more: str) -> None:
    """Publish one series' shipped files with additions to the practice's file."""
    library = read_library(SHIPPED)
    toml = f"{library.practice_toml}\n{more}"
    series = [one for one in library.sequences if one.sequence.key == "pain-guide"]
    changed = replace(
        library, practice=parse_practice(toml), practice_toml=toml, sequences=tuple(series)
    )
    files.publish(home.context.database, changed, home.clock.now)


def waits_until(home: Installation) -> datetime:
    home.deliver()
    at = home.enrolment("ann@example.org")["next_look_at"]
    assert isinstance(at, datetime)
    return at


def test_longer_hours_bring_emails_forward_and_closed_days_hold_them_back(
    home: Installation,
) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    usual = waits_until(home)
    publish(home, '[hours]\nopens = "06:00"\ncloses = "22:00"')
    with home.context.database.reading() as connection:
        world = world_as_published(connection, home.context.catalogue)
    assert f"{world.calendar.window.opens:%H:%M}" == "06:00"
    assert home.enrolment("ann@example.org")["next_look_at"] == home.clock.now
    assert waits_until(home) <= usual
    publish(home, '[holidays]\nclosed = ["2026-03-01 to 2026-04-15"]')
    home.live_until(datetime(2026, 4, 15, 23, tzinfo=UTC))
    assert [step for step, _ in home.statuses("ann@example.org")] == ["your-guide"]
    home.live(days=2)
    assert len(home.statuses("ann@example.org")) == 2
