"""The effect of a change on current enrolments is shown before publishing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nurture.services.simulation.comparison import Comparison, compare
from nurture.services.simulation.world import NoSequenceError
from tests.installation import SHIPPED, Installation
from tests.presence import at_least_one

MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
SECOND = "two-reasons-your-rehab-is-not-working"


@pytest.fixture
def three(home: Installation) -> Installation:
    """Two people who collected the guide, one an hour later, and one who did not."""
    home.clock.set(MONDAY)
    for name in ("ann", "ben", "cat"):
        home.subscribe(f"{name}@example.org")
    home.deliver()
    home.collect(1)
    home.clock.advance(timedelta(hours=1))
    home.collect(2)
    home.deliver()
    return home


def changed(directory: Path, old: str, new: str) -> Path:
    """Return the plan of the shipped series with one passage changed."""
    folder = directory / "changed/pain-guide"
    folder.mkdir(parents=True)
    text = (SHIPPED / "pain-guide/sequence.toml").read_text()
    assert old in text
    (folder / "sequence.toml").write_text(text.replace(old, new, 1))
    return folder


def compared(home: Installation, path: Path) -> Comparison:
    """Return what the change would do."""
    context = home.context
    with context.database.reading() as connection:
        return compare(connection, context.catalogue, "pain-guide", path, home.clock.now)


def test_people_at_the_same_step_are_grouped_with_old_and_new_dates(
    three: Installation, tmp_path: Path
) -> None:
    first = f'email = "{FIRST}"\nkind  = "article"\nwait  = "2 days"'
    found = compared(three, changed(tmp_path, first, first.replace("2 days", "5 days")))
    assert str(found) == "\n".join(
        [
            "pain-guide: 2 wait for a step whose timing changed, "
            "1 will come to a step that changed",
            "",
            "1 person after “your-guide”",
            "  stays   guide-reminder  Thu 04 Jun 2026 10:00",
            "",
            "2 people after “guide-reminder”",
            f"  before  {FIRST}  Thu 04 Jun 2026 08:30",
            f"  after   {FIRST}  Mon 08 Jun 2026 08:30  2 later",
        ]
    )


def test_a_later_change_is_found_at_the_first_email_that_differs(
    three: Installation, tmp_path: Path
) -> None:
    second = f'[[steps]]\nemail = "{SECOND}"\nkind  = "article"\nwait  = "4 days"\n'
    found = compared(three, changed(tmp_path, second, second + 'only_if = "golfers"\n'))
    assert found.impact.later_changed == 3
    [_, under_way] = found.groups
    assert (under_way.people, under_way.before, under_way.after) == (
        2,
        SECOND,
        "muscle-activation-podcast",
    )


def test_a_whole_library_can_be_compared_and_a_stray_folder_cannot(
    three: Installation, tmp_path: Path
) -> None:
    found = compared(three, SHIPPED)
    assert str(found.impact) == "3 unaffected"
    assert not any(group.is_changed for group in at_least_one(found.groups))
    with pytest.raises(NoSequenceError, match="neither a library nor a sequence"):
        compared(three, tmp_path)
