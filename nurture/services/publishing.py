"""Publishing: what was written is checked and becomes immutable revisions."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from nurture.domain.email import EmailSource
from nurture.domain.errors import NurtureError
from nurture.domain.impact import Impact, impact
from nurture.domain.sequence import Sequence
from nurture.domain.soundness import relies_on_health, unsound, unsound_together
from nurture.library import Library, SequenceSource, parse_sequence
from nurture.rendering.checking import check_email
from nurture.rendering.compiling import EmailError, compile_email
from nurture.rendering.preparing import Surroundings
from nurture.store import enrolments, locks, messages
from nurture.store.revisions import (
    Author,
    Revision,
    RevisionKind,
    add_revision,
    lock_publishing,
    newest_digests,
    newest_revisions,
)
from nurture.store.session import Connection, Database
from nurture.tokens import Tokens


class CheckError(NurtureError):
    """The library may not be published as it is; `findings` say where and why."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class OwnerWroteThisError(NurtureError):
    """A file would overwrite what the owner published; the message shows the difference."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing that may become a revision."""

    kind: RevisionKind
    key: str
    source: dict[str, Any]
    compiled: dict[str, Any]

    @property
    def digest(self) -> str:
        """Identifies the source; an unchanged source makes no revision."""
        canonical = json.dumps(self.source, sort_keys=True).encode()
        return blake2b(canonical, digest_size=16).hexdigest()


@dataclass
class Publication:
    """What was published, and what it does to the people under way."""

    changed: list[str] = field(default_factory=list)
    impacts: dict[str, Impact] = field(default_factory=dict)
    to_fill_in: list[str] = field(default_factory=list)


def check(library: Library) -> list[Draft]:
    """Check everything and compile it; raises `CheckError` with all findings at once."""
    around = Surroundings(library.practice, Tokens(["check"]), "https://check.invalid")
    findings: list[str] = []
    drafts = [_practice_draft(library), _segments_draft(library)]
    for source in library.sequences:
        findings += _sequence_findings(source.sequence)
        drafts.append(_sequence_draft(source))
        drafts += _email_drafts(source, around, findings)
    findings += _form_findings(library)
    sequences = {source.sequence.key: source.sequence for source in library.sequences}
    findings += [f"{name}: {said}" for name, said in unsound_together(sequences, library.segments)]
    if findings:
        raise CheckError(findings)
    return drafts


def publish(
    database: Database, library: Library, now: datetime, *, overwrite: bool = False
) -> Publication:
    """Store every changed file as a revision, all or nothing.

    Raises `CheckError`, and `OwnerWroteThisError` where a file changed that the owner
    has since published another state of, unless `overwrite` is set.
    """
    drafts = check(library)
    publication = Publication(to_fill_in=to_fill_in(library))
    with database.writing() as connection:
        lock_publishing(connection)
        newest = {(r.kind, r.key): r for r in newest_revisions(connection)}
        changed = list(_changed(connection, drafts, newest, overwrite))
        sequences = [draft.key for draft in changed if draft.kind is RevisionKind.SEQUENCE]
        locks.hold(connection, enrolments.of_sequences(*sequences))
        for draft in changed:
            _store(connection, draft, newest.get((draft.kind, draft.key)), publication, now)
    return publication


def preview(database: Database, library: Library) -> Publication:
    """What publishing would change and do to people, without doing it."""
    publication = Publication(to_fill_in=to_fill_in(library))
    with database.reading() as connection:
        newest = {(r.kind, r.key): r for r in newest_revisions(connection)}
        for draft in _changed(connection, check(library), newest, overwrite=True):
            _note(connection, draft, newest.get((draft.kind, draft.key)), publication)
    return publication


def to_fill_in(library: Library) -> list[str]:
    """What the owner has yet to say; nothing of it keeps the series from running."""
    found = library.practice.to_fill_in()
    for source in library.sequences:
        for email in source.emails.values():
            if "article_title" in email.front and not email.front.get("article"):
                found.append(f"{email.key}: the article has no address yet; it leads to the blog.")
    return found


def to_know(library: Library) -> list[str]:
    """What is as it was written and may surprise, each a sentence."""
    return [
        f"{source.sequence.key}: the segment “{name}” looks at {', '.join(sorted(topics))}, which "
        "is about health; only people who agreed to that can be in it."
        for source in library.sequences
        for name, topics in relies_on_health(source.sequence, library.segments).items()
    ]


def _practice_draft(library: Library) -> Draft:
    return Draft(RevisionKind.PRACTICE, "practice", {"toml": library.practice_toml}, {})


def _segments_draft(library: Library) -> Draft:
    return Draft(RevisionKind.SEGMENTS, "segments", {"toml": library.segments_toml}, {})


def _sequence_draft(source: SequenceSource) -> Draft:
    return Draft(RevisionKind.SEQUENCE, source.sequence.key, {"toml": source.toml}, {})


def _email_drafts(
    source: SequenceSource, around: Surroundings, findings: list[str]
) -> Iterator[Draft]:
    for step in source.sequence.steps:
        email = source.emails[step.email]
        try:
            compiled = compile_email(email)
        except EmailError as error:
            findings += error.findings
            continue
        findings += check_email(compiled, source.sequence, step.kind, around)
        yield Draft(RevisionKind.EMAIL, email.key, _email_source(email), compiled.as_json())


def _email_source(email: EmailSource) -> dict[str, Any]:
    return {
        "format": email.format.value,
        "content": email.content,
        "text": email.text,
        "layout": dict(email.layout),
    }


def _sequence_findings(sequence: Sequence) -> list[str]:
    keys = [step.email for step in sequence.steps]
    place = f"{sequence.key}/sequence.toml"
    findings = [
        f"{place}: “{key}” is there twice; a step's name is its key."
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    findings += [f"{place}: “{key}” has a space in it." for key in keys if len(key.split()) != 1]
    return findings + [f"{place}: {finding}" for finding in unsound(sequence)]


def _form_findings(library: Library) -> list[str]:
    forms = [source.sequence.form.key for source in library.sequences if source.sequence.form]
    return [
        f"The form “{form}” leads into more than one sequence."
        for form in sorted({form for form in forms if forms.count(form) > 1})
    ]


def _changed(
    connection: Connection,
    drafts: list[Draft],
    newest: dict[tuple[RevisionKind, str], Revision],
    overwrite: bool,
) -> Iterator[Draft]:
    """The drafts that differ from what is published and that the files may publish."""
    written = newest_digests(connection, Author.FILES)
    for draft in drafts:
        present = newest.get((draft.kind, draft.key))
        if present is None:
            yield draft
        elif draft.digest == present.digest:
            continue
        elif present.author is Author.FILES or overwrite:
            yield draft
        elif draft.digest != written.get((draft.kind, draft.key)):
            raise OwnerWroteThisError(
                f"{draft.key} was changed in the studio and in its file:\n"
                + _difference(present.source, draft.source),
                remedy="Bring the file up to date, or run “nurture publish --overwrite”.",
            )


def _store(
    connection: Connection,
    draft: Draft,
    present: Revision | None,
    publication: Publication,
    now: datetime,
) -> None:
    _note(connection, draft, present, publication)
    add_revision(
        connection,
        kind=draft.kind,
        key=draft.key,
        digest=draft.digest,
        author=Author.FILES,
        source=draft.source,
        compiled=draft.compiled,
        now=now,
    )
    if draft.kind is RevisionKind.SEQUENCE and present is not None:
        _follow_the_change(connection, draft, present, now)


def _follow_the_change(
    connection: Connection, draft: Draft, present: Revision, now: datetime
) -> None:
    """Everybody under way is decided afresh, and nothing waits for a step that is gone."""
    old = parse_sequence(draft.key, present.source["toml"])
    new = parse_sequence(draft.key, draft.source["toml"])
    deleted = {step.email for step in old.steps} - {step.email for step in new.steps}
    messages.cancel_deleted(connection, draft.key, deleted, "the step was deleted")
    enrolments.look_at_once(connection, enrolments.of_sequences(draft.key), now)


def _note(
    connection: Connection, draft: Draft, present: Revision | None, publication: Publication
) -> None:
    publication.changed.append(draft.key)
    if draft.kind is RevisionKind.SEQUENCE and present is not None:
        old = parse_sequence(draft.key, present.source["toml"])
        new = parse_sequence(draft.key, draft.source["toml"])
        under_way = enrolments.count_by_passed(connection, draft.key)
        publication.impacts[draft.key] = impact(old, new, under_way)


def _difference(present: dict[str, Any], wanted: dict[str, Any]) -> str:
    lines = (_lines(present), _lines(wanted))
    return "\n".join(difflib.unified_diff(*lines, "published", "file", lineterm="", n=1))


def _lines(source: dict[str, Any]) -> list[str]:
    return [line for part in source.values() for line in str(part).splitlines()]
