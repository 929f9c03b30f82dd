"""Comparing the verdict rules with sessions whose origin is known.

`python -m tests.engagement.measuring [FOLDER]` prints the table for the corpus or for any other
folder of sessions.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Hit, Occasion, judge
from tests.engagement.corpus_reading import CORPUS, Session, sessions_in

VERDICTS = ("human", "unsure", "machine")
_WORST = 12


@dataclass(frozen=True, slots=True)
class Judged:
    """One hit with its true origin and the rules' verdict; `story` is its session's name."""

    story: str
    kind: str
    who: str
    verdict: str

    @property
    def is_wrong(self) -> bool:
        """Whether a machine was not recognised, or a person taken for one."""
        return (self.who == "machine") != (self.verdict == "machine")


@dataclass(frozen=True, slots=True)
class Measure:
    """How well the rules performed; the shares are between 0 and 1."""

    judged: tuple[Judged, ...]

    @property
    def recall(self) -> float:
        """The share of the machines' hits that are judged machine."""
        return self._share_judged_machine("machine")

    @property
    def misjudged(self) -> float:
        """The share of the people's hits that are judged machine."""
        return self._share_judged_machine("human")

    def table(self) -> str:
        """Return a table to print: counts by sort of hit, the two shares, the worst sessions."""
        stories = len({hit.story for hit in self.judged})
        lines = [f"{stories} sessions, {len(self.judged)} hits, judged:", _row("", VERDICTS)]
        lines += [
            _row(f"{who} {kind}", [self._count(who, kind, verdict) for verdict in VERDICTS])
            for who in ("human", "machine")
            for kind in ("opened", "clicked")
        ]
        lines.append(f"machines recognised {self.recall:.1%} (at least 95 %)")
        lines.append(f"humans misjudged    {self.misjudged:.1%} (at most 2 %)")
        lines.append(self._whole_sessions())
        return "\n".join(lines + self._worst_sessions())

    def _share_judged_machine(self, who: str) -> float:
        theirs = [hit for hit in self.judged if hit.who == who]
        return sum(hit.verdict == "machine" for hit in theirs) / len(theirs)

    def _count(self, who: str, kind: str, verdict: str) -> int:
        return sum((hit.who, hit.kind, hit.verdict) == (who, kind, verdict) for hit in self.judged)

    def _whole_sessions(self) -> str:
        # A burst of eight hits would otherwise outweigh eight scanners that follow one link.
        visited = {hit.story for hit in self.judged if hit.who == "machine"}
        missed = {hit.story for hit in self.judged if hit.who == "machine" and hit.is_wrong}
        return f"every machine hit recognised in {len(visited - missed)} of {len(visited)} sessions"

    def _worst_sessions(self) -> list[str]:
        wrong = Counter((hit.story, hit.who) for hit in self.judged if hit.is_wrong)
        asked = Counter((hit.story, hit.who) for hit in self.judged)
        said = {"machine": "not recognised", "human": "taken for a machine"}
        # A person taken for a machine is the worse mistake and is named first.
        ordered = sorted(wrong, key=lambda found: (found[1], -wrong[found], found[0]))
        lines = [
            f"  {story}: {wrong[story, who]} of {asked[story, who]} {who} hits {said[who]}"
            for story, who in ordered[:_WORST]
        ]
        more = [f"  … and {len(ordered) - _WORST} sessions more"] if ordered[_WORST:] else []
        return ["worst sessions:", *lines, *more] if lines else ["not one hit is judged wrongly"]


def measure(sessions: Iterable[Session]) -> Measure:
    """Judge every hit of every session, each session as one occasion."""
    return Measure(tuple(hit for session in sessions for hit in _judged(session)))


def _judged(session: Session) -> list[Judged]:
    found = judge(_occasion(session))
    return [
        Judged(session.name, hit.kind, hit.who, judgement.verdict.value)
        for hit, judgement in zip(session.hits, found, strict=True)
    ]


def _occasion(session: Session) -> Occasion:
    hits = tuple(
        Hit(
            kind=EventKind(hit.kind),
            at=hit.at,
            method=hit.method,
            user_agent=hit.agent,
            client=hit.client,
            purpose=hit.ahead,
            link=hit.link,
            query=hit.query,
        )
        for hit in session.hits
    )
    return Occasion(
        hits=hits, accepted_at=session.accepted_at, links=session.links, crowd=session.crowd
    )


def _row(name: str, cells: Iterable[object]) -> str:
    return f"{name:<16}" + "".join(f"{cell:>9}" for cell in cells)


if __name__ == "__main__":
    print(measure(sessions_in(Path(sys.argv[1]) if sys.argv[1:] else CORPUS)).table())
