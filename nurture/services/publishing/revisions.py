"""Revisions: storing the written state of something as its next revision, for every author."""

import difflib
import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from nurture.domain.messages.email import EmailSource
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.impact import Impact, impact
from nurture.library.practice import parse_practice
from nurture.library.sequences import parse_sequence
from nurture.rendering.compile import CompiledEmail
from nurture.services.publishing.wordings import refuse_lost_proof
from nurture.store.database import Connection
from nurture.store.queries import funnel, locks
from nurture.store.tables import enrolments, message_changes
from nurture.store.tables.revisions import Author, Revision, RevisionKind, add_revision, find_newest


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that may become a revision, and its author."""

    kind: RevisionKind
    key: str
    source: dict[str, Any]
    compiled: dict[str, Any]
    author: Author = Author.FILES

    @property
    def digest(self) -> str:
        """A digest of the source; an unchanged source makes no new revision."""
        canonical = json.dumps(self.source, sort_keys=True).encode()
        return blake2b(canonical, digest_size=16).hexdigest()


@dataclass
class Publication:
    """What was published, and how it affects active enrolments."""

    changed: list[str] = field(default_factory=list)
    impacts: dict[str, Impact] = field(default_factory=dict)
    to_fill_in: list[str] = field(default_factory=list)


def plan_draft(kind: RevisionKind, key: str, toml: str) -> Draft:
    """Return a draft of the practice, the segments or a sequence, as written."""
    return Draft(kind, key, {"toml": toml}, {})


def email_draft(email: EmailSource, compiled: CompiledEmail) -> Draft:
    """Return a draft of an email: its source and the compiled result."""
    source = {
        "format": email.format.value,
        "content": email.content,
        "text": email.text,
        "layout": dict(email.layout),
    }
    return Draft(RevisionKind.EMAIL, email.key, source, compiled.as_json())


def hold_affected(connection: Connection, changed: list[Draft]) -> Any:
    """Lock the enrolments that a change affects, before changing any; return the condition."""
    sequences = [draft.key for draft in changed if draft.kind is RevisionKind.SEQUENCE]
    moved = any(_moves_everybody(connection, draft) for draft in changed)
    where = enrolments.everybody() if moved else enrolments.of_sequences(*sequences)
    locks.hold(connection, where)
    return where


def look_at_affected(connection: Connection, affected: Any, now: datetime) -> None:
    """Have every active enrolment that a change affects decided again, once all is stored.

    It is one statement however many there are, and whatever affects them, because changing one
    twice would need its subscriber (see `locks`). A postponement would be noticed in time anyway,
    but until then the coming week would be displayed as it was.
    """
    enrolments.look_at_once(connection, affected, now)


def _moves_everybody(connection: Connection, draft: Draft) -> bool:
    is_practice = draft.kind is RevisionKind.PRACTICE
    return is_practice and moves_everybody(connection, draft.source["toml"])


def store_draft(
    connection: Connection,
    draft: Draft,
    present: Revision | None,
    publication: Publication,
    now: datetime,
) -> None:
    """Make the draft the newest revision; `look_at_affected` lets enrolments follow it."""
    note_draft(connection, draft, present, publication)
    add_revision(
        connection,
        kind=draft.kind,
        key=draft.key,
        digest=draft.digest,
        author=draft.author,
        source=draft.source,
        compiled=draft.compiled,
        now=now,
    )
    if draft.kind is RevisionKind.SEQUENCE and present is not None:
        _cancel_deleted(connection, draft, present)


def _cancel_deleted(connection: Connection, draft: Draft, present: Revision) -> None:
    old = parse_sequence(draft.key, present.source["toml"])
    new = parse_sequence(draft.key, draft.source["toml"])
    deleted = {step.email for step in old.steps} - {step.email for step in new.steps}
    message_changes.cancel_deleted(connection, draft.key, deleted, Reason(Code.STEP_DELETED))


def note_draft(
    connection: Connection, draft: Draft, present: Revision | None, publication: Publication
) -> None:
    """Record what a draft would change, and how many people it would affect in which way.

    May raise `SameWordsError` or `RenamedFormError`.
    """
    publication.changed.append(draft.key)
    if draft.kind is RevisionKind.SEQUENCE:
        refuse_lost_proof(connection, draft.key, draft.source["toml"])
    if draft.kind is RevisionKind.SEQUENCE and present is not None:
        old = parse_sequence(draft.key, present.source["toml"])
        new = parse_sequence(draft.key, draft.source["toml"])
        under_way = funnel.count_by_passed(connection, draft.key)
        publication.impacts[draft.key] = impact(old, new, under_way)


def difference(present: dict[str, Any], wanted: dict[str, Any], names: tuple[str, str]) -> str:
    """Return the difference between two sources as a unified diff with those names."""
    lines = (_lines(present), _lines(wanted))
    return "\n".join(difflib.unified_diff(*lines, *names, lineterm="", n=1))


def _lines(source: dict[str, Any]) -> list[str]:
    """Return every line of a source; the shared parts of emails come last."""
    parts = [*source.values()]
    texts = [part for part in parts if isinstance(part, str)]
    texts += [text for part in parts if isinstance(part, dict) for text in part.values()]
    return [line for text in texts for line in str(text).splitlines()]


def moves_everybody(connection: Connection, toml: str) -> bool:
    """Return whether this practice sends at other times than the published one."""
    present = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if present is None:
        return False
    return parse_practice(present.source["toml"]).rhythm != parse_practice(toml).rhythm
