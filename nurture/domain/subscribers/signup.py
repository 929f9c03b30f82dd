"""Signups: what filling in a form grants and starts, decided from what is known so far."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.sequences.enrolment import Ending, Progress
from nurture.domain.sequences.sequence import Form, OptIn, Sequence
from nurture.domain.subscribers.awaited import split
from nurture.domain.subscribers.bookings import is_booked, is_for_guide_only
from nurture.domain.subscribers.consent import (
    OWN_BOXES,
    OWN_WORDINGS,
    ConsentChange,
    Consents,
    Purpose,
    Scope,
    granted_at_signup,
    is_among,
    scope_of,
)
from nurture.domain.subscribers.guide_requests import ask_again, begin, is_too_soon
from nurture.domain.subscribers.late_signups import SignupTime, is_overtaken, not_overtaken
from nurture.domain.subscribers.suppression import Suppression, may_ask_again

#: The words of a box that is to be confirmed and came without its own. The form's words would be
#: shown beside the box, and say nothing about it.
_SHOWN_TO_CONFIRM = {box: OWN_WORDINGS[box] for box in OWN_BOXES}


@dataclass(frozen=True, slots=True)
class Earlier:
    """An enrolment in the form's sequence that existed before the form was filled in."""

    ending: Ending
    progress: Progress
    guide_wanted_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about an address, and about the person behind it, when a form is filled in.

    `refused` is what they last refused, and `last_said` is when each consent was last granted or
    withdrawn. `let_go` says that they were let go after they asked, `agreed` is what they agree to,
    and `asked_as_other_at` when another spelling of the same mailbox last asked for this guide.
    """

    time_zone: str
    suppressions: Collection[Suppression] = ()
    let_go: bool = False
    confirmed: bool = False
    refused: frozenset[Scope] = frozenset()
    last_said: Mapping[Scope, datetime] = field(default_factory=dict)
    booked_until: datetime | None = None
    enrolment: Earlier | None = None
    agreed: Consents = field(default_factory=Consents)
    asked_as_other_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TickedBoxes:
    """The boxes ticked on a form, and whether the website has proved that it sent them.

    `wordings` are those of boxes that are not the form's own.
    """

    purposes: Collection[Purpose] = ()
    wordings: Mapping[Purpose, str] = field(default_factory=dict)
    vouched: bool = True


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The effect of a signup: the consents granted, and the enrolment's new progress.

    Consents that are `awaited` count once the person collects the guide. Without `progress` the
    enrolment stays as it is. With `guide_on_trial` its guide may go to an address that has bounced.
    """

    granted: tuple[ConsentChange, ...]
    confirms: bool
    progress: Progress | None
    guide_on_trial: bool = False
    awaited: tuple[ConsentChange, ...] = ()


def sign_up(
    sequence: Sequence, boxes: TickedBoxes, known: Known, time: SignupTime
) -> Subscribed | None:
    """Decide what a signup grants and starts; return `None` if it changes nothing.

    A suppressed address changes nothing, unless a bounce that is not recent is the only reason:
    then one guide may show whether the address is good again.
    """
    form = sequence.form
    if form is None or not _counts(known, time):
        return None
    progress = _progress(sequence, known, time)
    confirms = boxes.vouched and form.opt_in is OptIn.CONFIRMED
    shown = boxes.wordings if confirms else {**_SHOWN_TO_CONFIRM, **boxes.wordings}
    said = split(_said(form, boxes, shown, known, time), known.agreed, proved=confirms)
    return Subscribed(
        granted=said.granted,
        confirms=confirms,
        progress=progress,
        guide_on_trial=bool(known.suppressions) and progress is not None,
        awaited=said.awaited,
    )


def _counts(known: Known, time: SignupTime) -> bool:
    if known.let_go or not known.suppressions:
        return not known.let_go
    return not time.before_restore and may_ask_again(known.suppressions, time.asked_at)


def _said(
    form: Form,
    boxes: TickedBoxes,
    wordings: Mapping[Purpose, str],
    known: Known,
    time: SignupTime,
) -> list[ConsentChange]:
    """Return what the form says, and each ticked box that is believed.

    Anyone can tick a box for an address that is not theirs. So a person who has confirmed the
    address and has refused is asked again on the guide's page, where only they can answer.
    """
    refused = known.refused if known.confirmed else frozenset()
    believed = [one for one in boxes.purposes if not is_among(scope_of(one, form.key), refused)]
    granted = granted_at_signup(form.grants, believed, form.wording, form.key, wordings)
    return not_overtaken(granted, known.last_said, time.said_at) if time.said_at else granted


def _progress(sequence: Sequence, known: Known, time: SignupTime) -> Progress | None:
    """Begin the enrolment or, if they have asked before, continue it; never start it over.

    If the guide has just gone to another spelling of the mailbox, it does not go again.
    """
    as_other = known.asked_as_other_at
    if as_other and is_too_soon(as_other, time.asked_at):
        return None
    booked = is_for_guide_only(sequence) and is_booked(known.booked_until)
    before = known.enrolment
    if before is None:
        return begin(time.told_at, known.time_zone, booked=booked)
    too_soon = is_too_soon(before.guide_wanted_at, time.asked_at)
    if too_soon or is_overtaken(time, before.ending, before.ended_at):
        return None
    return ask_again(before.ending, before.progress, time.told_at, booked=booked)
