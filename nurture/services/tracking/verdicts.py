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

from nurture.domain.tracking.hits import Hit, MessageHits, Verdict
from nurture.domain.tracking.verdict import HOLD, RULES, Judgement, judge
from nurture.services.catalogue import EmailContents, about
from nurture.store.database import Connection, Database
from nurture.store.queries import hits
from nurture.store.queries.hits import Mailed, Spell

#: How many held hits determine the messages that are judged in one transaction.
_BATCH = 1000

#: How many batches are judged in one run, so that a worker soon has time for emails again.
_BATCHES = 20

#: Clients are looked for in periods that begin every ten minutes, and ten minutes on either side.
_NEAR = timedelta(minutes=10)

_Wanted = Callable[[Hit], bool]
_Judged = tuple[Hit, Judgement]


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
            found = _judge(
                connection, waiting, lambda hit: hit.verdict is None and hit.at <= before
            )
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
            judged = _judge(connection, numbers, lambda hit: _was_judged(hit, since))
        if not numbers:
            return changes
        outdated = [
            (hit, one) for hit, one in judged if (hit.verdict, hit.rules) != (one.verdict, RULES)
        ]
        if outdated and not dry_run:
            _keep(database, outdated, held=False)
        changes.note((hit.verdict, one.verdict) for hit, one in judged)
        tell(len(judged))
        after = numbers[-1]


def _keep(database: Database, judged: Sequence[_Judged], *, held: bool) -> int:
    """Store the verdicts; messages that others have locked stay held for next time."""
    with database.writing() as connection:
        wanted = {hit.message for hit, _ in judged}
        taken = hits.take_messages(connection, wanted, wait=not held)
        verdicts = {hit.row: one for hit, one in judged if hit.message in taken}
        return hits.save_judgements(connection, verdicts, RULES, held=held)


def _was_judged(hit: Hit, since: datetime | None) -> bool:
    return hit.verdict is not None and (since is None or hit.at >= since)


def _judge(connection: Connection, messages: Sequence[int], wanted: _Wanted) -> list[_Judged]:
    """Return the wanted hits on these messages with verdicts, judging each message as a whole."""
    if not messages:
        return []
    mailed = hits.mailed(connection, messages)
    found = hits.hits_on(connection, mailed)
    subjects = about(connection, {one.revision for one in mailed.values()})
    spells = sorted({_spell(hit) for hit in filter(wanted, found) if hit.client})
    fetched_for = hits.count_fetched_for(connection, spells)
    judged: list[_Judged] = []
    for message, group in groupby(found, key=lambda hit: hit.message):
        on_it = list(group)
        together = _together(on_it, mailed[message], subjects, wanted, fetched_for)
        judged += zip(on_it, judge(together), strict=True)
    return [(hit, judgement) for hit, judgement in judged if wanted(hit)]


def _together(
    on_it: Sequence[Hit],
    mailed: Mailed,
    subjects: Mapping[int, EmailContents],
    wanted: _Wanted,
    fetched_for: Mapping[Spell, int],
) -> MessageHits:
    crowd: dict[str, int] = defaultdict(int)
    for hit in filter(wanted, on_it):
        others = fetched_for.get(_spell(hit), 1) - 1
        crowd[hit.client] = max(crowd[hit.client], others)
    subject = subjects.get(mailed.revision)
    links = len(subject.links) if subject else 0
    return MessageHits(on_it, mailed.accepted_at, links, crowd)


def _spell(hit: Hit) -> Spell:
    """Return the ten minutes a hit fell into plus ten on either side; many hits share one."""
    near = _NEAR.total_seconds()
    begin = datetime.fromtimestamp(hit.at.timestamp() // near * near, UTC)
    return hit.client, begin - _NEAR, begin + 2 * _NEAR
