"""Reasons as values, and the one table of words for them.

A reason is a code with the things it names. It is stored in that form and put into words for each
reader, because a sentence cannot be taken apart again: the command line names sequences and steps
by their keys, and the studio's pages by their titles and subjects.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from nurture.domain.known_words import known_or_none
from nurture.domain.messages.status import KEPT
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus
from nurture.domain.subscribers.consent import MARKETING, STUDIO, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason


class Code(StrEnum):
    """The reasons other than those for which an enrolment ends; stored, so never rename one."""

    # Why a message was cancelled before it was offered.
    ENROLMENT_ENDED = "enrolment_ended"
    EVERYTHING_ENDED = "everything_ended"
    STEP_SKIPPED = "step_skipped"
    STEP_DELETED = "step_deleted"
    SEQUENCE_WAS_PAUSED = "sequence_was_paused"
    THEY_ARE_PAUSED = "they_are_paused"
    PREFERENCES_CHANGED = "preferences_changed"
    GUIDE_COLLECTED = "guide_collected"
    GUIDE_ASKED_AGAIN = "guide_asked_again"
    ASKED_AGAIN = "asked_again"
    WERE_TAKEN_OUT = "were_taken_out"
    THEY_REPLIED = "they_replied"
    ADDRESS_SUPPRESSED = "address_suppressed"
    THEY_HAVE_BOOKED = "they_have_booked"
    GOAL_REACHED = "goal_reached_now"
    THEY_ARE_THERE = "they_are_there"
    SENT_BY_LOST_MACHINE = "sent_by_lost_machine"
    DROPPED_AFTER_RESTORE = "dropped_after_restore"
    NOT_SENT_IN_TIME = "not_sent_in_time"
    ABOUT_ACCOUNT_LONG_AGO = "about_account_long_ago"
    # Why a message waits for another offer, is in doubt, or counts as sent or refused.
    ABOUT_ACCOUNT = "about_account"
    SERVER_REFUSED_EVERYBODY = "server_refused_everybody"
    OWNER_SAYS_SENT = "owner_says_sent"
    OWNER_SAYS_NOT_SENT = "owner_says_not_sent"
    BATCH_TOOK_TOO_LONG = "batch_took_too_long"
    SERVER_TAKES_NONE = "server_takes_none"
    WORKER_STOPPED_BEFORE = "worker_stopped_before"
    WORKER_STOPPED_DURING = "worker_stopped_during"
    WORKER_STOPPED_AFTER_REFUSAL = "worker_stopped_after_refusal"
    IN_HAND_AT_BACKUP = "in_hand_at_backup"
    OFFERED_AT_BACKUP = "offered_at_backup"
    WRITTEN_TO_OUTBOX = "written_to_outbox"
    # Why a step waits, is skipped or cannot be sent.
    NOT_COLLECTED_YET = "not_collected_yet"
    TIME_NOT_COME = "time_not_come"
    ANSWER_AWAITED = "answer_awaited"
    NOT_IN_SEGMENT = "not_in_segment"
    IN_SEGMENT = "in_segment"
    OVERDUE = "overdue"
    OUTSIDE_HOURS = "outside_hours"
    PAUSED_BY_PERSON = "paused_by_person"
    PAUSED_BY_OWNER = "paused_by_owner"
    PAUSED_BY_REPLY = "paused_by_reply"
    EMAILED_RECENTLY = "emailed_recently"
    WANT_FEWER = "want_fewer"
    NO_CONSENT_FOR = "no_consent_for"
    NOT_COVERED = "not_covered"
    NOT_CONFIRMED = "not_confirmed"
    AGREED_TO_NOTHING_KNOWN = "agreed_to_nothing_known"
    ARE_A_CLIENT = "are_a_client"
    SEQUENCE_PAUSED = "sequence_paused"
    NOT_PUBLISHED = "not_published"
    # The mail account's own limits, and what it has said.
    ACCOUNT_AT_LIMIT = "account_at_limit"
    MINUTE_USED_UP = "minute_used_up"
    HOUR_USED_UP = "hour_used_up"
    DAY_USED_UP = "day_used_up"
    ACCOUNT_HELD = "account_held"
    # Why an enrolment is at its end, in the planner's words, and what follows it.
    ONLY_GUIDE_LEFT = "only_guide_left"
    GUIDE_NOT_COLLECTED = "guide_not_collected"
    AT_ITS_END = "at_its_end"
    AFTER_SEQUENCE = "after_sequence"
    # What can be said about enrolments that ended before reasons were stored.
    REACHED_ITS_GOAL = "reached_its_goal"
    ENDED_AS_THEY_LEFT = "ended_as_they_left"
    ENDED_FOR_THE_ADDRESS = "ended_for_the_address"
    TAKEN_OUT_OR_UNCOLLECTED = "taken_out_or_uncollected"
    NOTHING_MORE = "nothing_more"
    # Why someone cannot be put back into a sequence.
    UNDER_WAY = "under_way"
    NO_LONGER_PUBLISHED = "no_longer_published"
    HAVE_SESSION = "have_session"
    # What holds up or ends everything that would otherwise come.
    NOTHING_LEFT = "nothing_left"
    NOT_AGREED_TO_THESE = "not_agreed_to_these"
    IN_NO_SEQUENCE = "in_no_sequence"
    GUIDE_AWAITED = "guide_awaited"
    SEQUENCE_IS_PAUSED = "sequence_is_paused"
    SEQUENCE_IS_NOT_PUBLISHED = "sequence_is_not_published"
    # What keeps a broadcast from somebody, for now or for good.
    BROADCAST_WAS_STOPPED = "broadcast_was_stopped"
    SERIES_GOES_FIRST = "series_goes_first"
    NOT_IN_AUDIENCE = "not_in_audience"


class Reason(NamedTuple):
    """Why something is as it is, and what the reason names: a sequence, a step, a segment …

    `limit` is a number of emails, and `wording` the words that people agreed to.
    """

    code: Code | EndReason
    sequence: str = ""
    step: str = ""
    segment: str = ""
    purpose: str = ""
    limit: str = ""
    wording: str = ""

    @property
    def about(self) -> dict[str, str]:
        """The things that the reason names, if any; `as_stored` reads them back."""
        named = zip(self._fields[1:], self[1:], strict=True)
        return {name: str(value) for name, value in named if value}


#: Why an email waits for the mail account, which makes it no later.
OF_THE_ACCOUNT = frozenset(
    {
        Code.ACCOUNT_AT_LIMIT,
        Code.MINUTE_USED_UP,
        Code.HOUR_USED_UP,
        Code.DAY_USED_UP,
        Code.ACCOUNT_HELD,
    }
)


class Names(Protocol):
    """How sequences and steps are named to a reader; each name is quoted."""

    def sequence(self, key: str) -> str:
        """Name a sequence."""

    def step(self, sequence: str, step: str) -> str:
        """Name a step without naming its sequence."""

    def email(self, sequence: str, step: str) -> str:
        """Name a step so that its sequence is clear too."""


class KeyNames:
    """Names as the command line shows them and as they are stored: the keys."""

    def sequence(self, key: str) -> str:
        """Name a sequence by its key."""
        return f"“{key}”"

    def step(self, sequence: str, step: str) -> str:
        """Name a step by its key alone."""
        return f"“{step}”"

    def email(self, sequence: str, step: str) -> str:
        """Name a step by its key and its sequence's."""
        return f"“{step}” ({sequence})"


KEYS = KeyNames()

#: The words for each reason, to follow “because”.
WORDS: Mapping[Code | EndReason, str] = {
    EndReason.COMPLETED: "they have finished {sequence}",
    EndReason.BOOKED: "they booked, so {sequence} ended",
    EndReason.BOOKED_BEFORE: (
        "they had booked before they asked for {sequence}, so they get only its guide"
    ),
    EndReason.STAYED: "they said that they still want the emails",
    EndReason.GAVE_A_SIGN: "they showed that they still read the emails",
    EndReason.NOT_COLLECTED: "the guide of {sequence} was never collected",
    EndReason.REPLIED: "they replied, so {sequence} ended",
    EndReason.TAKEN_OUT: "you took them out of {sequence}",
    EndReason.UNSUBSCRIBED: "they unsubscribed",
    EndReason.UNSUBSCRIBED_BY_OWNER: "you unsubscribed them, as they asked",
    EndReason.UNSUBSCRIBED_ELSEWHERE: "they unsubscribed through their mail program",
    EndReason.SILENT: "they did not answer when asked whether they still want the emails",
    EndReason.NOT_FOLLOWED: (
        "they do not let us see what they read, so not answering {sequence} means nothing"
    ),
    EndReason.NO_CONSENT: "they have not agreed to the emails of {sequence}",
    EndReason.TOO_LATE: "{sequence} would have reached them too late",
    EndReason.PAUSED: "their emails were paused when {sequence} was sent",
    EndReason.CLIENT: "they are a client already, and {sequence} is an invitation",
    EndReason.HAS_SESSION: "they have booked a session, and {sequence} is an invitation",
    EndReason.BOUNCED: "their address does not work: an email came back",
    EndReason.COMPLAINED: "they reported an email as junk",
    EndReason.ERASED: "they had everything about them erased",
    Code.ENROLMENT_ENDED: "the enrolment ended",
    Code.EVERYTHING_ENDED: "everything was ended",
    Code.STEP_SKIPPED: "the step was skipped",
    Code.STEP_DELETED: "the step was deleted",
    Code.SEQUENCE_WAS_PAUSED: "the sequence was paused",
    Code.THEY_ARE_PAUSED: "they are paused",
    Code.PREFERENCES_CHANGED: "the preferences changed",
    Code.GUIDE_COLLECTED: "the guide has been collected",
    Code.GUIDE_ASKED_AGAIN: "the guide was asked for again",
    Code.ASKED_AGAIN: "it was asked for again",
    Code.WERE_TAKEN_OUT: "they were taken out of the sequence",
    Code.THEY_REPLIED: "they replied to the sequence",
    Code.ADDRESS_SUPPRESSED: "the address is suppressed",
    Code.THEY_HAVE_BOOKED: "they have booked",
    Code.GOAL_REACHED: "the goal has been reached",
    Code.THEY_ARE_THERE: "they are there",
    Code.SENT_BY_LOST_MACHINE: "the lost machine sent it",
    Code.DROPPED_AFTER_RESTORE: "dropped after a restore",
    Code.NOT_SENT_IN_TIME: "not sent, and its time has passed",
    Code.ABOUT_ACCOUNT_LONG_AGO: "the mail server’s answer was about the account, long ago",
    Code.ABOUT_ACCOUNT: "the mail server’s answer was about the account",
    Code.SERVER_REFUSED_EVERYBODY: "the mail server refused everybody alike",
    Code.OWNER_SAYS_SENT: "the owner says that it was sent",
    Code.OWNER_SAYS_NOT_SENT: "the owner says that it was not sent",
    Code.BATCH_TOOK_TOO_LONG: "the batch took too long",
    Code.SERVER_TAKES_NONE: "the mail server takes no mail at present",
    Code.WORKER_STOPPED_BEFORE: "the worker stopped before the mail server had it",
    Code.WORKER_STOPPED_DURING: "the worker stopped while the mail server was taking it",
    Code.WORKER_STOPPED_AFTER_REFUSAL: (
        "the mail server refused it, and the worker stopped before saying why"
    ),
    Code.IN_HAND_AT_BACKUP: "it was in hand when the backup was made",
    Code.OFFERED_AT_BACKUP: "the mail server was being offered it when the backup was made",
    Code.WRITTEN_TO_OUTBOX: KEPT,
    Code.NOT_COLLECTED_YET: "the guide has not been collected",
    Code.TIME_NOT_COME: "the time of {step} has not come",
    Code.ANSWER_AWAITED: "an answer is awaited",
    Code.NOT_IN_SEGMENT: "they are not in the segment “{segment}”",
    Code.IN_SEGMENT: "they are in the segment “{segment}”",
    Code.OVERDUE: "it was overdue for too long",
    Code.OUTSIDE_HOURS: "it is outside the hours in which we write",
    Code.PAUSED_BY_PERSON: "they asked for a pause",
    Code.PAUSED_BY_OWNER: "you paused their emails",
    Code.PAUSED_BY_REPLY: "they have replied, and you have not let their emails go on yet",
    Code.EMAILED_RECENTLY: "they have had a mail recently",
    Code.WANT_FEWER: "they asked for fewer emails and have had one recently",
    Code.NO_CONSENT_FOR: "they have not agreed to {purpose}",
    Code.NOT_COVERED: "they agreed to “{wording}”, and that does not cover {purpose}",
    Code.NOT_CONFIRMED: "they have not confirmed that the address is theirs",
    Code.AGREED_TO_NOTHING_KNOWN: (
        "they came with a list that does not show that they agreed to anything"
    ),
    Code.ARE_A_CLIENT: "they are a client already, and this is an invitation",
    Code.SEQUENCE_PAUSED: "the sequence is paused",
    Code.NOT_PUBLISHED: "the sequence is not published",
    Code.ACCOUNT_AT_LIMIT: "your mail account can send no more at present",
    Code.MINUTE_USED_UP: "this minute’s {limit} emails are used up",
    Code.HOUR_USED_UP: "this hour’s {limit} emails are used up",
    Code.DAY_USED_UP: "today’s {limit} emails are used up",
    Code.ACCOUNT_HELD: "your mail account takes no emails at present",
    Code.ONLY_GUIDE_LEFT: "there was nothing left to send but the guide",
    Code.GUIDE_NOT_COLLECTED: "the guide was not collected",
    Code.AT_ITS_END: "the sequence has come to its end",
    Code.AFTER_SEQUENCE: "after {sequence}",
    Code.REACHED_ITS_GOAL: "{sequence} reached its goal",
    Code.ENDED_AS_THEY_LEFT: "{sequence} ended when they left",
    Code.ENDED_FOR_THE_ADDRESS: ("{sequence} ended because their address could not be written to"),
    Code.TAKEN_OUT_OR_UNCOLLECTED: (
        "they were taken out of {sequence} or never collected its guide"
    ),
    Code.NOTHING_MORE: "{sequence} has nothing more for them",
    Code.UNDER_WAY: "they are in it",
    Code.NO_LONGER_PUBLISHED: "it is not published any more",
    Code.HAVE_SESSION: "they have booked a session",
    Code.NOTHING_LEFT: "nothing is left to send",
    Code.NOT_AGREED_TO_THESE: "they have not agreed to these emails",
    Code.IN_NO_SEQUENCE: "they are in no sequence",
    Code.GUIDE_AWAITED: "the guide of {sequence} has not been collected yet",
    Code.SEQUENCE_IS_PAUSED: "{sequence} is paused",
    Code.SEQUENCE_IS_NOT_PUBLISHED: "{sequence} is not published any more",
    Code.BROADCAST_WAS_STOPPED: "you stopped {sequence}",
    Code.SERIES_GOES_FIRST: "an email of their series has waited twice and goes first",
    Code.NOT_IN_AUDIENCE: "they are not among the people you chose",
}

#: What people agree to, in words that follow “agreed to”.
PURPOSES: Mapping[str, str] = {
    MARKETING: "the series of emails",
    Purpose.GUIDE: "the guide",
    Purpose.SERIES: "the series of emails",
    Purpose.ARTICLES: "new articles",
    Purpose.NEWS: "news and offers",
    Purpose.TRACKING: "having their opens and clicks noticed",
    Purpose.HEALTH_TOPICS: "having health topics taken into account",
}

#: The pages on which people unsubscribe themselves.
_PAGES = "pages"
_BY_OWNER = EndReason.UNSUBSCRIBED_BY_OWNER

_ENDED_SOMEHOW: Mapping[EnrolmentStatus, Code | EndReason] = {
    EnrolmentStatus.COMPLETED: EndReason.COMPLETED,
    EnrolmentStatus.GOAL_REACHED: Code.REACHED_ITS_GOAL,
    EnrolmentStatus.UNSUBSCRIBED: Code.ENDED_AS_THEY_LEFT,
    EnrolmentStatus.SUPPRESSED: Code.ENDED_FOR_THE_ADDRESS,
    EnrolmentStatus.REMOVED: Code.TAKEN_OUT_OR_UNCOLLECTED,
}


def why_ended(ending: Ending, sequence: str) -> Reason:
    """Return why an enrolment is no longer under way, or will not be.

    If it ended before reasons were stored, only its status is known.
    """
    somehow = _ENDED_SOMEHOW.get(ending.status, Code.NOTHING_MORE)
    return Reason(ending.because or somehow, sequence=sequence)


def why_suppressed(reason: SuppressionReason, unsubscribed_at: Sequence[str]) -> Reason:
    """Return why a person is never emailed; `unsubscribed_at` lists the places, oldest first."""
    if reason is not SuppressionReason.UNSUBSCRIBED:
        return Reason(EndReason(reason))
    last = unsubscribed_at[-1] if unsubscribed_at else _PAGES
    elsewhere = EndReason.UNSUBSCRIBED_ELSEWHERE
    return Reason({_PAGES: EndReason.UNSUBSCRIBED, STUDIO: _BY_OWNER}.get(last, elsewhere))


def in_words(reason: Reason, names: Names = KEYS) -> str:
    """Put a reason into words that follow “because”; things are named as stored by default."""
    return WORDS[reason.code].format(
        sequence=names.sequence(reason.sequence) if reason.sequence else "",
        step=names.step(reason.sequence, reason.step) if reason.step else "",
        segment=reason.segment,
        purpose=PURPOSES.get(reason.purpose, f"“{reason.purpose}”"),
        wording=reason.wording,
        limit=f"{int(reason.limit):,}" if reason.limit.isdecimal() else reason.limit,
    )


def as_stored(code: str | None, about: Mapping[str, Any] | None, text: str) -> Reason | None:
    """Read a reason that was stored with this text beside it; `None` if only the text counts.

    Only the text counts for other people's words, and for rows from before codes were stored. A
    process of the previous release that changes a row writes new text and leaves the code, so a
    code counts only beside the text it was written with. The code of a newer release is unknown
    here; its text says what it means.
    """
    found = known_or_none(Code, code) or known_or_none(EndReason, code)
    if found is None or about is None or about.get(_TEXT) != text:
        return None
    named = {name: str(about[name]) for name in Reason._fields[1:] if name in about}
    return Reason(found, **named)


def to_store(reason: Reason) -> tuple[Code | EndReason, dict[str, str], str]:
    """Return what is stored for a reason: its code, what it is about, and the text beside it."""
    text = in_words(reason)
    return reason.code, reason.about | {_TEXT: text}, text


def said(code: str | None, about: Mapping[str, Any] | None, text: str, names: Names = KEYS) -> str:
    """Put a stored reason into words, or return its text if that is all there is."""
    reason = as_stored(code, about, text)
    return in_words(reason, names) if reason else text


_TEXT = "text"
