"""Publishing files: checking the library and turning it into immutable revisions."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import EmailFormat
from nurture.domain.sequences.sequence import Sequence, is_guide_name, is_plain_name
from nurture.domain.sequences.soundness import dangling, relies_on_health, unsound, unsound_together
from nurture.library.folder import Library, SequenceSource
from nurture.rendering.compile import EmailError, compile_email
from nurture.rendering.links import addresses_in
from nurture.rendering.lint.completeness import check_email
from nurture.rendering.markdown.blocks import wrapped_lines
from nurture.rendering.message import Surroundings
from nurture.rendering.preview import inert
from nurture.services.catalogue import Published
from nurture.services.publishing.revisions import (
    Draft,
    Publication,
    difference,
    email_draft,
    hold_affected,
    look_at_affected,
    note_draft,
    plan_draft,
    store_draft,
)
from nurture.services.publishing.sources import email_source
from nurture.services.publishing.wordings import refuse_lost_proof
from nurture.store.database import Connection, Database
from nurture.store.tables.revisions import (
    Author,
    Revision,
    RevisionKind,
    find_newest_by,
    lock_publishing,
    newest_revisions,
)

_NO_ARTICLE = "{}: the article has no address yet; it leads to the blog."

__all__ = [
    "CheckError",
    "Draft",
    "OwnerWroteThisError",
    "Publication",
    "check",
    "plan_findings",
    "preview",
    "publish",
    "to_fill_in",
    "to_fill_in_published",
    "to_know",
]


class CheckError(NurtureError):
    """The library cannot be published as it is; `findings` say where and why."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class OwnerWroteThisError(NurtureError):
    """A file would overwrite something the owner published; the message shows the difference."""


def check(library: Library) -> list[Draft]:
    """Check and compile everything; on any findings, raise one `CheckError` with them all."""
    around = inert(library.practice)
    findings: list[str] = []
    drafts = [
        plan_draft(RevisionKind.PRACTICE, "practice", library.practice_toml),
        plan_draft(RevisionKind.SEGMENTS, "segments", library.segments_toml),
    ]
    for source in library.sequences:
        drafts.append(plan_draft(RevisionKind.SEQUENCE, source.sequence.key, source.toml))
        drafts += _email_drafts(source, around, findings)
    findings += plan_findings(library)
    if findings:
        raise CheckError(findings)
    return drafts


def plan_findings(library: Library) -> list[str]:
    """Return what is wrong with the sequences, individually and together, but not their emails."""
    sequences = {source.sequence.key: source.sequence for source in library.sequences}
    findings = [found for one in sequences.values() for found in _sequence_findings(one)]
    findings += _form_findings(library)
    together = unsound_together(sequences, library.segments)
    return findings + [f"{name}: {said}" for name, said in together]


def publish(
    database: Database, library: Library, now: datetime, *, overwrite: bool = False
) -> Publication:
    """Store every changed file as a revision, all or nothing.

    A source that this version compiles differently is stored too. May raise `CheckError`, or
    `OwnerWroteThisError` if a file changed that the owner has since published differently, unless
    `overwrite` is set. If only the shared layout changed, the owner's text is put into the new
    layout and remains theirs.
    """
    drafts = check(library)
    publication = Publication(to_fill_in=to_fill_in(library))
    with database.writing() as connection:
        lock_publishing(connection)
        newest = {(r.kind, r.key): r for r in newest_revisions(connection)}
        changed = list(_changed(connection, library, drafts, newest, overwrite))
        affected = hold_affected(connection, changed)
        for draft in changed:
            present = newest.get((draft.kind, draft.key))
            store_draft(connection, draft, present, publication, now)
        look_at_affected(connection, affected, now)
    return publication


def preview(database: Database, library: Library) -> Publication:
    """Return what publishing would change, and its effect on people, without doing it."""
    publication = Publication(to_fill_in=to_fill_in(library))
    with database.reading() as connection:
        newest = {(r.kind, r.key): r for r in newest_revisions(connection)}
        for draft in _changed(connection, library, check(library), newest, overwrite=True):
            note_draft(connection, draft, newest.get((draft.kind, draft.key)), publication)
    return publication


def check_wordings(database: Database, library: Library) -> None:
    """Raise `SameWordsError` if a form covers something else with words it has been published with.

    The other checks need no database.
    """
    with database.reading() as connection:
        for source in library.sequences:
            refuse_lost_proof(connection, source.sequence.key, source.toml)


def to_fill_in(library: Library, published: Published | None = None) -> list[str]:
    """Return what the owner has yet to provide; none of it stops a sequence from running.

    What was entered in the studio is in no file, so if something is published, only what is
    missing there too is listed.
    """
    found = library.practice.to_fill_in()
    for source in library.sequences:
        for email in source.emails.values():
            if "article_title" in email.front and not email.front.get("article"):
                found.append(_NO_ARTICLE.format(email.key))
    missing = found if published is None else to_fill_in_published(published)
    return [said for said in found if said in missing]


def to_fill_in_published(published: Published) -> list[str]:
    """Return what is missing from what is currently published, worded as in `to_fill_in`."""
    emails = [email for _, email in published.emails.values()]
    articles = [e.key for e in emails if e.article_title and not e.article_url]
    return published.practice.to_fill_in() + [_NO_ARTICLE.format(key) for key in articles]


def to_know(library: Library) -> list[str]:
    """Return sentences on what is valid as written but may surprise."""
    about, segments = _about(library), library.segments
    sequences = {source.sequence.key: source.sequence for source in library.sequences}
    relying = [
        f"{key}: the segment “{name}” looks at {', '.join(sorted(topics))}, which is about "
        "health; that counts only for people who agreed to it."
        for key, sequence in sequences.items()
        for name, topics in relies_on_health(sequence, segments, about).items()
    ]
    return [*relying, *dangling(segments, sequences, about), *_wrapped(library)]


def _wrapped(library: Library) -> list[str]:
    """Return the Markdown emails whose lines an editor seems to have wrapped."""
    emails = [email for source in library.sequences for email in source.emails.values()]
    lines = {
        email.place: email.first_line + found[0] - 1
        for email in emails
        if email.format is EmailFormat.MARKDOWN and (found := wrapped_lines(email.body))
    }
    return [
        f"{place}, line {line}: a sentence is broken into lines, and people will see it broken "
        "there. Write each paragraph on one line."
        for place, line in lines.items()
    ]


def _about(library: Library) -> dict[str, set[str]]:
    """Return the topics of every email and link; a link without its own has its email's."""
    about: dict[str, set[str]] = {}
    emails = [email for source in library.sequences for email in source.emails.values()]
    for email in emails:
        own = email.front.get("links", {})
        about.setdefault(email.key, set()).update(email.front.get("topics", ()), *own.values())
        for link in own.keys() | addresses_in(email.body, email.text):
            about.setdefault(link, set()).update(own.get(link, email.front.get("topics", ())))
    return about


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
        yield email_draft(email, compiled)


def _sequence_findings(sequence: Sequence) -> list[str]:
    keys = [step.email for step in sequence.steps]
    place = f"{sequence.key}/sequence.toml"
    findings = [
        f"{place}: “{key}” is there twice; a step's name is its key."
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    findings += [f"{place}: “{key}” has a space in it." for key in keys if len(key.split()) != 1]
    findings += [
        f"{place}: “{key}” names a file; leave out slashes, colons and dots before it."
        for key in (sequence.key, *keys)
        if not is_plain_name(key)
    ]
    if not is_guide_name(sequence.guide_file):
        findings.append(f"{place}, guide: write the name of a PDF in this folder: “guide.pdf”.")
    findings += [
        f"{place}: “{key}” stands in the head of every mail; name it in letters from a to z."
        for key in (sequence.key, *keys)
        if not key.isascii()
    ]
    return findings + [f"{place}: {finding}" for finding in unsound(sequence)]


def _form_findings(library: Library) -> list[str]:
    forms = [source.sequence.form.key for source in library.sequences if source.sequence.form]
    return [
        f"The form “{form}” leads into more than one sequence."
        for form in sorted({form for form in forms if forms.count(form) > 1})
    ]


def _changed(
    connection: Connection,
    library: Library,
    drafts: list[Draft],
    newest: dict[tuple[RevisionKind, str], Revision],
    overwrite: bool,
) -> Iterator[Draft]:
    """Yield the drafts that differ from what is published and that the files may publish."""
    for draft in drafts:
        present = newest.get((draft.kind, draft.key))
        if present is None:
            yield draft
        elif draft.digest == present.digest:
            yield from _made_anew(draft, present)
        elif present.author is Author.FILES or overwrite:
            yield draft
        else:
            yield from _beside_the_owner(connection, library, draft, present)


def _made_anew(draft: Draft, present: Revision) -> Iterator[Draft]:
    """Yield the draft if this version of the program compiles the same source differently."""
    made = json.loads(json.dumps(draft.compiled))
    if any(made.get(part) != present.compiled.get(part) for part in ("html", "text", "links")):
        yield replace(draft, author=present.author)


def _beside_the_owner(
    connection: Connection, library: Library, draft: Draft, present: Revision
) -> Iterator[Draft]:
    """Yield what a file may still change in something that the owner has published differently."""
    written = find_newest_by(connection, Author.FILES, draft.kind, draft.key)
    if written is not None and written.digest == draft.digest:
        if draft.kind is RevisionKind.EMAIL:
            with suppress(CheckError, StopIteration):
                own = _in_new_layout(library, present, present.source["layout"])
                yield from _made_anew(own, present)
        return
    if written is None or not _differs_in_layout_only(written.source, draft.source):
        raise OwnerWroteThisError(
            f"{draft.key} was changed in the studio and in its file:\n"
            + difference(present.source, draft.source, ("published", "file")),
            remedy="Bring the file up to date, or run “nurture publish --overwrite”.",
        )
    relaid = _in_new_layout(library, present, draft.source["layout"])
    if relaid.digest != present.digest:
        yield relaid


def _differs_in_layout_only(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return "layout" in one and {**one, "layout": None} == {**other, "layout": None}


def _in_new_layout(library: Library, present: Revision, layout: dict[str, str]) -> Draft:
    """Return the owner's text in the new layout; raise `CheckError` if it does not fit."""
    email = email_source(present.key, {**present.source, "layout": layout})
    folder, _, name = present.key.partition("/")
    sequence = next(s.sequence for s in library.sequences if s.sequence.key == folder)
    kind = next(step.kind for step in sequence.steps if step.email == name)
    try:
        compiled = compile_email(email)
    except EmailError as error:
        raise CheckError(error.findings) from None
    if findings := check_email(compiled, sequence, kind, inert(library.practice)):
        raise CheckError(findings)
    return replace(email_draft(email, compiled), author=Author.OWNER)
