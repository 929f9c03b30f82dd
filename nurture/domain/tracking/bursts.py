"""What hits show together: links followed faster than a person can, and hits that coincide."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MessageHits
from nurture.domain.tracking.networks import find_scanners_owner, neighbourhood
from nurture.domain.tracking.signs import LESSER, PROOF, Sign, own_signs
from nurture.domain.tracking.user_agents import Program, read_agent

#: Clicks this close together belong to one run.
_RUN = timedelta(seconds=10)

#: Nobody follows two links within the first, hardly anyone within the second, and three links in a
#: row take a person longer than the third for each.
_IN_A_BLINK = timedelta(seconds=0.6)
_AT_ONCE = timedelta(seconds=1)
_HURRIED = timedelta(seconds=2)

#: How long a scanner's visit to an email lasts at most, and how long it is remembered.
_VISIT = timedelta(minutes=5)
_LONG_VISIT = timedelta(minutes=15)
_REMEMBERED = timedelta(minutes=10)

#: Pictures fetched this close to a scanner's clicks were fetched by the scanner.
_SAME_MOMENT = timedelta(seconds=5)

#: How soon a gateway checks a link that someone has just followed.
_ECHO = timedelta(seconds=30)

_ALL_OF_FEW = Sign(LESSER, "every link of the mail was followed in one go", is_hint=True)
_ALL_OF_MANY = Sign(LESSER, "every link of the mail was followed in one go")
_FASTER = Sign(PROOF, "several links were followed faster than anybody can")
_ALMOST_AT_ONCE = Sign(LESSER, "two links were followed within a second")
_IN_A_HURRY = Sign(LESSER, "two links were followed within two seconds", is_hint=True)
_FROM_SEVERAL = Sign(PROOF, "several programs followed the mail's links in the same seconds")
_SAME_MACHINE = Sign(PROOF, "the same machine's other hits are a scanner's")
_CAME_BACK = Sign(LESSER, "a scanner had come from the same address before")
_WITH_A_BURST = Sign(PROOF, "a scanner followed the mail's links at the same moment")
_WITH_ANOTHER = Sign(LESSER, "somebody else followed the same link at the same time")
_AT_FIRST_SIGHT = Sign(LESSER, "the link was followed as the pictures were fetched", is_hint=True)
_UNDER_TWO_NAMES = Sign(LESSER, "one address showed two browsers in one second", is_hint=True)
_READ_BEFORE = Sign(-LESSER, "the mail was looked at from there before")


def signs_of(together: MessageHits) -> list[list[Sign]]:
    """Return every sign that each hit on a message shows, in the order of the hits."""
    hits = together.hits
    signs = [list(own_signs(hit, together)) for hit in hits]
    clicks = [n for n, hit in enumerate(hits) if _follows(hit)]
    for run in _runs(hits, clicks):
        _note(signs, run, _in_a_run([hits[n] for n in run]))
    for visit, sign in _visits_to_all(together, clicks):
        _note(signs, visit, sign)
    _note_readers(hits, signs)
    _note_echoes(hits, signs, clicks)
    _note_instant_clicks(hits, signs)
    _note_same_machines(hits, signs)
    _note_pictures(hits, signs)
    return signs


def _follows(hit: Hit) -> bool:
    """Return whether a hit may be part of a burst; links fetched ahead or for a preview may not."""
    robot = read_agent(hit.user_agent).program is Program.ROBOT
    return hit.kind is EventKind.CLICKED and not hit.purpose and not robot


def _note(signs: list[list[Sign]], which: Sequence[int], sign: Sign | None) -> None:
    if sign:
        for n in which:
            signs[n].append(sign)


def _runs(hits: Sequence[Hit], clicks: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for n in clicks:
        if run and hits[n].at - hits[run[-1]].at > _RUN:
            yield run
            run = []
        run.append(n)
    if run:
        yield run


def _in_a_run(run: Sequence[Hit]) -> Sign | None:
    links = len({hit.link for hit in run})
    if links < 2:
        return None
    followed = [(a, b) for a, b in pairwise(run) if a.link != b.link]
    if any(b.at - a.at < _IN_A_BLINK for a, b in followed):
        return _FASTER
    if links > 2 and (run[-1].at - run[0].at) / (links - 1) < _HURRIED:
        return _FASTER
    several = len({(hit.client, hit.user_agent) for hit in run}) > 2
    if several or len({hit.user_agent for hit in run}) > 1:
        return _FROM_SEVERAL
    if any(b.at - a.at < _AT_ONCE for a, b in followed):
        return _ALMOST_AT_ONCE
    return _IN_A_HURRY if any(b.at - a.at < _HURRIED for a, b in followed) else None


def _visits_to_all(
    together: MessageHits, clicks: Sequence[int]
) -> Iterator[tuple[list[int], Sign]]:
    """Yield the visits in which every link of three or more was clicked, each with its sign."""
    hits, wanted = together.hits, together.links
    if wanted < 3:
        return
    visit: list[int] = []
    for n in clicks:
        visit = [m for m in visit if hits[n].at - hits[m].at <= _LONG_VISIT] + [n]
        if len({hits[m].link for m in visit}) >= wanted:
            is_short = hits[n].at - hits[visit[0]].at <= _VISIT
            yield visit, _ALL_OF_MANY if wanted > 3 and is_short else _ALL_OF_FEW
            visit = []


def _note_readers(hits: Sequence[Hit], signs: list[list[Sign]]) -> None:
    """Mark clicks some time after an open by the same client: they are probably a person's."""
    opened: dict[str, datetime] = {}
    for hit, its in zip(hits, signs, strict=True):
        if hit.kind is EventKind.OPENED and not _is_proven(its):
            opened.setdefault(hit.client, hit.at)
        elif hit.client and hit.client in opened and hit.at - opened[hit.client] >= _HURRIED:
            its.append(_READ_BEFORE)


def _note_echoes(hits: Sequence[Hit], signs: list[list[Sign]], clicks: Sequence[int]) -> None:
    """Mark the hit of a gateway elsewhere that checks a link as someone follows it."""
    last: dict[str | None, int] = {}
    for n in clicks:
        m = last.get(hits[n].link)
        if m is not None and _echoes(hits[n], hits[m]):
            by_gateway = find_scanners_owner(hits[m].client) is not None
            signs[m if by_gateway else n].append(_WITH_ANOTHER)
        last[hits[n].link] = n


def _echoes(hit: Hit, before: Hit) -> bool:
    if hit.at - before.at > _ECHO or neighbourhood(hit.client) == neighbourhood(before.client):
        return False
    by_gateway = find_scanners_owner(hit.client) or find_scanners_owner(before.client)
    return bool(by_gateway) or hit.user_agent != before.user_agent


def _note_instant_clicks(hits: Sequence[Hit], signs: list[list[Sign]]) -> None:
    """Mark clicks made at the moment the email's pictures are fetched: nobody is that fast."""
    opened: dict[str, Hit] = {}
    for hit, its in zip(hits, signs, strict=True):
        before = opened.get(hit.client) if hit.client else None
        if hit.kind is EventKind.OPENED:
            opened[hit.client] = hit
        elif before and hit.at - before.at < _AT_ONCE:
            its.append(_AT_FIRST_SIGHT)
            if _are_two_browsers(hit, before):
                its.append(_UNDER_TWO_NAMES)


def _are_two_browsers(hit: Hit, other: Hit) -> bool:
    programs = {read_agent(one.user_agent).program for one in (hit, other)}
    return hit.user_agent != other.user_agent and programs == {Program.BROWSER}


def _note_same_machines(hits: Sequence[Hit], signs: list[list[Sign]]) -> None:
    """Apply what is proven of one hit to the same machine's other hits, for a while."""
    proven: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for hit, its in zip(hits, signs, strict=True):
        if hit.client and _is_proven(its) and all(sign.spreads for sign in its):
            proven[_machine(hit)].append(hit.at)
    for hit, its in zip(hits, signs, strict=True):
        times = proven.get(_machine(hit))
        if not times or _is_proven(its):
            continue
        if _is_near(hit.at, times, _REMEMBERED):
            its.append(_SAME_MACHINE)
        elif times[0] < hit.at:
            its.append(_CAME_BACK)


def _machine(hit: Hit) -> tuple[str, str]:
    return neighbourhood(hit.client), hit.user_agent


def _note_pictures(hits: Sequence[Hit], signs: list[list[Sign]]) -> None:
    times = [
        hit.at
        for hit, its in zip(hits, signs, strict=True)
        if hit.kind is EventKind.CLICKED and _is_proven(its) and _follows(hit)
    ]
    for hit, its in zip(hits, signs, strict=True):
        if hit.kind is EventKind.OPENED and times and _is_near(hit.at, times, _SAME_MOMENT):
            its.append(_WITH_A_BURST)


def _is_proven(signs: Sequence[Sign]) -> bool:
    return sum(sign.weight for sign in signs) >= PROOF


def _is_near(at: datetime, times: Sequence[datetime], length: timedelta) -> bool:
    """Return whether one of the times, which are sorted, is that close."""
    place = bisect_left(times, at - length)
    return place < len(times) and times[place] <= at + length
