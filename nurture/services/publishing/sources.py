"""Sources: reading back what is published as the sources it was made from."""

from collections.abc import Iterable, Mapping
from typing import Any

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.library.folder import Library, SequenceSource, parse_source
from nurture.library.practice import parse_practice
from nurture.library.reading import read_as
from nurture.library.segments import parse_segments
from nurture.library.sequences import parse_sequence
from nurture.library.writing import written_email
from nurture.services.catalogue import NothingPublishedError
from nurture.store.database import Connection
from nurture.store.tables.revisions import Revision, RevisionKind, newest_revisions


def published_library(connection: Connection) -> Library:
    """Return everything currently published; may raise `NothingPublishedError`.

    A step whose email was never published has no source in it.
    """
    newest = newest_revisions(connection)
    plans = {(r.kind, r.key): r.source["toml"] for r in newest if r.kind is not RevisionKind.EMAIL}
    practice = plans.get((RevisionKind.PRACTICE, "practice"))
    if practice is None:
        raise NothingPublishedError(
            "Nothing has been published yet.", remedy="Run “nurture publish”."
        )
    segments = plans.get((RevisionKind.SEGMENTS, "segments"), "")
    emails = published_emails(newest)
    sequences = [r for r in newest if r.kind is RevisionKind.SEQUENCE]
    return Library(
        practice=parse_practice(practice),
        practice_toml=practice,
        sequences=tuple(sequence_source(r.key, r.source["toml"], emails) for r in sequences),
        segments=parse_segments(segments),
        segments_toml=segments,
    )


def published_emails(newest: Iterable[Revision]) -> dict[str, EmailSource]:
    """Return every email among the newest revisions, including those no step sends any more."""
    emails = [revision for revision in newest if revision.kind is RevisionKind.EMAIL]
    return {one.key: email_source(one.key, one.source) for one in emails}


def sequence_source(key: str, toml: str, emails: Mapping[str, EmailSource]) -> SequenceSource:
    """Return a sequence from its TOML, with those of its emails that exist."""
    sequence = parse_sequence(key, toml, f"{key}/sequence.toml")
    keys = {step.email: f"{key}/{step.email}" for step in sequence.steps}
    own = {name: emails[full] for name, full in keys.items() if full in emails}
    return SequenceSource(sequence, toml, own)


def email_source(key: str, stored: Mapping[str, Any]) -> EmailSource:
    """Return an email's source as stored with a revision.

    The first version of the program stored the front matter as values; the file is then rebuilt
    from them.
    """
    content = stored.get("content") or written_email(stored["front"], stored["mjml"])
    written = read_as(EmailFormat, stored.get("format", EmailFormat.MJML), key)
    return parse_source(key, written, content, stored["text"], stored["layout"])


def emails_without_a_source(sources: Iterable[SequenceSource]) -> list[str]:
    """Return findings for the steps whose email does not exist."""
    return [
        f"{source.sequence.key}: there is no email “{step.email}”. Write it first."
        for source in sources
        for step in source.sequence.steps
        if step.email not in source.emails
    ]
