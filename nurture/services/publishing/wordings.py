"""Wordings: a form's words and what they cover belong together for good.

The words are the proof of what people agreed to. So a form may cover something else only with other
words, and people who agreed to the earlier words keep what those covered. The form's key says whose
series it was, so it stays as long as anyone agrees to that.
"""

from collections.abc import Iterable, Iterator

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Form
from nurture.domain.subscribers.consent import Purpose, Scope, wording_hash
from nurture.library.reading import LibraryError
from nurture.library.sequences import parse_sequence
from nurture.store.database import Connection
from nurture.store.tables.revisions import Revision, RevisionKind, states_of
from nurture.store.tables.subscribers import has_agreed


class SameWordsError(NurtureError):
    """A form would cover something else with the words that it had before."""


class RenamedFormError(NurtureError):
    """A form would get another key, and the people who agreed to its series would lose that."""


def refuse_lost_proof(connection: Connection, sequence: str, toml: str) -> None:
    """Raise `SameWordsError` or `RenamedFormError` if a plan contradicts what people agreed to.

    All published revisions count, however long ago they were: those of this sequence, and those of
    any other that had the same form.
    """
    form = parse_sequence(sequence, toml).form
    if form is None:
        return
    states = states_of(connection, RevisionKind.SEQUENCE)
    own = list(_forms_in(state for state in states if state.key == sequence))
    others = _forms_in(state for state in states if state.key != sequence)
    _refuse_same_words(form, [*own, *(other for other in others if other.key == form.key)])
    if own and own[0].key != form.key:
        _refuse_other_key(connection, own[0], form)


def _refuse_same_words(form: Form, before: Iterable[Form]) -> None:
    for earlier in before:
        if _same_words(earlier, form) and set(earlier.grants) != set(form.grants):
            raise SameWordsError(
                f"The form “{form.key}” covers {_named(form)}, but with the same words it covered "
                f"{_named(earlier)} before. The words prove what people agreed to.",
                remedy="Change “wording” too, here and on the website, or leave “grants” as it "
                "was. People who agreed to the earlier words keep what those covered.",
            )


def _refuse_other_key(connection: Connection, before: Form, form: Form) -> None:
    if has_agreed(connection, Scope(Purpose.SERIES, before.key)):
        raise RenamedFormError(
            f"The form “{before.key}” would be called “{form.key}”, and the people who agreed to "
            "its series would get no more emails.",
            remedy=f"Leave “key” as “{before.key}”; nobody but the website sees it. For another "
            "form, begin another sequence.",
        )


def _forms_in(states: Iterable[Revision]) -> Iterator[Form]:
    """Yield the forms of these states, skipping those of a newer program or older rules."""
    for state in states:
        try:
            form = parse_sequence(state.key, str(state.source["toml"])).form
        except LibraryError:
            continue
        if form:
            yield form


def _same_words(one: Form, other: Form) -> bool:
    return wording_hash(one.wording) == wording_hash(other.wording)


def _named(form: Form) -> str:
    return ", ".join(f"“{purpose}”" for purpose in form.grants) or "nothing"
