"""How the studio describes a sequence: its timing, its conditions, and what changes."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from nurture.domain.reasons import PURPOSES
from nurture.domain.sequences.impact import Impact
from nurture.domain.sequences.sequence import (
    EVERY_DAY,
    WORKING_DAYS,
    Continuation,
    Late,
    Request,
    SendDays,
    Sequence,
    Step,
    StepKind,
    Wait,
    WhenReplied,
)
from nurture.web.studio.core.formatting import count

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: The effects of a change on people, by field of `Impact`: for one person, and for several.
EFFECTS = {
    "get_a_new_step": (
        "person will get an email they would not have got before",
        "people will get an email they would not have got before",
    ),
    "step_deleted": (
        "person was waiting for an email that is gone, and goes on to the one after it",
        "people were waiting for an email that is gone, and go on to the one after it",
    ),
    "timing_changed": (
        "person is waiting for an email whose time changes",
        "people are waiting for an email whose time changes",
    ),
    "condition_changed": (
        "person is waiting for an email that asks something else of them now",
        "people are waiting for an email that asks something else of them now",
    ),
    "later_changed": (
        "person will come to something different later on",
        "people will come to something different later on",
    ),
    "end_changed": (
        "person will go on elsewhere at the end",
        "people will go on elsewhere at the end",
    ),
    "unaffected": ("person will notice nothing", "people will notice nothing"),
}


def say_length(length: timedelta) -> str:
    """Format a duration in the largest unit that states it exactly."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return count(seconds // size, unit)
    return count(seconds, "second")


def say_wait(wait: Wait) -> str:
    """Format how long a step waits; empty if it does not."""
    return say_length(timedelta(days=wait.days) + wait.elapsed) if wait != Wait() else ""


def say_days(days: SendDays) -> str:
    """Format the days on which a step may be sent."""
    if days == EVERY_DAY:
        return "on any day"
    if days == WORKING_DAYS:
        return "on a working day"
    return "on a " + _listed([DAYS[one] for one in sorted(days.weekdays)], "or")


def say_timing(sequence: Sequence, step: Step) -> str:
    """Describe when a step is sent, as one phrase that begins with a capital."""
    if step.kind.rules.at_once:
        return step.kind.rules.at_once
    wait, after = say_wait(step.wait), _anchor(sequence, step)
    begun = f"{wait} after {after}" if wait else f"Straight after {after}"
    at = f"at {step.at:%H:%M}" if step.at else "within your hours"
    return ", ".join((begun, at, say_days(step.on)))


def say_conditions(step: Step, titles: Mapping[str, str]) -> list[str]:
    """Describe who gets a step, one sentence per condition; empty if everyone does."""
    said = []
    if step.kind.rules.reminds:
        said.append("Only to those who have not collected the guide.")
    if step.stream:
        said.append(f"Only to people who agreed to {PURPOSES[step.stream]}.")
    if step.only_if:
        said.append(f"Only to people in “{titles.get(step.only_if, step.only_if)}”.")
    if step.skip_if:
        said.append(f"Not to people in “{titles.get(step.skip_if, step.skip_if)}”.")
    if step.late is Late.SKIP:
        said.append(f"Left out if it is held up for more than {say_length(step.max_late)}.")
    return said


def say_entry(sequence: Sequence) -> str:
    """Describe how people enter the sequence."""
    if sequence.form:
        return f"Somebody fills in the form “{sequence.form.key}” on your website."
    if sequence.quiet:
        length = say_length(sequence.quiet.after)
        return f"Somebody who lets you see what they open has given no sign of life for {length}."
    if sequence.answers is Request.DATA:
        return "Somebody asks for a copy of their data."
    if sequence.answers is Request.ERASURE:
        return "Somebody asks to be erased."
    return "Somebody comes over from another sequence."


def say_goal(sequence: Sequence) -> str:
    """Describe what ends it early."""
    if sequence.goal == "booked":
        return "Booking a Discovery Session. Whoever books gets nothing more from this sequence."
    return "Nothing ends this one early."


#: What becomes of the sequence if somebody replies.
_REPLIED = {
    WhenReplied.GO_ON: "Whoever replies to an email goes on.",
    WhenReplied.PAUSE: "Whoever replies to an email gets no more until you let them go on.",
    WhenReplied.STOP: "Whoever replies to an email gets nothing more from this sequence.",
}


#: The choices of it, in the order of the menu.
REPLIED_CHOICES = {
    WhenReplied.GO_ON: "They go on",
    WhenReplied.PAUSE: "Their emails wait until you let them go on",
    WhenReplied.STOP: "This sequence ends for them",
}


def say_replied(sequence: Sequence) -> str:
    """Describe what a reply does."""
    return _REPLIED[sequence.replied]


def say_ending(
    ending: Continuation, sequences: Mapping[str, str], segments: Mapping[str, str]
) -> str:
    """Describe where people who have reached the end continue."""
    where = f"“{sequences.get(ending.sequence, ending.sequence)}”"
    if not ending.only_if:
        return f"Then everybody goes on with {where}."
    return f"Then people in “{segments.get(ending.only_if, ending.only_if)}” go on with {where}."


def say_impact(impact: Impact) -> list[tuple[int, str]]:
    """Return, for each effect on current enrolments, the number of people and the words for it."""
    numbers = {name: getattr(impact, name) for name in EFFECTS}
    return [(number, EFFECTS[name][number > 1]) for name, number in numbers.items() if number]


def say_changes(
    old: Sequence, new: Sequence, subjects: Mapping[str, str], titles: Mapping[str, str]
) -> list[str]:
    """Describe what differs in the newer of two revisions, one sentence each."""
    before, after = ({step.email: step for step in one.steps} for one in (old, new))
    said = [f"{_named(key, subjects)} is taken out." for key in before if key not in after]
    said += [
        f"{_named(key, subjects)} is new: {_lowered(say_timing(new, step))}."
        for key, step in after.items()
        if key not in before
    ]
    kept = [key for key in after if key in before]
    moved = _moved([key for key in before if key in after], kept)
    said += [f"{_named(key, subjects)} has another place." for key in moved]
    for key in kept:
        said += _step_changes(old, new, key, subjects, titles)
    if old.replied != new.replied:
        said.append(f"{say_replied(new)} {_replied_before(old)}")
    if old.then != new.then:
        said.append("People go on differently at the end.")
    if (old.title, old.form, old.quiet, old.goal) != (new.title, new.form, new.quiet, new.goal):
        said.append("How people come in, the goal or the title is different.")
    return said


def _replied_before(old: Sequence) -> str:
    return f"Before, it was: {_lowered(say_replied(old))}"


def _step_changes(
    old: Sequence,
    new: Sequence,
    key: str,
    subjects: Mapping[str, str],
    titles: Mapping[str, str],
) -> Iterator[str]:
    before, after = old.step(key), new.step(key)
    times = _lowered(say_timing(old, before)), _lowered(say_timing(new, after))
    if times[0] != times[1] and (before.wait, before.at, before.on) != (
        after.wait,
        after.at,
        after.on,
    ):
        yield f"{_named(key, subjects)} goes out {times[1]}; it was {times[0]}."
    asked = " ".join(say_conditions(before, titles)), " ".join(say_conditions(after, titles))
    if asked[0] != asked[1]:
        yield f"{_named(key, subjects)}: {asked[1] or 'It goes to everybody.'}"


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Return which were moved: without these, the rest are in the same order."""
    moved: list[str] = []
    while before != after:
        first = next(n for n, key in enumerate(after) if key != before[n])
        back, forth = after[first], before[first]
        key = back if before.index(back) - first >= after.index(forth) - first else forth
        moved.append(key)
        before, after = _without(before, key), _without(after, key)
    return moved


def _without(keys: list[str], key: str) -> list[str]:
    return [one for one in keys if one != key]


def _anchor(sequence: Sequence, step: Step) -> str:
    """Describe the event from which a step's wait counts."""
    place = sequence.steps.index(step)
    before = [one for one in sequence.steps[:place] if not one.kind.rules.reminds]
    if step.kind.rules.reminds:
        return "the guide was sent"
    if sequence.has_guide and all(one.kind is StepKind.GUIDE for one in before):
        return "the guide is collected"
    return "the email before" if before else "they come in"


def _named(key: str, subjects: Mapping[str, str]) -> str:
    return f"“{subjects.get(key, key)}”"


def _lowered(said: str) -> str:
    return said[:1].lower() + said[1:]


def _listed(words: list[str], last: str) -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
