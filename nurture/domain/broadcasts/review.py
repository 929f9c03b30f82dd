"""The review of a broadcast: who is reached, and why others are not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.broadcasts.departures import Departures
from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.table import Permitted, may_write
from nurture.domain.scheduling.gate import Standing, mailing_of
from nurture.domain.subscribers.consent import Scope


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

    If they agreed to something else, `wordings` are the words with numbers, most frequent first.
    """

    why: Reason
    number: int
    wordings: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Who gets a broadcast and who does not; everyone who is not erased is in one number.

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


def not_reached(
    refused: Mapping[Reason, int], wordings: Sequence[tuple[str, int]]
) -> list[NotReached]:
    """Return the reasons, the most frequent first.

    `wordings` are what those last agreed to who have not agreed to the stream, most frequent first;
    anyone who never agreed to anything in words is counted apart.
    """
    found = []
    for why, number in refused.items():
        in_words = sum(each for _, each in wordings)
        if why.code is Code.NO_CONSENT_FOR and in_words:
            covered = why._replace(code=Code.NOT_COVERED, wording=wordings[0][0])
            found.append(NotReached(covered, in_words, tuple(wordings[:_MOST_WORDINGS])))
            number -= in_words
        found += [NotReached(why, number)] if number else []
    return sorted(found, key=lambda one: (-one.number, one.why.code))


#: So many wordings are named.
_MOST_WORDINGS = 5
