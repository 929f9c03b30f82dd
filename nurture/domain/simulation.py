"""Playing a sequence forward on a virtual clock, with the very code that runs it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.consent import Consents, Purpose
from nurture.domain.deciding import End, Look, Offer, decide, progress_after
from nurture.domain.enrolment import Progress
from nurture.domain.planning import Calendar
from nurture.domain.sending_gate import Standing
from nurture.domain.sequence import ANSWERS, Sequence

_WILLING = Consents(frozenset(Purpose))


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happens at a moment: an email that is sent, or the end."""

    at: datetime
    email: str
    what: str
    time_zone: str

    def __str__(self) -> str:
        local = self.at.astimezone(ZoneInfo(self.time_zone))
        return f"{local:%a %d %b %Y %H:%M}  {self.what:<10} {self.email}"


def simulate(
    sequence: Sequence,
    start: datetime,
    calendar: Calendar,
    *,
    time_zone: str = "Europe/London",
    collects: bool = True,
) -> Iterator[Entry]:
    """What somebody receives and when who signs up at `start` and collects at once, or never."""
    progress, now = Progress(enrolled_at=start, anchor_at=start, time_zone=time_zone), start
    mailed: list[datetime] = []
    while True:
        standing = Standing(_WILLING, mailed_at=tuple(mailed))
        decision = decide(sequence, progress, standing, now, calendar)
        match decision:
            case Offer(step=step):
                yield Entry(now, step.email, step.kind, time_zone)
                progress = progress_after(decision, now)
                if step.kind not in ANSWERS:
                    mailed.append(now)
                elif collects:
                    progress = replace(progress, collected_at=now)
            case Look(at=at, progress=reached):
                now, progress = at, reached
            case End(reason=reason):
                yield Entry(now, "", reason, time_zone)
                return
