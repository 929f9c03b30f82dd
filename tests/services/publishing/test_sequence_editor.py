"""A changed sequence is a draft until it is published, on both kinds of database."""

import pytest

from nurture.domain.sequences.impact import Impact
from nurture.domain.sequences.sequence import Continuation
from nurture.library.reading import LibraryError
from nurture.library.sequences import parse_sequence
from nurture.library.writing import with_endings
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.publishing import sequence_editor
from nurture.services.publishing.email_editor import SavedElsewhereError
from nurture.services.publishing.sequence_editor import (
    EditedSequence,
    NoSuchStepError,
    OvertakenError,
)
from nurture.store.tables.drafts import drafts
from nurture.store.tables.revisions import Author, RevisionKind, add_revision
from tests.installation import Installation, shipped_library

KEY = "pain-guide"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
SECOND = "two-reasons-your-rehab-is-not-working"


def plan(home: Installation) -> EditedSequence:
    return sequence_editor.find_plan(home.context.database, KEY)


def change(home: Installation, email: str = FIRST, **settings: str | None) -> None:
    """Change a step, starting from the draft's current version."""
    context, now = home.context, home.clock.now
    sequence_editor.change_step(context.database, KEY, plan(home).version, email, settings, now)


def test_a_draft_affects_nobody_until_it_is_published(home: Installation) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.deliver()
    change(home, wait="4 days")
    change(home, at="11:00")
    assert plan(home).version == 2
    assert plan(home).present.step(FIRST).wait.days == 2
    foreseen = sequence_editor.foresee(home.context.database, KEY)
    assert foreseen.publication.impacts[KEY] == Impact(timing_changed=1)
    home.live(days=3, hours=12)
    assert len(home.messages_of("ann@example.org")) == 2


def test_a_published_change_applies_to_people_under_way(home: Installation) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.deliver()
    change(home, wait="4 days")
    sequence_editor.publish(home.context.database, KEY, plan(home).version, home.clock.now)
    assert not plan(home).is_changed
    home.live(days=3, hours=12)
    assert len(home.messages_of("ann@example.org")) == 1
    home.live(days=4)
    assert len(home.messages_of("ann@example.org")) == 2


def test_a_change_reverted_by_hand_counts_as_no_change(home: Installation) -> None:
    change(home, wait="4 days")
    change(home, wait="2 days")
    assert plan(home).version == 2
    assert not plan(home).is_changed


def test_an_unreadable_change_is_not_saved(home: Installation) -> None:
    with pytest.raises(LibraryError, match="is not a length of time"):
        change(home, wait="soon")
    with pytest.raises(LibraryError, match="no step"):
        change(home, "nothing", wait="4 days")
    assert not home.rows(drafts)


def test_a_step_cannot_be_moved_past_the_ends_of_the_sequence(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    with pytest.raises(NoSuchStepError):
        sequence_editor.move_step(database, KEY, 0, "your-guide", -1, now)
    with pytest.raises(NoSuchStepError):
        sequence_editor.move_step(database, KEY, 0, "discovery-session-last-word", 1, now)


def test_a_draft_that_changed_since_it_was_viewed_is_not_published(home: Installation) -> None:
    change(home, wait="4 days")
    seen = plan(home).version
    change(home, wait="5 days")
    with pytest.raises(SavedElsewhereError):
        sequence_editor.publish(home.context.database, KEY, seen, home.clock.now)
    assert plan(home).present.step(FIRST).wait.days == 2


def test_a_draft_based_on_an_outdated_revision_is_not_published(home: Installation) -> None:
    change(home, wait="4 days")
    [source] = [one for one in shipped_library().sequences if one.sequence.key == KEY]
    with home.context.database.writing() as connection:
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
        "published since you began"
        in sequence_editor.foresee(home.context.database, KEY).findings[0]
    )
    with pytest.raises(OvertakenError):
        sequence_editor.publish(home.context.database, KEY, plan(home).version, home.clock.now)
    sequence_editor.discard(home.context.database, KEY)
    assert not plan(home).is_overtaken


def test_new_emails_get_unique_names(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
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


def test_restoring_an_old_state_replaces_other_changes(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    sequence_editor.remove_step(database, KEY, 0, SECOND, now)
    sequence_editor.publish(database, KEY, 1, now)
    change(home, wait="9 days")
    sequence_editor.take_state(database, KEY, 1, now)
    assert [step.email for step in plan(home).sequence.steps].count(SECOND) == 1
    assert plan(home).sequence.step(FIRST).wait.days == 2
    assert sequence_editor.foresee(database, KEY).findings == ()


def test_an_unknown_sequence_has_no_plan(home: Installation) -> None:
    with pytest.raises(UnknownSequenceError):
        sequence_editor.find_plan(home.context.database, "nothing")


@pytest.mark.parametrize("key", ["pain-guide", "over-50-guide"])
@pytest.mark.parametrize(
    "endings",
    [(), (Continuation("golf"),), (Continuation("golf", "golfers"), Continuation("still-there"))],
)
def test_the_endings_of_a_sequence_read_back_as_written(
    key: str, endings: tuple[Continuation, ...]
) -> None:
    [source] = [one for one in shipped_library().sequences if one.sequence.key == key]
    written = with_endings(source.toml, endings)
    assert parse_sequence(key, written).then == endings
    assert parse_sequence(key, written).steps == source.sequence.steps
    assert "# The guide, within moments of signing up." in written
