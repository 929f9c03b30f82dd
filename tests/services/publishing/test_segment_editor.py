"""The owner creates, edits and deletes segments, and is told the effects beforehand."""

import pytest

from nurture.domain.audience.conditions import All, Booked, Collected, Condition, Did, Not, Segment
from nurture.domain.tracking.events import EventKind
from nurture.services import segments
from nurture.services.publishing import segment_editor
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.segment_editor import (
    Foreseen,
    NameTakenError,
    SegmentInUseError,
    SegmentUse,
)
from nurture.services.segments import UnknownSegmentError
from nurture.store.tables.revisions import Author, RevisionKind, revisions
from tests.installation import Installation
from tests.vocabulary import clicks

ONCE = All((Did(EventKind.CLICKED, topic="golf"),))


def save(
    home: Installation, condition: Condition, title: str, name: str = "", was: str = ""
) -> str:
    context, segment = home.context, Segment(name, title, "", condition)
    return segment_editor.save(context.database, context.catalogue, segment, home.clock.now, was)


def foresee(home: Installation, condition: Condition, name: str = "") -> Foreseen:
    context = home.context
    return segment_editor.foresee(
        context.database, context.catalogue, condition, home.clock.now, name
    )


def names(home: Installation) -> list[str]:
    context = home.context
    found = segments.all_segments(context.database, context.catalogue, home.clock.now)
    return [one.name for one, _ in found]


def newest(home: Installation) -> dict[str, object]:
    rows = [row for row in home.rows(revisions) if row["kind"] == RevisionKind.SEGMENTS]
    return rows[-1]


def test_a_new_segment_is_named_after_its_title_and_published_by_the_owner(
    home: Installation,
) -> None:
    assert save(home, All((Booked(),)), "Cliënts & friends!") == "clients-friends"
    assert names(home) == ["ready-to-book", "gone-quiet", "golfers", "clients-friends"]
    assert newest(home)["author"] == Author.OWNER
    assert "# Somebody to ring" in str(newest(home)["source"])


def test_a_segment_preview_counts_its_effects_and_changes_nothing(home: Installation) -> None:
    for address, times in (("ann@example.org", 1), ("bob@example.org", 2), ("cid@example.org", 0)):
        home.subscribe(address)
        clicks(home, address, times)
    before = home.everything()
    found = foresee(home, ONCE, "golfers")
    assert (found.before, found.after, found.come_in, found.drop_out) == (1, 2, 1, 0)
    [use] = found.uses
    assert use == SegmentUse("over-50-guide", "", "leads whoever is in it on to “For golfers”")
    found = foresee(home, Not(Did(EventKind.CLICKED)), "golfers")
    assert (found.before, found.after, found.come_in, found.drop_out) == (1, 1, 1, 1)
    found = foresee(home, ONCE)
    assert (found.before, found.after, found.come_in, found.uses) == (0, 2, 2, ())
    assert home.everything() == before


def test_a_segment_in_use_cannot_be_renamed_or_deleted(home: Installation) -> None:
    context, now = home.context, home.clock.now
    assert save(home, ONCE, "Golf", name="golfers", was="golfers") == "golfers"
    before = home.rows(revisions)
    with pytest.raises(SegmentInUseError, match="cannot be renamed: “Everything"):
        save(home, ONCE, "Golf", name="golf-players", was="golfers")
    with pytest.raises(SegmentInUseError, match="cannot be taken away"):
        segment_editor.delete(context.database, context.catalogue, "golfers", now)
    assert home.rows(revisions) == before


def test_an_unused_segment_can_be_renamed_and_deleted(home: Installation) -> None:
    context, now = home.context, home.clock.now
    save(home, All((Collected(),)), "Quiet", name="quiet", was="gone-quiet")
    assert names(home) == ["ready-to-book", "quiet", "golfers"]
    segment_editor.delete(context.database, context.catalogue, "quiet", now)
    assert names(home) == ["ready-to-book", "golfers"]
    with pytest.raises(UnknownSegmentError):
        segment_editor.delete(context.database, context.catalogue, "quiet", now)


@pytest.mark.parametrize("name", ["golfers", "new", "With Space", "ä", "../x", "-x"])
def test_an_invalid_or_duplicate_segment_name_is_refused(
    sqlite_home: Installation, name: str
) -> None:
    before = sqlite_home.rows(revisions)
    with pytest.raises(NameTakenError):
        save(sqlite_home, ONCE, "Golf", name=name)
    assert sqlite_home.rows(revisions) == before


def test_a_segment_that_fails_the_check_is_not_published(sqlite_home: Installation) -> None:
    before = sqlite_home.rows(revisions)
    with pytest.raises(CheckError, match="no topic “tennis”"):
        save(sqlite_home, All((Did(EventKind.CLICKED, topic="tennis"),)), "Tennis")
    assert sqlite_home.rows(revisions) == before


def test_a_segment_can_be_edited_as_text_and_an_error_names_its_line(
    sqlite_home: Installation,
) -> None:
    context, now = sqlite_home.context, sqlite_home.clock.now
    kept = context.database, context.catalogue, "golfers"
    text = segment_editor.text_of(context.database, "golfers")
    assert text.startswith('[[segments]]\nname  = "golfers"')
    with pytest.raises(CheckError, match="line 2"):
        segment_editor.save_text(*kept, "[[segments]]\nname = golfers", now)
    with pytest.raises(CheckError, match="times: it must be a whole number"):
        segment_editor.save_text(*kept, text.replace("times = 2", 'times = "2"'), now)
    wanted = text.replace("times = 2", 'times = 7, verdict = "any"')
    assert segment_editor.read_text(context.database, "golfers", wanted).name == "golfers"
    assert segment_editor.save_text(*kept, wanted, now) == "golfers"
    assert "times = 7" in segment_editor.text_of(context.database, "golfers")
    with pytest.raises(UnknownSegmentError):
        segment_editor.text_of(context.database, "nothing")
