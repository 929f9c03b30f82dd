"""Complaints about data protection: what is asked for, how long they may wait, what is kept.

Section 164A of the Data Protection Act 2018, in force since 19 June 2026: people can complain
electronically, receipt is acknowledged within 30 days, and they are told what came of it. The ICO
counts from the day after receipt and lets a weekend at the end pass; the count here begins with the
day itself, so that the last day shown is never too late.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from unicodedata import category
from zoneinfo import ZoneInfo

from nurture.domain.errors import NurtureError

#: Days in which to acknowledge a complaint; the day of receipt is the first of them.
ACKNOWLEDGED_WITHIN = 30

#: With this many days left or fewer, it is serious.
SERIOUS_FROM = 7

#: How long after closing a complaint still says whose it was: the ICO may ask about it meanwhile.
KEPT_FOR = timedelta(days=365)

#: How long it says which network it came from; only the rate limit looks at that.
NETWORK_KEPT_FOR = timedelta(days=1)

#: The most characters of each part of a complaint.
LONGEST_TEXT, LONGEST_NAME, LONGEST_ANSWER_TO = 5000, 200, 300

#: The most complaints accepted in an hour, from one network and altogether.
PER_NETWORK_HOUR, PER_HOUR = 10, 200

#: Control characters and halves of characters; PostgreSQL refuses some, and nobody typed any.
_UNSTORABLE = ("Cc", "Cs")


class AnswerBy(StrEnum):
    """How a person would like to be answered."""

    EMAIL = "email"
    PHONE = "phone"
    LETTER = "letter"


class UnclearComplaintError(NurtureError):
    """Something is missing from a complaint, or too long; `field` says what."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Wording:
    """What the form says, complete and tidy; `name` may be empty."""

    text: str
    name: str
    answer_by: AnswerBy
    answer_to: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day on which to acknowledge a complaint, and the days until then, today included."""

    last_day: date
    days_left: int

    @property
    def is_serious(self) -> bool:
        """Whether it is to be done within a week, or already late."""
        return self.days_left <= SERIOUS_FROM

    @property
    def is_missed(self) -> bool:
        """Whether the last day is over."""
        return self.days_left <= 0


def deadline(received_at: datetime, now: datetime, time_zone: str) -> Deadline:
    """Return until when a complaint is to be acknowledged, in the practice's calendar."""
    zone = ZoneInfo(time_zone)
    received_on, today = received_at.astimezone(zone).date(), now.astimezone(zone).date()
    last_day = received_on + timedelta(days=ACKNOWLEDGED_WITHIN - 1)
    return Deadline(last_day, (last_day - today).days + 1)


def read_wording(text: str, name: str, answer_by: str, answer_to: str) -> Wording:
    """Return what the form says, or raise `UnclearComplaintError`, naming the field.

    Only what is needed for an answer is insisted on: a complaint must not fail on a formality.
    """
    wording = Wording(
        tidied(text),
        " ".join(tidied(name).split())[:LONGEST_NAME],
        AnswerBy(answer_by) if answer_by in set(AnswerBy) else AnswerBy.EMAIL,
        tidied(answer_to),
    )
    if not wording.text:
        raise UnclearComplaintError("text", "Please tell us what it is about.")
    if len(wording.text) > LONGEST_TEXT:
        raise UnclearComplaintError(
            "text", f"Please use at most {LONGEST_TEXT:,} characters: it has {len(wording.text):,}."
        )
    if len(wording.answer_to) > LONGEST_ANSWER_TO:
        raise UnclearComplaintError(
            "answer_to", f"Please use at most {LONGEST_ANSWER_TO} characters here."
        )
    if wording.answer_by is not AnswerBy.EMAIL and not wording.answer_to:
        raise UnclearComplaintError(
            "answer_to", "Please add the phone number or the postal address."
        )
    return wording


def tidied(text: str) -> str:
    """Return a text with plain line ends and without characters that no database can store."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or category(c) not in _UNSTORABLE).strip()
