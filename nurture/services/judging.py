"""Judging: who was behind a hit, decided once a burst of them can be seen whole.

A hit is held for a minute and a half before it is judged, and until then nothing acts on it.
A message's hits are judged together, those already judged among them as what happened before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from nurture.domain.engagement import HOLD, RULES, Hit, Judgement, Occasion, judge
from nurture.services.catalogue import About, about
from nurture.store import hits
from nurture.store.hits import KeptHit, Mailed, Spell
from nurture.store.session import Connection, Database

#: How many held hits lead to the messages that are judged in one transaction.
_BATCH = 2000

#: Clients are looked for in spans that begin every ten minutes, and ten minutes around them.
_NEAR = timedelta(minutes=10)

_Wanted = Callable[[KeptHit], bool]


def judge_held(database: Database, now: datetime) -> int:
    """Judge every hit that has been held long enough; return how many that were.

    Safe beside other workers: each message is judged by one of them.
    """
    judged, before = 0, now - HOLD
    while True:
        with database.reading() as connection:
            waiting = hits.messages_waiting(connection, before, _BATCH)
        if not waiting:
            return judged
        with database.writing() as connection:
            mailed = hits.take_messages(connection, waiting, wait=False)
            verdicts = _judge(connection, mailed, lambda kept: _is_over(kept, before))
            hits.save_judgements(connection, verdicts, RULES)
        if not verdicts:
            return judged
        judged += len(verdicts)


def _is_over(kept: KeptHit, before: datetime) -> bool:
    return kept.verdict is None and kept.hit.at <= before


def _judge(
    connection: Connection, mailed: Mapping[int, Mailed], wanted: _Wanted
) -> dict[int, Judgement]:
    """The verdicts on the wanted hits of these messages, by the numbers of their events."""
    found = hits.hits_on(connection, mailed)
    subjects = about(connection, {one.revision for one in mailed.values()})
    fetched_for = hits.count_fetched_for(connection, _spells(filter(wanted, found)))
    verdicts: dict[int, Judgement] = {}
    for message, group in groupby(found, key=lambda kept: kept.message):
        kept = list(group)
        occasion = _occasion(kept, mailed[message], subjects, wanted, fetched_for)
        verdicts |= {
            one.id: judgement
            for one, judgement in zip(kept, judge(occasion), strict=True)
            if wanted(one)
        }
    return verdicts


def _occasion(
    kept: Sequence[KeptHit],
    mailed: Mailed,
    subjects: Mapping[int, About],
    wanted: _Wanted,
    fetched_for: Mapping[Spell, int],
) -> Occasion:
    crowd: dict[str, int] = defaultdict(int)
    for one in filter(wanted, kept):
        client = one.hit.client
        others = fetched_for.get(_spell(one.hit), 1) - 1
        crowd[client] = max(crowd[client], others)
    subject = subjects.get(mailed.revision)
    links = len(subject.links) if subject else 0
    return Occasion([one.hit for one in kept], mailed.accepted_at, links, crowd)


def _spells(found: Iterable[KeptHit]) -> list[Spell]:
    return sorted({_spell(kept.hit) for kept in found if kept.hit.client})


def _spell(hit: Hit) -> Spell:
    """The ten minutes that a hit fell into, and ten around them; many hits share one."""
    near = _NEAR.total_seconds()
    begin = datetime.fromtimestamp(hit.at.timestamp() // near * near, UTC)
    return hit.client, begin - _NEAR, begin + 2 * _NEAR
