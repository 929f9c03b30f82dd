"""Wordings: a form's words and what they cover belong together for good.

The words are the proof of what people agreed to. So a form may cover something else only with other
words, and people who agreed to the earlier words keep what those covered.
"""

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Form
from nurture.domain.subscribers.consent import wording_hash
from nurture.library.reading import LibraryError
from nurture.library.sequences import parse_sequence
from nurture.store.database import Connection
from nurture.store.tables.revisions import Revision, RevisionKind, history_of


class SameWordsError(NurtureError):
    """A form would cover something else with the words that it had before."""


def refuse_same_words(connection: Connection, sequence: str, toml: str) -> None:
    """Raise `SameWordsError` if earlier words of this sequence's form would cover something else.

    All published revisions count, however long ago they were.
    """
    form = parse_sequence(sequence, toml).form
    if form is None:
        return
    for revision in history_of(connection, RevisionKind.SEQUENCE, sequence):
        earlier = _form_in(revision)
        if earlier and _same_words(earlier, form) and set(earlier.grants) != set(form.grants):
            raise SameWordsError(
                f"The form “{form.key}” covers {_named(form)}, but with the same words it covered "
                f"{_named(earlier)} before. The words prove what people agreed to.",
                remedy="Change “wording” too, here and on the website, or leave “grants” as it "
                "was. People who agreed to the earlier words keep what those covered.",
            )


def _form_in(revision: Revision) -> Form | None:
    try:
        return parse_sequence(revision.key, str(revision.source["toml"])).form
    except LibraryError:
        return None  # It was written by a newer program, or before a rule that it breaks.


def _same_words(one: Form, other: Form) -> bool:
    same = wording_hash(one.wording) == wording_hash(other.wording)
    return same and one.key == other.key


def _named(form: Form) -> str:
    return ", ".join(f"“{purpose}”" for purpose in form.grants) or "nothing"
