"""What happens to a message or a subscriber, in our own words.

Each provider has its own vocabulary. It is translated once, when the payload arrives; from here on
there is only this one. What could not be translated is stored anyway, with no kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class EventKind(StrEnum):
    """What can happen after an email has been handed over."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    DOWNLOADED = "downloaded"
    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    STAYED = "stayed"
    # A person has answered an email; what they wrote is in the owner's mailbox only.
    REPLIED = "replied"
    # They did something on a page of their own: their preferences, their data, an opt-out undone.
    USED_PAGE = "used_page"
    # What the owner does for someone who asked for it.
    PAUSED = "paused"
    RESUMED = "resumed"
    REMOVED = "removed"
    # An address that had bounced is emailed again.
    LIFTED = "lifted"
    PUT_BACK = "put_back"


class PageDeed(StrEnum):
    """What a person can do on a page of their own that nothing else is a trace of."""

    PREFERENCES = "preferences"
    REQUEST = "request"
    DATA = "data"
    UNDO = "undo"


@dataclass(frozen=True)
class MailEvent:
    """One thing that a mail provider reported about one email.

    `kind` is None for what is stored but not understood. `event_id` is the same each time the
    provider reports the same thing, and unique together with `provider`. `message_id` is the
    Message-ID (RFC 5322 section 3.6.4) as we set it, without its angle brackets. `permanent` says
    of a bounce that the address itself is no good. `occurred_at` is None if the provider gave no
    readable time: the time of arrival is then as good as any. `raw` is the event as it arrived or,
    if it is to be stored, the part that is needed. `confirm_url` is an address to call, once, to
    tell the provider that its calls are wanted here.
    """

    kind: EventKind | None
    provider: str
    event_id: str
    occurred_at: datetime | None
    recipient: str | None
    message_id: str | None
    permanent: bool
    reason: str
    raw: Mapping[str, object]
    confirm_url: str = ""


@dataclass(frozen=True)
class BookingEvent:
    """One thing that a calendar reported about one appointment.

    `booked` says that the person has an appointment now: a first one or, with `rescheduled`, the
    new half of a move. `cancelled` says that they have given theirs up for good. A moved
    appointment is `rescheduled` and never `cancelled`. All three are false for what is stored but
    not understood. `occurred_at` is None if the sender did not say: the time of arrival is then as
    good as any. `raw` is the event as it arrived or, if it is to be stored, the part that is
    needed, including `starts_at`.
    """

    provider: str
    event_id: str
    occurred_at: datetime | None
    email: str | None
    booked: bool
    cancelled: bool
    rescheduled: bool
    starts_at: datetime | None
    raw: Mapping[str, object]


#: No report can be about a time before this program existed, or this long ago.
_LONGEST_AGO = timedelta(days=10 * 365)


#: A calendar's clock that is set wrong, or to another time zone, is ahead by less than this. The
#: order of its bookings and cancellations still follows it.
CLOCKS_DIFFER_BY = timedelta(days=1)


def when_it_came(
    occurred_at: datetime | None, now: datetime, ahead: timedelta = timedelta(0)
) -> datetime:
    """Return when something happened: as reported, or now if no possible time was reported.

    Clocks that are wrong report future times, which are accepted up to `ahead`, and programs that
    do not know the time report the year 1.
    """
    if occurred_at is None:
        return now
    is_plausible = -ahead <= now - occurred_at < _LONGEST_AGO
    return occurred_at if is_plausible else now
