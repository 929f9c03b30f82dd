"""How the pages speak about broadcasts: their state, their time, their audience and reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus, When
from nurture.domain.broadcasts.review import UNRECORDED
from nurture.domain.known_words import known_or_none
from nurture.domain.reasons import PURPOSES, Code, Reason, in_words
from nurture.domain.rights.basis import Basis, Strength
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts.sending import BroadcastState
from nurture.web.studio.core.formatting import count, say_day, say_long_day, say_until

#: What each stream is about, to the owner.
STREAMS = {
    Purpose.ARTICLES: ("New articles", "For people who agreed to hear about new articles."),
    Purpose.NEWS: ("News and offers", "For people who agreed to news and offers."),
}

#: The basis on which people get a broadcast, in words that follow a number of them.
BASES: Mapping[str, str] = {
    Strength.CONFIRMED: "agreed and confirmed their address",
    Strength.FORM: "agreed in a form",
    Strength.EVIDENCE: "came with a list that proves what they agreed to",
    Strength.STATED: "came with a list, and you said what they agreed to",
    UNRECORDED: "agreed, but it is not on record when and how",
    Basis.CLIENT: "are clients, who may hear about similar services",
}


class StateBadge(NamedTuple):
    """The state of a broadcast in a word or two, and how its badge looks."""

    text: str
    look: str


#: The state of a broadcast that waits for the time that was chosen.
SCHEDULED = StateBadge("Scheduled", "warn")


@dataclass(frozen=True, slots=True)
class OwnTitle:
    """Names for reasons about one broadcast, which is called by its title."""

    title: str

    def sequence(self, key: str) -> str:
        """Name the broadcast."""
        return f"“{self.title}”"

    def step(self, sequence: str, step: str) -> str:
        """Name its email."""
        return f"“{self.title}”"

    def email(self, sequence: str, step: str) -> str:
        """Name its email."""
        return f"“{self.title}”"


def badge_of(one: Broadcast, now: datetime) -> StateBadge:
    """Return the state of a broadcast in a word or two."""
    if one.status is BroadcastStatus.DRAFT:
        return StateBadge("Draft", "plain")
    if one.status is BroadcastStatus.STOPPED:
        return StateBadge("Stopped", "trouble")
    if one.status is BroadcastStatus.FINISHED:
        return StateBadge("Sent", "good")
    if one.can_be_undone(now):
        return StateBadge("Can be undone", "warn") if _leaves_soon(one) else SCHEDULED
    return StateBadge("Being sent", "warn")


def _leaves_soon(one: Broadcast) -> bool:
    """Return whether a broadcast leaves as soon as it can no longer be undone."""
    return one.timing.when is When.NOW or one.presses > 1


def say_time(one: Broadcast, zone: ZoneInfo) -> str:
    """Describe when a broadcast is sent, as a sentence without its full stop."""
    timing = one.timing
    if timing.when is When.AT and timing.at is not None:
        at = timing.at.astimezone(zone)
        return f"It leaves on {say_day(at.date())} at {at:%H:%M}"
    if timing.when is When.READERS and timing.on is not None and timing.hour is not None:
        day = say_long_day(timing.on)
        clock = f"at {timing.hour:%H:%M} on each reader’s own clock"
        return f"It leaves {clock}, on {day} or the next working day"
    if one.pressed_at is not None:
        pressed = one.pressed_at.astimezone(zone)
        last = "last " if one.presses > 1 else ""
        return f"You {last}pressed Send on {say_day(pressed.date())} at {pressed:%H:%M}"
    return "It leaves five minutes after you press Send"


def say_state(state: BroadcastState, now: datetime, zone: ZoneInfo) -> str:
    """Describe what is happening to a broadcast, in one or two sentences."""
    one = state.broadcast
    if one.status is BroadcastStatus.DRAFT:
        return "Nothing has been sent yet."
    if one.status is BroadcastStatus.STOPPED:
        return _say_stopped(state)
    if one.status is BroadcastStatus.FINISHED:
        return "It has been sent. Nobody else is waiting for it."
    if one.can_be_undone(now) and one.leaves_at is not None:
        when = say_until(one.leaves_at.astimezone(zone), now.astimezone(zone))
        if one.presses > 1:
            return f"The people who joined since get it from {when}. Until then you can undo that."
        said = f"Nothing leaves until {when}. If you undo it before then, nobody gets it."
        if _leaves_soon(one):
            return said
        return f"{said} Who is in the audience is decided at that moment."
    if one.is_freezing:
        return "We are working out who gets it."
    return "It is on its way. Emails leave within your hours, as fast as your mail account allows."


def _say_stopped(state: BroadcastState) -> str:
    said = f"You stopped it. {count(state.left, 'email')} had left"
    if state.on_connection:
        is_are = "is" if state.on_connection == 1 else "are"
        said += f", and {state.on_connection:,} more {is_are} with the mail server at this moment"
    if state.broadcast.is_freezing or state.broadcast.frozen_at is None:
        return f"{said}. The rest gets nothing until you press “Send the rest”."
    people = count(state.waiting, "person is", "people are")
    return f"{said}. {people} waiting until you press “Send the rest”."


def say_end(broadcast: Broadcast, code: str) -> str:
    """Say why people did not get a broadcast, in words that follow “because”."""
    found = known_or_none(EndReason, code) or known_or_none(Code, code)
    if found is None:
        return "it ended for another reason"
    reason = Reason(found, sequence=broadcast.sequence_key, purpose=broadcast.stream)
    return in_words(reason, OwnTitle(broadcast.title))


def say_why(broadcast: Broadcast, why: Reason) -> str:
    """Say why people would not get a broadcast, as a sentence."""
    said = in_words(why, OwnTitle(broadcast.title))
    return f"{said[:1].upper()}{said[1:]}."


def say_list(broadcast: Broadcast, code: str) -> str:
    """Say who is in a list of the review, as a sentence that begins with “They”."""
    if code in BASES:
        return f"They get it: they {BASES[code]}."
    if code == Code.NOT_COVERED:
        stream = PURPOSES[broadcast.stream]
        return f"They do not get it: they agreed to something else, which does not cover {stream}."
    return f"They do not get it, because {say_end(broadcast, code)}."


def say_audience(broadcast: Broadcast, titles: Mapping[str, str]) -> str:
    """Describe who a broadcast is for, as a phrase with its full stop; `titles` are of segments."""
    agreed = f"agreed to {PURPOSES[broadcast.stream]}"
    besides = _listed(broadcast.audience.besides, titles)
    except_ = f", except people in {besides}" if besides else ""
    if not broadcast.audience.to:
        return f"For everyone who {agreed}{except_}."
    return f"For people in {_listed(broadcast.audience.to, titles)} who {agreed}{except_}."


def _listed(names: Iterable[str], titles: Mapping[str, str]) -> str:
    quoted = [f"“{titles.get(one, one)}”" for one in names]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))
