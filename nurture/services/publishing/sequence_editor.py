"""Editing sequences: a draft that the owner changes, reviews, and publishes or discards."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import EmailFormat
from nurture.domain.sequences.sequence import (
    Continuation,
    Sequence,
    Step,
    StepKind,
    WhenReplied,
)
from nurture.library.sequences import parse_sequence
from nurture.library.writing import (
    with_changed_step,
    with_endings,
    with_front,
    with_moved_step,
    with_settings,
    with_step,
    without_step,
    written_email,
)
from nurture.rendering.preview import preview_email
from nurture.services.catalogue import Catalogue
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.publishing import email_editor, studio
from nurture.services.publishing.email_editor import SavedElsewhereError
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.revisions import Publication
from nurture.store.database import Connection, Database
from nurture.store.tables import drafts
from nurture.store.tables.revisions import Revision, RevisionKind, find_newest, newest_revisions

_SEQUENCE, _EMAIL = RevisionKind.SEQUENCE, RevisionKind.EMAIL


class OvertakenError(NurtureError):
    """Another revision of the sequence was published after the draft was started."""


class NoSuchStepError(NurtureError):
    """The sequence has no such step, or the step has no neighbour to swap with."""


@dataclass(frozen=True, slots=True)
class EditedSequence:
    """A sequence as the owner has changed it so far, next to the published one.

    Pass `version` back with every change; it is 0 while there is no draft. `unpublished` are the
    emails that are written but not yet published, by step.
    """

    key: str
    toml: str
    sequence: Sequence
    present: Sequence
    version: int
    based_on: int
    number: int
    subjects: Mapping[str, str]
    unpublished: Mapping[str, studio.Written]

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to publish."""
        return self.version > 0 and self.sequence != self.present

    @property
    def is_overtaken(self) -> bool:
        """Whether another revision was published after the draft was started."""
        return self.version > 0 and self.based_on != self.number

    def subject(self, email: str) -> str:
        """Return the subject of a step's email, or the step's name if there is none."""
        return self.subjects.get(email, email)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What publishing a plan would do, or the findings that prevent it."""

    plan: EditedSequence
    publication: Publication
    findings: tuple[str, ...] = ()


def find_plan(database: Database, key: str) -> EditedSequence:
    """Return the sequence as it is being edited; may raise `UnknownSequenceError`."""
    with database.reading() as connection:
        return _plan(connection, key)


def change_step(
    database: Database,
    key: str,
    version: int,
    email: str,
    settings: Mapping[str, Any],
    now: datetime,
) -> None:
    """Change some settings of a step; None removes a setting.

    May raise `LibraryError` for invalid settings, or `SavedElsewhereError`.
    """
    _change(database, key, version, lambda plan: with_changed_step(plan.toml, email, settings), now)


def move_step(
    database: Database, key: str, version: int, email: str, by: int, now: datetime
) -> None:
    """Move a step up (-1) or down (1) by one place."""

    def moved(plan: EditedSequence) -> str:
        names = [step.email for step in plan.sequence.steps]
        place = _place(plan, email) + by
        if not 0 <= place < len(names):
            raise NoSuchStepError("It cannot go any further.", remedy="Reload the page.")
        names.remove(email)
        return with_moved_step(plan.toml, email, names[place - 1] if place else "")

    _change(database, key, version, moved, now)


def remove_step(database: Database, key: str, version: int, email: str, now: datetime) -> None:
    """Remove a step; its email stays in the history, unless it was never published."""
    _change(database, key, version, lambda plan: without_step(plan.toml, email), now)


def set_endings(
    database: Database, key: str, version: int, endings: tuple[Continuation, ...], now: datetime
) -> None:
    """Set which sequences people go on to when they reach the end."""
    _change(database, key, version, lambda plan: with_endings(plan.toml, endings), now)


def set_replied(
    database: Database, key: str, version: int, replied: WhenReplied, now: datetime
) -> None:
    """Set what becomes of people's series once they have replied to it."""
    values = {"replied": str(replied)}
    _change(database, key, version, lambda plan: with_settings(plan.toml, values), now)


def new_email(subject: str, preheader: str, body: str) -> studio.Written:
    """Return an email in Markdown."""
    front = {"subject": subject, "preheader": preheader} if preheader else {"subject": subject}
    return studio.Written(EmailFormat.MARKDOWN, written_email(front, f"{body.strip()}\n"))


def copied_email(database: Database, original: str, subject: str) -> studio.Written:
    """Return a copy of a published email (`sequence/step`) with another subject."""
    with database.reading() as connection:
        source = studio.find_email(connection, original)
    if source is None:
        raise NoSuchStepError(f"There is no email “{original}”.", remedy="Choose another one.")
    written = studio.as_written(source)
    return studio.Written(
        written.format, with_front(written.content, {"subject": subject}), written.text
    )


def add_step(
    database: Database,
    key: str,
    version: int,
    after: str,
    subject: str,
    written: studio.Written,
    settings: Mapping[str, Any],
    now: datetime,
) -> str:
    """Add a new email after a step and return its name; it is published with the sequence."""
    with database.writing() as connection:
        plan = _plan(connection, key)
        name = _name(connection, plan, subject)
        _place(plan, after)
        step = {"email": name, **{k: v for k, v in settings.items() if v is not None}}
        _save(connection, plan, version, with_step(plan.toml, step, after), now)
        _save_email(connection, f"{key}/{name}", written, now)
    return name


def discard(database: Database, key: str) -> None:
    """Return to the published sequence, and drop emails that were only written for the draft."""
    with database.writing() as connection:
        plan = _plan(connection, key)
        _drop_emails(connection, plan, set(plan.unpublished))
        drafts.discard_draft(connection, _SEQUENCE, key)


def take_state(database: Database, key: str, number: int, now: datetime) -> None:
    """Put an earlier revision into the draft, replacing any other changes.

    This does not publish it. May raise `NoSuchRevisionError`.
    """
    old = studio.get_revision(database, _SEQUENCE, key, number)
    with database.writing() as connection:
        drafts.discard_draft(connection, _SEQUENCE, key)
        _save(connection, _plan(connection, key), 0, str(old.source["toml"]), now)


def foresee(database: Database, key: str) -> Foresight:
    """Return how publishing would affect active enrolments, or why it is refused."""
    plan = find_plan(database, key)
    if plan.is_overtaken:
        return Foresight(plan, Publication(), (_overtaken().message,))
    try:
        emails = _by_key(plan)
        return Foresight(plan, studio.foresee_plan(database, _SEQUENCE, key, plan.toml, emails))
    except CheckError as error:
        return Foresight(plan, Publication(), tuple(error.findings))


def publish(database: Database, key: str, version: int, now: datetime) -> Publication:
    """Put the changes into effect, for active enrolments too.

    May raise `CheckError` with every finding, `OvertakenError`, or `SavedElsewhereError` if the
    draft has changed since `version` was shown.
    """
    plan = find_plan(database, key)
    if plan.version != version or not plan.version:
        raise _saved_elsewhere()
    if plan.is_overtaken:
        raise _overtaken()
    return studio.publish_plan(database, _SEQUENCE, key, plan.toml, now, _by_key(plan))


def sequence_of(revision: Revision) -> Sequence:
    """Return a sequence as it was in that revision."""
    return parse_sequence(revision.key, str(revision.source["toml"]))


def _plan(connection: Connection, key: str) -> EditedSequence:
    present = find_newest(connection, _SEQUENCE, key)
    if present is None:
        raise UnknownSequenceError(f"There is no sequence “{key}”.", remedy="Look at the list.")
    draft = drafts.find_draft(connection, _SEQUENCE, key)
    toml = str(draft.source["toml"] if draft else present.source["toml"])
    sequence = parse_sequence(key, toml)
    emails = {r.key: r for r in newest_revisions(connection) if r.kind is _EMAIL}
    unpublished = _unpublished(connection, sequence, set(emails))
    return EditedSequence(
        key=key,
        toml=toml,
        sequence=sequence,
        present=sequence_of(present),
        version=draft.version if draft else 0,
        based_on=draft.based_on if draft else present.number,
        number=present.number,
        subjects=_subjects(key, emails, unpublished),
        unpublished=unpublished,
    )


def _subjects(
    key: str, emails: Mapping[str, Revision], unpublished: Mapping[str, studio.Written]
) -> dict[str, str]:
    own = {k.removeprefix(f"{key}/"): r for k, r in emails.items() if k.startswith(f"{key}/")}
    published = {name: str(r.compiled["subject"]) for name, r in own.items()}
    return published | {name: _subject(it.content, name) for name, it in unpublished.items()}


def _subject(content: str, name: str) -> str:
    found = re.search(r'^subject *= *"((?:[^"\\]|\\.)*)"', content, re.MULTILINE)
    return found[1].replace('\\"', '"') if found else name


def _unpublished(
    connection: Connection, sequence: Sequence, published: set[str]
) -> dict[str, studio.Written]:
    """Return the emails of steps that were written but never published."""
    found = {}
    for step in sequence.steps:
        full = f"{sequence.key}/{step.email}"
        draft = None if full in published else drafts.find_draft(connection, _EMAIL, full)
        if draft is not None:
            found[step.email] = studio.Written.of(draft.source)
    return found


def _change(
    database: Database,
    key: str,
    version: int,
    change: Callable[[EditedSequence], str],
    now: datetime,
) -> None:
    with database.writing() as connection:
        plan = _plan(connection, key)
        toml = change(plan)
        _save(connection, plan, version, toml, now)
        kept = {step.email for step in parse_sequence(key, toml).steps}
        _drop_emails(connection, plan, set(plan.unpublished) - kept)


def _save(
    connection: Connection, plan: EditedSequence, version: int, toml: str, now: datetime
) -> None:
    parse_sequence(plan.key, toml)
    saved = drafts.save_draft(
        connection,
        _SEQUENCE,
        plan.key,
        {"toml": toml},
        version=version,
        based_on=plan.number,
        now=now,
    )
    if saved is None:
        raise _saved_elsewhere()


def _save_email(connection: Connection, key: str, written: studio.Written, now: datetime) -> None:
    source = asdict(written)
    if drafts.save_draft(connection, _EMAIL, key, source, version=0, based_on=0, now=now) is None:
        raise _saved_elsewhere()


def _drop_emails(connection: Connection, plan: EditedSequence, names: set[str]) -> None:
    for name in names:
        drafts.discard_draft(connection, _EMAIL, f"{plan.key}/{name}")


def _by_key(plan: EditedSequence) -> dict[str, studio.Written]:
    return {f"{plan.key}/{name}": written for name, written in plan.unpublished.items()}


def _place(plan: EditedSequence, email: str) -> int:
    names = [step.email for step in plan.sequence.steps]
    if email not in names:
        raise NoSuchStepError(f"There is no step “{email}”.", remedy="Reload the page.")
    return names.index(email)


def find_step(plan: EditedSequence, email: str) -> Step:
    """Return a step of the plan; may raise `NoSuchStepError`."""
    return plan.sequence.steps[_place(plan, email)]


def _name(connection: Connection, plan: EditedSequence, subject: str) -> str:
    """Return a name for a new email that nothing in this sequence has ever had."""
    name = studio.name_from(subject.replace("'", "")) or "email"
    taken = {*plan.subjects, *(step.email for step in plan.sequence.steps)}
    taken |= {k.partition("/")[2] for k in drafts.drafted_keys(connection, _EMAIL)}
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _saved_elsewhere() -> SavedElsewhereError:
    return SavedElsewhereError(
        "This sequence was changed in another window.", remedy="Look at it as it is now."
    )


def _overtaken() -> OvertakenError:
    return OvertakenError(
        "Another state of this sequence was published since you began.",
        remedy="Drop your changes and make them again.",
    )


def picture_email(
    database: Database, catalogue: Catalogue, key: str, email: str, public_url: str
) -> str | None:
    """Return the HTML of an email, published or still a draft; None if there is none.

    Nothing is counted and no link in it works. Raise `CheckError` for a faulty draft.
    """
    with database.reading() as connection:
        published = catalogue.current(connection)
    full, sequence = f"{key}/{email}", published.sequences.get(key)
    if sequence is None:
        return None
    if full in published.emails:
        kinds = {step.email: step.kind for step in sequence.steps}
        kind = kinds.get(email, StepKind.ARTICLE)
        compiled = published.emails[full][1]
        return preview_email(compiled, sequence, kind, published.practice, public_url).html
    written = find_plan(database, key).unpublished.get(email)
    return email_editor.preview(database, full, written, public_url, "").html if written else None
