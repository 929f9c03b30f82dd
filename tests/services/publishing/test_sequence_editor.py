"""A changed sequence is a draft until it is published, on both kinds of database."""

import pytest

from nurture.domain.sequences.impact import Impact
from nurture.domain.sequences.sequence import HandOver
from nurture.library.reading import LibraryError
from nurture.library.sequences import parse_sequence
from nurture.library.writing import with_endings
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.publishing import sequence_editor
from nurture.services.publishing.email_editor import SavedElsewhereError
from nurture.services.publishing.sequence_editor import NoSuchStepError, OvertakenError, Plan
from nurture.store.tables.drafts import drafts
from nurture.store.tables.revisions import Author, RevisionKind, add_revision
from tests.house import Household, shipped_library

KEY = "pain-guide"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
SECOND = "two-reasons-your-rehab-is-not-working"


def plan(home: Household) -> Plan:
    return sequence_editor.find_plan(home.house.database, KEY)


def change(home: Household, email: str = FIRST, **settings: str | None) -> None:
    """Change a step from the state that is in the draft now."""
    house, now = home.house, home.clock.now
    sequence_editor.change_step(house.database, KEY, plan(home).version, email, settings, now)


def test_a_draft_reaches_nobody_until_it_is_published(home: Household) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.deliver()
    change(home, wait="4 days")
    change(home, at="11:00")
    assert plan(home).version == 2
    assert plan(home).present.step(FIRST).wait.days == 2
    foreseen = sequence_editor.foresee(home.house.database, KEY)
    assert foreseen.publication.impacts[KEY] == Impact(timing_changed=1)
    home.live(days=3, hours=12)
    assert len(home.messages_of("ann@example.org")) == 2


def test_what_is_published_holds_for_those_under_way(home: Household) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.deliver()
    change(home, wait="4 days")
    sequence_editor.publish(home.house.database, KEY, plan(home).version, home.clock.now)
    assert not plan(home).is_changed
    home.live(days=3, hours=12)
    assert len(home.messages_of("ann@example.org")) == 1
    home.live(days=4)
    assert len(home.messages_of("ann@example.org")) == 2


def test_a_change_that_is_taken_back_by_hand_is_no_change(home: Household) -> None:
    change(home, wait="4 days")
    change(home, wait="2 days")
    assert plan(home).version == 2
    assert not plan(home).is_changed


def test_what_cannot_be_read_is_not_kept(home: Household) -> None:
    with pytest.raises(LibraryError, match="is not a length of time"):
        change(home, wait="soon")
    with pytest.raises(LibraryError, match="no step"):
        change(home, "nothing", wait="4 days")
    assert not home.rows(drafts)


def test_a_step_goes_no_further_than_the_ends(home: Household) -> None:
    database, now = home.house.database, home.clock.now
    with pytest.raises(NoSuchStepError):
        sequence_editor.move_step(database, KEY, 0, "your-guide", -1, now)
    with pytest.raises(NoSuchStepError):
        sequence_editor.move_step(database, KEY, 0, "discovery-session-last-word", 1, now)


def test_publishing_what_was_not_looked_at_is_refused(home: Household) -> None:
    change(home, wait="4 days")
    seen = plan(home).version
    change(home, wait="5 days")
    with pytest.raises(SavedElsewhereError):
        sequence_editor.publish(home.house.database, KEY, seen, home.clock.now)
    assert plan(home).present.step(FIRST).wait.days == 2


def test_publishing_over_what_was_published_meanwhile_is_refused(home: Household) -> None:
    change(home, wait="4 days")
    [source] = [one for one in shipped_library().sequences if one.sequence.key == KEY]
    with home.house.database.writing() as connection:
        add_revision(
            connection,
            kind=RevisionKind.SEQUENCE,
            key=KEY,
            digest="another",
            author=Author.FILES,
            source={"toml": source.toml.replace('wait  = "5 days"', 'wait  = "6 days"')},
            compiled={},
            now=home.clock.now,
        )
    assert plan(home).is_overtaken
    assert (
        "published since you began" in sequence_editor.foresee(home.house.database, KEY).findings[0]
    )
    with pytest.raises(OvertakenError):
        sequence_editor.publish(home.house.database, KEY, plan(home).version, home.clock.now)
    sequence_editor.discard(home.house.database, KEY)
    assert not plan(home).is_overtaken


def test_new_emails_get_names_of_their_own(home: Household) -> None:
    database, now = home.house.database, home.clock.now
    names = []
    for _ in range(2):
        written = sequence_editor.new_email("Why? Because — “knees”!", "", "Hello.")
        names.append(
            sequence_editor.add_step(
                database,
                KEY,
                plan(home).version,
                FIRST,
                "Why? Because — “knees”!",
                written,
                {},
                now,
            )
        )
    assert names == ["why-because-knees", "why-because-knees-2"]
    assert plan(home).subject("why-because-knees") == "Why? Because — “knees”!"
    sequence_editor.remove_step(database, KEY, plan(home).version, names[0], now)
    assert set(plan(home).unpublished) == {names[1]}
    sequence_editor.discard(database, KEY)
    assert not home.rows(drafts)


def test_going_back_takes_the_place_of_other_changes(home: Household) -> None:
    database, now = home.house.database, home.clock.now
    sequence_editor.remove_step(database, KEY, 0, SECOND, now)
    sequence_editor.publish(database, KEY, 1, now)
    change(home, wait="9 days")
    sequence_editor.take_state(database, KEY, 1, now)
    assert [step.email for step in plan(home).sequence.steps].count(SECOND) == 1
    assert plan(home).sequence.step(FIRST).wait.days == 2
    assert sequence_editor.foresee(database, KEY).findings == ()


def test_there_is_no_plan_of_a_sequence_that_there_is_not(home: Household) -> None:
    with pytest.raises(UnknownSequenceError):
        sequence_editor.find_plan(home.house.database, "nothing")


@pytest.mark.parametrize("key", ["pain-guide", "over-50-guide"])
@pytest.mark.parametrize(
    "endings",
    [(), (HandOver("golf"),), (HandOver("golf", "golfers"), HandOver("still-there"))],
)
def test_where_people_go_on_is_written_as_it_is_read(
    key: str, endings: tuple[HandOver, ...]
) -> None:
    [source] = [one for one in shipped_library().sequences if one.sequence.key == key]
    written = with_endings(source.toml, endings)
    assert parse_sequence(key, written).then == endings
    assert parse_sequence(key, written).steps == source.sequence.steps
    assert "# The guide, within moments of signing up." in written
