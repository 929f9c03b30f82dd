"""Editing segments: the owner creates, changes and deletes them, and sees the effects first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from nurture.domain.audience.conditions import All, Condition, Not, Segment, Segments, excess_of
from nurture.domain.audience.words import ConditionNames
from nurture.domain.errors import NurtureError
from nurture.library.reading import LibraryError
from nurture.library.segment_writing import (
    segment_text,
    with_segment,
    with_segment_text,
    without_segment,
)
from nurture.library.segments import parse_segments
from nurture.services.catalogue import Catalogue, Published
from nurture.services.profile.page_words import subject_of
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.studio import name_from, publish_plan
from nurture.services.segments import UnknownSegmentError
from nurture.store.database import Database
from nurture.store.queries.segments import count_segment
from nurture.store.tables.revisions import RevisionKind, find_newest

_SEGMENTS = RevisionKind.SEGMENTS, "segments"

#: A name reserved for one of the studio's own URLs.
_RESERVED = "new"


class SegmentInUseError(NurtureError):
    """The segment is in use: sequences refer to it by name."""


class NameTakenError(NurtureError):
    """Another segment has that name, or it is not a valid name."""


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """A place that refers to a segment: a step of a sequence, or one of its endings.

    `step` is the email's key, or empty for an ending; `how` is the phrase that follows the step or
    the sequence.
    """

    sequence: str
    step: str
    how: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The effect of a change: the segment's size before and after, and how many join and leave."""

    before: int
    after: int
    come_in: int
    drop_out: int
    uses: tuple[SegmentUse, ...]


def uses_of(published: Published, name: str) -> tuple[SegmentUse, ...]:
    """Return where sequences refer to a segment; nothing for one without a name yet."""
    return tuple(_uses(published, name)) if name else ()


def names_of(published: Published) -> ConditionNames:
    """Return the owner's names for topics, sequences and emails."""
    return ConditionNames(
        topics={key: topic.title for key, topic in published.segments.topics.items()},
        sequences={key: one.title for key, one in published.sequences.items()},
        emails={key: subject_of(published, key) for key in published.emails},
    )


def foresee(
    database: Database, catalogue: Catalogue, condition: Condition, now: datetime, name: str = ""
) -> Foreseen:
    """Return the effect of giving the segment `name`, or a new one, this condition."""
    with database.reading() as connection:
        published = catalogue.current(connection)
        known = published.segments
        present = known.segments.get(name)
        before = present.condition if present else None

        def count(wanted: Condition) -> int:
            return count_segment(connection, wanted, now, known.health)

        return Foreseen(
            before=count(before) if before else 0,
            after=count(condition),
            come_in=count(All((condition, Not(before)))) if before else count(condition),
            drop_out=count(All((before, Not(condition)))) if before else 0,
            uses=uses_of(published, name),
        )


def save(
    database: Database, catalogue: Catalogue, segment: Segment, now: datetime, name: str = ""
) -> str:
    """Publish a segment previously called `name`, or a new one if that is empty; return its name.

    Without a name, it gets one from its title. May raise `SegmentInUseError`, `NameTakenError`
    or `CheckError`.
    """
    segment = replace(segment, name=segment.name or name_from(segment.title))
    _insist_on_name(database, catalogue, segment.name, name)
    try:
        written = with_segment(_toml(database), segment, name)
    except LibraryError as error:
        raise CheckError([str(error)]) from None
    publish_plan(database, *_SEGMENTS, written, now)
    return segment.name


def save_text(database: Database, catalogue: Catalogue, name: str, text: str, now: datetime) -> str:
    """Publish a segment from its text; return its name.

    May raise the same errors as `save`; an error in the text names its line.
    """
    _, segment = _read(database, name, text)
    _insist_on_name(database, catalogue, segment.name, name)
    publish_plan(database, *_SEGMENTS, with_segment_text(_toml(database), name, text), now)
    return segment.name


def read_text(database: Database, name: str, text: str) -> Segment:
    """Parse a segment from its text without storing it; may raise `CheckError`."""
    return _read(database, name, text)[1]


def text_of(database: Database, name: str) -> str:
    """Return the text of a segment; may raise `UnknownSegmentError`."""
    try:
        return segment_text(_toml(database), name)
    except LibraryError as error:
        raise UnknownSegmentError(str(error)) from None


def delete(database: Database, catalogue: Catalogue, name: str, now: datetime) -> None:
    """Delete a segment; may raise `SegmentInUseError` or `UnknownSegmentError`."""
    with database.reading() as connection:
        published = catalogue.current(connection)
    if name not in published.segments.segments:
        raise UnknownSegmentError(f"There is no segment “{name}” any more.")
    _insist_unused(published, name, "taken away")
    publish_plan(database, *_SEGMENTS, without_segment(_toml(database), name), now)


def _read(database: Database, name: str, text: str) -> tuple[Segments, Segment]:
    """Return all segments with one of them replaced, and that one."""
    toml = _toml(database)
    try:
        parse_segments(text, "What you wrote")
        present = list(parse_segments(toml).segments)
        known = parse_segments(with_segment_text(toml, name, text))
    except LibraryError as error:
        raise CheckError([str(error)]) from None
    segment = list(known.segments.values())[present.index(name)]
    if excess := excess_of(segment.condition):
        raise CheckError([f"{segment.name}: {excess}"])
    return known, segment


def _insist_on_name(database: Database, catalogue: Catalogue, wanted: str, present: str) -> None:
    if wanted == present:
        return
    with database.reading() as connection:
        published = catalogue.current(connection)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", wanted) or wanted == _RESERVED:
        raise NameTakenError(
            f"“{wanted}” cannot be a name.", remedy="Use small letters, digits and hyphens."
        )
    if wanted in published.segments.segments:
        raise NameTakenError(f"There is a segment “{wanted}” already.", remedy="Choose another.")
    if present:
        _insist_unused(published, present, "renamed")


def _insist_unused(published: Published, name: str, what: str) -> None:
    if uses := uses_of(published, name):
        titles = sorted({published.sequences[use.sequence].title for use in uses})
        raise SegmentInUseError(
            f"“{name}” cannot be {what}: {', '.join(f'“{one}”' for one in titles)} asks for it.",
            remedy="Change the sequence first.",
        )


def _uses(published: Published, name: str) -> Iterator[SegmentUse]:
    for key, sequence in published.sequences.items():
        for step in sequence.steps:
            if step.only_if == name:
                yield SegmentUse(key, step.email, "goes only to whoever is in it")
            if step.skip_if == name:
                yield SegmentUse(key, step.email, "is left out for whoever is in it")
        for hand_over in sequence.then:
            if hand_over.only_if == name:
                target = published.sequences.get(hand_over.sequence)
                title = target.title if target else hand_over.sequence
                yield SegmentUse(key, "", f"leads whoever is in it on to “{title}”")


def _toml(database: Database) -> str:
    with database.reading() as connection:
        found = find_newest(connection, *_SEGMENTS)
    return str(found.source["toml"]) if found else ""
