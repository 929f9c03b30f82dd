"""Judging: deciding who was behind a hit, once the whole burst it belongs to can be seen.

A hit is held for a minute and a half before it is judged, and until then nothing acts on it.
A message's hits are judged together; those already judged serve as its history. The judging
is done before the database is locked for writing; the verdicts are then written together.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from nurture.domain.tracking.verdict import HOLD, RULES, Hit, Judgement, Occasion, Verdict, judge
from nurture.services.catalogue import EmailContents, about
from nurture.store.database import Connection, Database
from nurture.store.queries import hits
from nurture.store.queries.hits import KeptHit, Mailed, Spell

#: How many held hits lead to the messages that are judged in one transaction.
_BATCH = 1000

#: So many batches are judged at one time, so that a worker soon has time for mails again.
_BATCHES = 20

#: Clients are looked for in spans that begin every ten minutes, and ten minutes around them.
_NEAR = timedelta(minutes=10)

_Wanted = Callable[[KeptHit], bool]
_Judged = tuple[KeptHit, Judgement]


@dataclass
class Changes:
    """The result of judging again: how many hits, and how many changed between which verdicts."""

    judged: int = 0
    changed: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)

    def note(self, verdicts: Iterable[tuple[Verdict | None, Verdict]]) -> None:
        """Count verdicts before and after."""
        for before, after in verdicts:
            self.judged += 1
            if before is not None and before is not after:
                self.changed[before, after] += 1


def judge_held(database: Database, now: datetime) -> int:
    """Judge the hits that have been held long enough; return how many.

    It stops after a few batches, however many hits there are; the next run continues. It is safe to
    run beside other workers: each hit gets its verdict from one of them.
    """
    judged, before = 0, now - HOLD
    for _ in range(_BATCHES):
        with database.reading() as connection:
            waiting = hits.messages_waiting(connection, before, _BATCH)
            found = _judge(connection, waiting, lambda kept: _is_over(kept, before))
        kept = _keep(database, found, held=True) if found else 0
        if not kept:
            break
        judged += kept
    return judged


def rejudge(
    database: Database,
    since: datetime | None = None,
    *,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Changes:
    """Judge the stored hits again, from `since` on if given, and return what changes.

    Hits whose raw data has been deleted keep their verdict. It is safe to run twice and beside the
    workers; with `dry_run` nothing is written. `tell` gets the number of hits in each batch.
    """
    changes, after = Changes(), 0
    while True:
        with database.reading() as connection:
            numbers = hits.messages_judged(connection, after, since, _BATCH // 4)
            judged = _judge(connection, numbers, lambda kept: _was_judged(kept, since))
        if not numbers:
            return changes
        outdated = [(kept, one) for kept, one in judged if _differs(kept, one)]
        if outdated and not dry_run:
            _keep(database, outdated, held=False)
        changes.note((kept.verdict, one.verdict) for kept, one in judged)
        tell(len(judged))
        after = numbers[-1]


def _keep(database: Database, judged: Sequence[_Judged], *, held: bool) -> int:
    """Store the verdicts; messages that others have locked stay held for next time."""
    with database.writing() as connection:
        wanted = {kept.message for kept, _ in judged}
        taken = hits.take_messages(connection, wanted, wait=not held)
        verdicts = {kept.id: one for kept, one in judged if kept.message in taken}
        return hits.save_judgements(connection, verdicts, RULES, held=held)


def _differs(kept: KeptHit, one: Judgement) -> bool:
    return (kept.verdict, kept.rules) != (one.verdict, RULES)


def _was_judged(kept: KeptHit, since: datetime | None) -> bool:
    return kept.verdict is not None and (since is None or kept.hit.at >= since)


def _is_over(kept: KeptHit, before: datetime) -> bool:
    return kept.verdict is None and kept.hit.at <= before


def _judge(connection: Connection, messages: Sequence[int], wanted: _Wanted) -> list[_Judged]:
    """Return the wanted hits on these messages with verdicts, judging each message as a whole."""
    if not messages:
        return []
    mailed = hits.mailed(connection, messages)
    found = hits.hits_on(connection, mailed)
    subjects = about(connection, {one.revision for one in mailed.values()})
    fetched_for = hits.count_fetched_for(connection, _spells(filter(wanted, found)))
    judged: list[_Judged] = []
    for message, group in groupby(found, key=lambda kept: kept.message):
        kept = list(group)
        occasion = _occasion(kept, mailed[message], subjects, wanted, fetched_for)
        judged += zip(kept, judge(occasion), strict=True)
    return [(kept, judgement) for kept, judgement in judged if wanted(kept)]


def _occasion(
    kept: Sequence[KeptHit],
    mailed: Mailed,
    subjects: Mapping[int, EmailContents],
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
    """Return the ten minutes a hit fell into plus ten on either side; many hits share one."""
    near = _NEAR.total_seconds()
    begin = datetime.fromtimestamp(hit.at.timestamp() // near * near, UTC)
    return hit.client, begin - _NEAR, begin + 2 * _NEAR
