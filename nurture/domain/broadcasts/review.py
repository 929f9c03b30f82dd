"""The review of a broadcast: who is reached, and why others are not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.broadcasts.departures import Departures
from nurture.domain.reasons import Code, Reason, in_words
from nurture.domain.rights.table import Permitted, may_write
from nurture.domain.scheduling.gate import Standing, mailing_of
from nurture.domain.subscribers.consent import Purpose, Scope


def verdict_of(broadcast: Broadcast, standing: Standing, now: datetime) -> Permitted:
    """Return whether a person may be sent a broadcast now, on which basis, and why not."""
    scope = Scope(broadcast.stream)
    return may_write(
        mailing_of(broadcast.kind, scope),
        scope,
        standing.consents,
        standing.states_at(now),
        is_client_basis=standing.may_as_client,
    )


#: The basis of people who agree to a stream although no record says when or how.
UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class NotReached:
    """How many people do not get a broadcast for one reason.

    If they agreed to something else, `wordings` are the words, the most frequent first.
    """

    why: Reason
    number: int
    wordings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The reason in words that follow “because”."""
        is_unsaid = self.why.code is Code.NOT_COVERED and not self.wordings
        return in_words(self.why._replace(code=Code.NO_CONSENT_FOR) if is_unsaid else self.why)


@dataclass(frozen=True, slots=True)
class Review:
    """The people who get a broadcast, and those who do not; each is in one number.

    `by_basis` divides those reached, and `later` says how many of them get it on which day because
    they are at their cap. `departures` says when it leaves.
    """

    broadcast: Broadcast
    total: int
    reached: int
    by_basis: Mapping[str, int]
    not_reached: tuple[NotReached, ...]
    later: Mapping[date, int]
    departures: Departures

    @property
    def suggests_liveliest_first(self) -> int | None:
        """How many could get it first, if it takes more than a day and they do not already."""
        is_long = self.departures.days > 1 and not self.broadcast.liveliest_first
        return self.departures.on_first_day if is_long else None


def why_not(verdict: Permitted, standing: Standing) -> Reason | None:
    """Return why a person does not get it, telling apart those who agreed to something else."""
    why = verdict.why
    if why is None or why.code is not Code.NO_CONSENT_FOR:
        return why
    agreed_to_some = Purpose.GUIDE in standing.consents or standing.consents.streams
    return why._replace(code=Code.NOT_COVERED) if agreed_to_some else why


def not_reached(refused: Mapping[Reason, int], wordings: Sequence[str]) -> list[NotReached]:
    """Return the reasons, the most frequent first.

    `wordings` are what those last agreed to whose consent does not cover the stream, the most
    frequent first.
    """
    found = [
        NotReached(why._replace(wording=wordings[0]), number, tuple(wordings[:_MOST_WORDINGS]))
        if why.code is Code.NOT_COVERED and wordings
        else NotReached(why, number)
        for why, number in refused.items()
    ]
    return sorted(found, key=lambda one: (-one.number, one.why.code))


#: So many wordings are named.
_MOST_WORDINGS = 5
