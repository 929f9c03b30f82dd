"""Thumbnails: a step's email as the reader sees it, small enough to recognise it by."""

from nurture.domain.sequences.sequence import StepKind
from nurture.rendering.preview import preview_email
from nurture.services.catalogue import Catalogue
from nurture.services.publishing import email_editor
from nurture.services.publishing.sequence_editor import find_plan
from nurture.store.database import Database


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
