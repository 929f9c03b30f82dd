"""Starting a sequence with a list's people: who has a right to it, and when it begins."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import NurtureError
from nurture.domain.imports.changes import Acquaintance, ImportedChange
from nurture.domain.scheduling.planner import due_at, steps_ahead
from nurture.domain.sequences.enrolment import Progress
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.consent import Consents, Purpose, Scope, consents_of
from nurture.services.catalogue import Published


class NoStartError(NurtureError):
    """A list's people cannot begin that sequence."""


@dataclass(frozen=True, slots=True)
class SequenceStart:
    """The sequence that a list's people begin, the form whose series it is, and its first email."""

    sequence: Sequence
    form: str
    email: str
    first_at: datetime

    @property
    def scope(self) -> Scope:
        """What people must have agreed to."""
        return Scope(Purpose.SERIES, self.form)


def find_start(published: Published, key: str, now: datetime) -> SequenceStart | None:
    """Return what beginning a sequence means; raise `NoStartError` if it cannot be begun so."""
    if not key:
        return None
    sequence = published.sequences.get(key)
    if sequence is None or sequence.form is None:
        forms = [one.key for one in published.sequences.values() if one.form]
        raise NoStartError(
            f"“{key}” is no sequence that has a form.", remedy=f"Choose one of {', '.join(forms)}."
        )
    progress = Progress(
        now, now, collected_at=now, guide_wanted=False, time_zone=published.practice.time_zone
    )
    ahead = steps_ahead(sequence, progress)
    step = next((one for one in ahead if not one.kind.rules.reminds), None)
    if step is None:
        raise NoStartError(f"“{key}” has no email besides its guide.", remedy="Write one first.")
    at = due_at(step, progress, published.calendar)
    return SequenceStart(sequence, sequence.form.key, step.email, max(at, now))


def consents_after(known: Acquaintance, change: ImportedChange) -> Consents:
    """Return what a person agrees to once a change is made."""
    return (
        consents_of(known.consents.scopes | set(change.grants)) if change.grants else known.consents
    )


def may_start(known: Acquaintance, change: ImportedChange, start: SequenceStart) -> bool:
    """Return whether a person may begin the sequence, if they were never in it.

    They agreed to its series, no reason speaks against emailing them, and no form here is waiting
    for them to confirm the address.
    """
    refused = known.suppressed or change.suppresses
    waits = known.came_by_form and known.confirmed_at is None
    agreed = start.scope in consents_after(known, change)
    return agreed and not (refused or waits)
