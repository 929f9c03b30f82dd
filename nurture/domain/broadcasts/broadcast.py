"""Broadcasts as values: what is sent, who gets it, when, and what state it is in.

In the ledger a broadcast is a sequence of one step without a form. So the planner, the gate, the
windows, the caps and the doubts that serve sequences serve broadcasts unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.known_words import known
from nurture.domain.scheduling.window import Holidays, SendWindow, next_opening, window_of
from nurture.domain.sequences.sequence import (
    EVERY_DAY,
    WORKING_DAYS,
    Late,
    Sequence,
    Step,
    StepKind,
    kind_of_single,
)
from nurture.domain.subscribers.consent import Purpose

#: How long nothing leaves after “Send”, so that it can be undone.
UNDO_WITHIN = timedelta(minutes=5)

#: What a broadcast is called in the ledger begins with this. No folder can have such a name, so no
#: sequence does.
PREFIX = "broadcast:"

#: The name of the only email of a broadcast.
EMAIL = "email"

#: The streams that a broadcast can be of.
BROADCAST_STREAMS = (Purpose.ARTICLES, Purpose.NEWS)


class BroadcastStatus(StrEnum):
    """The state of a broadcast; one that waits for its time is being sent."""

    DRAFT = "draft"
    SENDING = "sending"
    STOPPED = "stopped"
    FINISHED = "finished"


class When(StrEnum):
    """The choice of when a broadcast is sent."""

    NOW = "now"
    AT = "at"
    #: At an hour on each reader's own clock, on a working day.
    READERS = "readers"


@dataclass(frozen=True, slots=True)
class SendTime:
    """When a broadcast leaves, always inside the practice's sending hours.

    `at` belongs to `When.AT`; `on` and `hour` to `When.READERS`.
    """

    when: When = When.NOW
    at: datetime | None = None
    on: date | None = None
    hour: time | None = None

    def as_json(self) -> dict[str, str]:
        """Return it as plain values, which `send_time_from` reads back."""
        given = {
            "at": self.at.isoformat() if self.at else "",
            "on": self.on.isoformat() if self.on else "",
            "hour": f"{self.hour:%H:%M}" if self.hour else "",
        }
        return {"when": self.when.value} | {name: said for name, said in given.items() if said}


NOW = SendTime()


def send_time_from(values: Mapping[str, str]) -> SendTime:
    """Read what `SendTime.as_json` returned.

    A choice that only a newer version knows is left to that version, which also says from when on
    the broadcast may leave.
    """
    return SendTime(
        known(When, values["when"], When.NOW),
        datetime.fromisoformat(values["at"]) if "at" in values else None,
        date.fromisoformat(values["on"]) if "on" in values else None,
        time.fromisoformat(values["hour"]) if "hour" in values else None,
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """The people in any of the segments `to` (empty: everyone) and in none of `besides`."""

    to: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    @property
    def segments(self) -> frozenset[str]:
        """Every segment that decides who is in the audience."""
        return frozenset((*self.to, *self.besides))


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One email to segments, and how far it has got.

    `late_after` is how late it may reach a person before it is dropped for them (`None`: never).
    `leaves_at` is the moment before which nothing leaves, and `freezes_at` the moment at which the
    audience is decided. `presses` counts how often people were added by a press of “Send”.
    `stopped_for` is how long it had been stopped in all. `counts` says of everyone, by the code of
    the reason, how many were not in the audience when it was frozen.
    """

    id: int
    key: str
    title: str
    stream: Purpose
    invites: bool = False
    audience: Audience = field(default_factory=Audience)
    timing: SendTime = NOW
    late_after: timedelta | None = None
    liveliest_first: bool = False
    status: BroadcastStatus = BroadcastStatus.DRAFT
    version: int = 1
    presses: int = 0
    stopped_for: timedelta = timedelta(0)
    counts: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    pressed_at: datetime | None = None
    leaves_at: datetime | None = None
    freezes_at: datetime | None = None
    frozen_at: datetime | None = None
    stopped_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def sequence_key(self) -> str:
        """What it is called in the ledger."""
        return PREFIX + self.key

    @property
    def email_key(self) -> str:
        """The key of its email among revisions and drafts."""
        return f"{self.sequence_key}/{EMAIL}"

    @property
    def kind(self) -> StepKind:
        """What kind of email it is."""
        return kind_of_single(invites=self.invites)

    @property
    def step(self) -> Step:
        """Its only step."""
        by_clock = self.timing.when is When.READERS
        return Step(
            EMAIL,
            self.kind,
            at=self.timing.hour if by_clock else None,
            on=WORKING_DAYS if by_clock else EVERY_DAY,
            late=Late.SEND if self.late_after is None else Late.SKIP,
            max_late=(self.late_after or timedelta(0)) + self.stopped_for,
            stream=self.stream,
            excuses=False,
        )

    def as_sequence(self) -> Sequence:
        """Return it as the planner knows it."""
        return Sequence(
            self.sequence_key, self.title, (self.step,), goal="", broadcast=self.id or None
        )

    @property
    def is_freezing(self) -> bool:
        """Whether its audience is still to be decided, or is being decided."""
        return self.status is BroadcastStatus.SENDING and self.frozen_at is None

    def can_be_undone(self, now: datetime) -> bool:
        """Return whether “Undo” still means that nobody gets it by the last press of “Send”."""
        if self.status is not BroadcastStatus.SENDING or self.leaves_at is None:
            return False
        return now < self.leaves_at


def key_of(sequence: str) -> str | None:
    """Return the key of the broadcast that the ledger calls so; `None` if it is a sequence."""
    return sequence.removeprefix(PREFIX) if sequence.startswith(PREFIX) else None


def first_due(
    broadcast: Broadcast, pressed_at: datetime, time_zone: str, usual: SendWindow, off: Holidays
) -> datetime:
    """Return the moment from which the reader in that zone is due it.

    On readers' own clocks it is the hour that was chosen, on that day or the next working day that
    has not begun it; otherwise it is the same moment for everyone.
    """
    timing, earliest = broadcast.timing, pressed_at + UNDO_WITHIN
    if timing.when is When.NOW:
        return earliest
    if timing.when is When.AT:
        assert timing.at is not None
        return max(timing.at, earliest)
    assert timing.on is not None
    midnight = datetime.combine(timing.on, time.min, tzinfo=ZoneInfo(time_zone))
    return next_opening(max(midnight, earliest), window_of(broadcast.step, usual), time_zone, off)


def pressed(broadcast: Broadcast, now: datetime, leaves_at: datetime) -> Broadcast:
    """Return the broadcast after a press of “Send”, which leaves no earlier than that.

    The audience of *now* is decided at once, and any other at the first moment anyone is due it.
    """
    return replace(
        broadcast,
        status=BroadcastStatus.SENDING,
        presses=broadcast.presses + 1,
        pressed_at=now,
        leaves_at=leaves_at,
        freezes_at=now if broadcast.timing.when is When.NOW else leaves_at,
        frozen_at=None,
        stopped_at=None,
        finished_at=None,
    )


def undone(broadcast: Broadcast) -> Broadcast:
    """Return the broadcast after the undoing of its only press: a draft, as before."""
    return replace(
        broadcast,
        status=BroadcastStatus.DRAFT,
        presses=0,
        pressed_at=None,
        leaves_at=None,
        freezes_at=None,
        frozen_at=None,
        stopped_for=timedelta(0),
        counts={},
    )


def stopped(broadcast: Broadcast, now: datetime) -> Broadcast:
    """Return the broadcast after “Stop”."""
    return replace(broadcast, status=BroadcastStatus.STOPPED, stopped_at=now)


def resumed(broadcast: Broadcast, now: datetime) -> Broadcast:
    """Return the broadcast after “Send the rest”; the time it was stopped makes nothing late."""
    away = now - (broadcast.stopped_at or now)
    return replace(
        broadcast,
        status=BroadcastStatus.SENDING,
        stopped_at=None,
        stopped_for=broadcast.stopped_for + max(away, timedelta(0)),
    )
