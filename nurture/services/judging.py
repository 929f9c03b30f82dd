"""Judging: who was behind a hit, decided once a burst of them can be seen whole.

A hit is held for a minute and a half before it is judged, and until then nothing acts on it.
A message's hits are judged together, those already judged among them as what happened before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from nurture.domain.engagement import HOLD, RULES, Hit, Judgement, Occasion, Verdict, judge
from nurture.services.catalogue import About, about
from nurture.store import hits
from nurture.store.hits import KeptHit, Mailed, Spell
from nurture.store.session import Connection, Database

#: How many held hits lead to the messages that are judged in one transaction.
_BATCH = 2000

#: Clients are looked for in spans that begin every ten minutes, and ten minutes around them.
_NEAR = timedelta(minutes=10)

_Wanted = Callable[[KeptHit], bool]


@dataclass
class Changes:
    """What judging again came to: how many hits, and how many went from what to what."""

    judged: int = 0
    changed: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)

    def note(self, verdicts: Iterable[tuple[Verdict | None, Verdict]]) -> None:
        """Count verdicts before and after."""
        for before, after in verdicts:
            self.judged += 1
            if before is not None and before is not after:
                self.changed[before, after] += 1


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
            found = _judge(connection, mailed, lambda kept: _is_over(kept, before))
            hits.save_judgements(connection, {kept.id: one for kept, one in found}, RULES)
        if not found:
            return judged
        judged += len(found)


def rejudge(
    database: Database,
    since: datetime | None = None,
    *,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Changes:
    """Judge the kept hits again, those `since` a moment, and say what that changes.

    Hits whose raw data has been dropped keep their verdict. Safe to run twice and beside the
    workers; with `dry_run` nothing is written. `tell` is told how many hits each batch had.
    """
    changes, after = Changes(), 0
    while True:
        with database.reading() as connection:
            numbers = hits.messages_judged(connection, after, since, _BATCH // 4)
        if not numbers:
            return changes
        with database.reading() if dry_run else database.writing() as connection:
            before = changes.judged
            _judge_again(connection, numbers, since, changes, dry_run=dry_run)
        tell(changes.judged - before)
        after = numbers[-1]


def _judge_again(
    connection: Connection,
    numbers: Sequence[int],
    since: datetime | None,
    changes: Changes,
    *,
    dry_run: bool,
) -> None:
    mailed = hits.take_messages(connection, numbers, wait=None if dry_run else True)
    judged = _judge(connection, mailed, lambda kept: _was_judged(kept, since))
    changes.note((kept.verdict, one.verdict) for kept, one in judged)
    if not dry_run:
        outdated = {
            kept.id: one
            for kept, one in judged
            if (kept.verdict, kept.rules) != (one.verdict, RULES)
        }
        hits.save_judgements(connection, outdated, RULES)


def _was_judged(kept: KeptHit, since: datetime | None) -> bool:
    return kept.verdict is not None and (since is None or kept.hit.at >= since)


def _is_over(kept: KeptHit, before: datetime) -> bool:
    return kept.verdict is None and kept.hit.at <= before


def _judge(
    connection: Connection, mailed: Mapping[int, Mailed], wanted: _Wanted
) -> list[tuple[KeptHit, Judgement]]:
    """The wanted hits of these messages with their verdicts, each message judged as a whole."""
    found = hits.hits_on(connection, mailed)
    subjects = about(connection, {one.revision for one in mailed.values()})
    fetched_for = hits.count_fetched_for(connection, _spells(filter(wanted, found)))
    judged: list[tuple[KeptHit, Judgement]] = []
    for message, group in groupby(found, key=lambda kept: kept.message):
        kept = list(group)
        occasion = _occasion(kept, mailed[message], subjects, wanted, fetched_for)
        judged += zip(kept, judge(occasion), strict=True)
    return [(kept, judgement) for kept, judgement in judged if wanted(kept)]


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
