"""Reach: which kinds of marketing a person may be sent now, on which basis, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.basis import Basis, Strength, strength_of
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import Permission, may_write
from nurture.domain.scheduling.gate import Standing
from nurture.domain.subscribers.consent import (
    STREAM_BOXES,
    STREAMS,
    ConsentRecord,
    Purpose,
    Scope,
    latest_said,
)

_MAILINGS = {
    Purpose.SERIES: Mailing.SERIES,
    Purpose.ARTICLES: Mailing.ARTICLES,
    Purpose.NEWS: Mailing.NEWS,
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether one kind of marketing may be sent to a person, and on which basis.

    `strength` says how well a consent is proved. `why` is the reason if it may not be sent, or not
    now; where they agreed to something else, it names the words.
    """

    scope: Scope
    answer: Permission
    basis: Basis | None = None
    strength: Strength | None = None
    why: Reason | None = None


def reach(standing: Standing, records: Sequence[ConsentRecord], now: datetime) -> tuple[Reach, ...]:
    """Return the reach of every stream: the series of their forms, the articles and the news.

    `records` are the person's consent records, oldest first.
    """
    forms = {record.form for record in records if record.form} | standing.consents.series
    series = [Scope(Purpose.SERIES, form) for form in sorted(forms)]
    return tuple(_reach(standing, records, scope, now) for scope in (*series, *_OTHERS))


_OTHERS = tuple(map(Scope, STREAM_BOXES))

#: The purposes that are about being sent something.
_SENT = (Purpose.GUIDE, *STREAMS)


def _reach(
    standing: Standing, records: Sequence[ConsentRecord], scope: Scope, now: datetime
) -> Reach:
    found = may_write(
        _MAILINGS[scope.purpose],
        scope,
        standing.consents,
        standing.states_at(now),
        is_client_basis=standing.may_as_client,
    )
    why = _naming_the_words(found.why, records) if found.why else None
    return Reach(scope, found.answer, found.basis, _strength(standing, records, scope), why)


def _strength(
    standing: Standing, records: Sequence[ConsentRecord], scope: Scope
) -> Strength | None:
    latest = latest_said(records)
    record = latest.get(scope) or latest.get(Scope(scope.purpose))
    if record is None or not record.granted or scope not in standing.consents:
        return None
    return strength_of(record, is_confirmed=standing.is_confirmed)


def _naming_the_words(why: Reason, records: Sequence[ConsentRecord]) -> Reason:
    """Return the reason with the words that they last agreed to, where these cover too little."""
    granted = [one for one in records if one.granted and one.wording and one.purpose in _SENT]
    if why.code is not Code.NO_CONSENT_FOR or not granted:
        return why
    return why._replace(code=Code.NOT_COVERED, wording=granted[-1].wording)
