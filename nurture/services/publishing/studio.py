"""Publishing by the owner: one email or plan at a time, with its history and undo.

What the owner publishes is checked like the files, and files do not overwrite it unless they
are told to.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unicodedata import normalize

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.library.folder import Library, parse_source
from nurture.library.practice import parse_practice, refuse_slips
from nurture.library.reading import LibraryError
from nurture.library.segments import parse_segments
from nurture.rendering.compile import EmailError
from nurture.rendering.compile_sandboxed import compile_confined
from nurture.rendering.lint.completeness import check_email
from nurture.rendering.preview import inert
from nurture.services.publishing import revisions, sources
from nurture.services.publishing.files import CheckError, plan_findings
from nurture.store.database import Connection, Database
from nurture.store.tables import drafts
from nurture.store.tables.broadcasts import find_broadcast
from nurture.store.tables.revisions import (
    Author,
    Revision,
    RevisionKind,
    find_newest,
    find_state,
    history_of,
    lock_publishing,
    newest_revisions,
)

_LONGEST_NAME = 60


class NoSuchRevisionError(NurtureError):
    """There is no revision with that number."""


@dataclass(frozen=True, slots=True)
class Written:
    """An email as the owner wrote it: the whole file, and any plain-text version."""

    format: EmailFormat
    content: str
    text: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, str]) -> "Written":
        """Return what a draft, or a revision's source, has of it."""
        return cls(EmailFormat(stored["format"]), stored["content"], stored["text"])


def find_email(connection: Connection, key: str) -> EmailSource | None:
    """Return the published source of an email, or None if it was never published."""
    present = find_newest(connection, RevisionKind.EMAIL, key)
    return sources.email_source(key, present.source) if present else None


def read_written(connection: Connection, key: str, written: Written) -> EmailSource:
    """Return the text as a source, in the shared layout; may raise `CheckError`.

    The layout is that of the email itself or, for a new one, that of the newest email.
    """
    present = find_email(connection, key)
    layout = present.layout if present else _newest_layout(connection)
    try:
        return parse_source(key, written.format, written.content, written.text, layout)
    except LibraryError as error:
        raise CheckError([str(error)]) from None


def publish_email(
    database: Database, key: str, written: Written, now: datetime
) -> revisions.Publication:
    """Publish an email as the owner's; may raise `CheckError` with every finding.

    Everyone who gets the email from now on gets this version. Its draft is deleted.
    """
    if key_of(key.partition("/")[0]) is not None:
        raise CheckError([f"{key}: the email of a broadcast is published when it is sent."])
    return _store(database, [checked_email(database, key, written)], now)


def checked_email(database: Database, key: str, written: Written) -> revisions.Draft:
    """Return what would be published of an email; may raise `CheckError` with every finding."""
    with database.reading() as connection:
        source = read_written(connection, key, written)
        library = sources.published_library(connection)
        sequence, kind = step_of(connection, library, key)
    return _checked_email(library, source, sequence, kind)


def publish_plan(
    database: Database,
    kind: RevisionKind,
    key: str,
    toml: str,
    now: datetime,
    new_emails: Mapping[str, Written] | None = None,
) -> revisions.Publication:
    """Publish a sequence, the practice or the segments as the owner's.

    `new_emails` are the emails of added steps by their full key; either everything is published
    or nothing. May raise `CheckError` with every finding.
    """
    with database.reading() as connection:
        changed = _checked_plan(connection, kind, key, toml, new_emails or {})
    return _store(database, changed, now)


def foresee_plan(
    database: Database,
    kind: RevisionKind,
    key: str,
    toml: str,
    new_emails: Mapping[str, Written] | None = None,
) -> revisions.Publication:
    """Return what `publish_plan` would change and its effect on people, without doing it."""
    publication = revisions.Publication()
    with database.reading() as connection:
        changed = _checked_plan(connection, kind, key, toml, new_emails or {})
        newest = {(r.kind, r.key): r for r in newest_revisions(connection)}
        for draft in changed:
            present = newest.get((draft.kind, draft.key))
            if present is None or present.digest != draft.digest:
                revisions.note_draft(connection, draft, present, publication)
    return publication


def history(database: Database, kind: RevisionKind, key: str) -> list[Revision]:
    """Return the revisions of one thing, newest first."""
    with database.reading() as connection:
        return history_of(connection, kind, key)


def name_from(words: str) -> str:
    """Return a name made from words: small letters, digits and hyphens."""
    plain = normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-")


def get_revision(database: Database, kind: RevisionKind, key: str, number: int) -> Revision:
    """Return a revision by its number; may raise `NoSuchRevisionError`."""
    with database.reading() as connection:
        found = find_state(connection, kind, key, number)
    if found is None:
        raise NoSuchRevisionError(f"{key} has no revision {number}.", remedy="Look at its history.")
    return found


def roll_back(
    database: Database, kind: RevisionKind, key: str, number: int, now: datetime
) -> revisions.Publication:
    """Publish an old revision's source again as a new revision; may raise `CheckError`."""
    old = get_revision(database, kind, key, number)
    if kind is RevisionKind.EMAIL:
        source = sources.email_source(key, old.source)
        return publish_email(database, key, as_written(source), now)
    return publish_plan(database, kind, key, old.source["toml"], now)


def as_written(source: EmailSource) -> Written:
    """Return an email's source as the owner would have written it."""
    return Written(source.format, source.content, source.text)


def differing_lines(old: str, new: str) -> list[tuple[str, str]]:
    """Return a diff of two texts: each line with “-”, “+” or “ ”, and gaps marked by “@”."""
    unified = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    return [(line[:1], line[1:]) for line in list(unified)[2:]]


def step_of(connection: Connection, library: Library, key: str) -> tuple[Sequence, StepKind]:
    """Return the sequence and kind of an email's step; without a step, the kind is an article.

    The email of a broadcast is the only step of that broadcast.
    """
    folder, _, name = key.partition("/")
    broadcast = find_broadcast(connection, key_of(folder) or "")
    if broadcast is not None:
        return broadcast.as_sequence(), broadcast.kind
    for source in library.sequences:
        if source.sequence.key == folder:
            kinds = {step.email: step.kind for step in source.sequence.steps}
            return source.sequence, kinds.get(name, StepKind.ARTICLE)
    raise CheckError([f"{key}: there is no sequence “{folder}”."])


def _newest_layout(connection: Connection) -> Mapping[str, str]:
    emails = [r for r in newest_revisions(connection) if r.kind is RevisionKind.EMAIL]
    layout: Mapping[str, str] = max(emails, key=lambda r: r.id).source["layout"] if emails else {}
    return layout


def _checked_email(
    library: Library, source: EmailSource, sequence: Sequence, kind: StepKind
) -> revisions.Draft:
    try:
        compiled = compile_confined(source)
    except EmailError as error:
        raise CheckError(error.findings) from None
    if findings := check_email(compiled, sequence, kind, inert(library.practice)):
        raise CheckError(findings)
    return revisions.email_draft(source, compiled)


def _checked_plan(
    connection: Connection,
    kind: RevisionKind,
    key: str,
    toml: str,
    new_emails: Mapping[str, Written],
) -> list[revisions.Draft]:
    """Return the plan and its new emails, checked together with everything else published."""
    library = sources.published_library(connection)
    new = {one: read_written(connection, one, written) for one, written in new_emails.items()}
    known = sources.published_emails(newest_revisions(connection))
    try:
        library = _with_plan(library, kind, key, toml, {**known, **new})
    except LibraryError as error:
        raise CheckError([str(error)]) from None
    findings = plan_findings(library) + sources.emails_without_a_source(library.sequences)
    if findings:
        raise CheckError(findings)
    emails = [
        _checked_email(library, one, *step_of(connection, library, one.key)) for one in new.values()
    ]
    return [revisions.plan_draft(kind, key, toml), *emails]


def _with_plan(
    library: Library, kind: RevisionKind, key: str, toml: str, emails: Mapping[str, EmailSource]
) -> Library:
    if kind is RevisionKind.PRACTICE:
        refuse_slips(toml)
        return replace(library, practice=parse_practice(toml), practice_toml=toml)
    if kind is RevisionKind.SEGMENTS:
        return replace(library, segments=parse_segments(toml), segments_toml=toml)
    changed = sources.sequence_source(key, toml, emails)
    others = tuple(s for s in library.sequences if s.sequence.key != key)
    return replace(library, sequences=(*others, changed))


def _store(
    database: Database, changed: list[revisions.Draft], now: datetime
) -> revisions.Publication:
    publication = revisions.Publication()
    with database.writing() as connection:
        lock_publishing(connection)
        affected = revisions.hold_affected(connection, changed)
        for draft in changed:
            present = find_newest(connection, draft.kind, draft.key)
            if present is None or present.digest != draft.digest:
                of_owner = replace(draft, author=Author.OWNER)
                revisions.store_draft(connection, of_owner, present, publication, now)
            drafts.discard_draft(connection, draft.kind, draft.key)
        revisions.look_at_affected(connection, affected, now)
    return publication


def source_text(revision: Revision) -> str:
    """Return a source as one text for comparison: an email's file and plain version, or TOML."""
    source: Mapping[str, Any] = revision.source
    if revision.kind is not RevisionKind.EMAIL:
        return str(source["toml"])
    email = sources.email_source(revision.key, source)
    return email.content if not email.text else f"{email.content}\n{email.text}"
