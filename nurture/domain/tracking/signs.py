"""The signs that distinguish a machine's hit from a person's, one hit at a time.

A scanner's user agent usually looks like a browser's; when a hit came, from where, and for how many
people says more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MessageHits
from nurture.domain.tracking.networks import belongs_to_apple, find_scanners_owner
from nurture.domain.tracking.user_agents import Program, is_a_phones, is_outdated, read_agent

#: The weight from which we are sure; a lesser sign weighs half as much.
PROOF = 2
LESSER = 1


@dataclass(frozen=True, slots=True)
class Sign:
    """What suggests a machine, in words; a weight below zero suggests a person.

    A hint counts only beside other signs: alone, it is true of many people. If what a proof says of
    the machine may be true of its other hits as well, the sign `spreads`.
    """

    weight: int
    reason: str
    is_hint: bool = False
    spreads: bool = True


#: Nobody receives an email and follows a link within the first of these; someone who has been
#: waiting for it may do so within the second, and the quickest of the others within the third.
_TOO_SOON = timedelta(seconds=3)
_AT_A_RUSH = timedelta(seconds=10)
_EARLY = timedelta(seconds=60)

#: This many others within ten minutes are colleagues behind one address, or a scanner's customers;
#: with this many more, it cannot be an office.
_COMPANY, _MULTITUDE = 4, 25

#: What is appended to links that people share: by networks, by apps and by campaigns.
_SHARED_BY_PEOPLE = frozenset(
    {"fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "igsh", "igshid", "twclid"}
    | {"ttclid", "yclid", "li_fat_id", "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok"}
    | {"s", "t", "si", "ref", "ref_src", "share", "source", "via", "from"}
)


def own_signs(hit: Hit, together: MessageHits) -> Iterator[Sign]:
    """Yield the signs that a hit shows on its own."""
    yield from _of_the_request(hit)
    yield from _of_the_program(hit)
    yield from _of_the_time(hit, together)
    yield from _of_the_address(hit)
    yield from _of_the_crowd(hit, together)


def _of_the_request(hit: Hit) -> Iterator[Sign]:
    if hit.method != "GET":
        yield Sign(PROOF, f"a {hit.method} request shows nobody anything")
    if any(word in hit.purpose.lower() for word in ("prefetch", "prerender", "preview")):
        # The person whose browser prefetched it may follow the link immediately afterwards.
        yield Sign(PROOF, "it was fetched ahead of being looked at", spreads=False)
    if hit.query and not _is_shared_by_people(hit.query):
        yield Sign(PROOF, "the address was changed, as scanners do to try it out")


def _is_shared_by_people(query: str) -> bool:
    names = [name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)]
    return bool(names) and all(n in _SHARED_BY_PEOPLE or n.startswith("utm_") for n in names)


def _of_the_program(hit: Hit) -> Iterator[Sign]:
    agent = read_agent(hit.user_agent)
    if agent.program is Program.ROBOT:
        yield Sign(PROOF, agent.remark)
    elif agent.program is Program.RELAY:
        is_open = hit.kind is EventKind.OPENED
        yield Sign(PROOF, agent.remark if is_open else "the program names no browser")
    elif agent.program is Program.PROXY and hit.kind is EventKind.CLICKED:
        yield Sign(PROOF, f"{agent.remark} looked at where the link leads")
    elif agent.program is Program.BROWSER and is_outdated(hit.user_agent, hit.at.date()):
        yield Sign(LESSER, "its browser is years old", is_hint=True)


def _of_the_time(hit: Hit, together: MessageHits) -> Iterator[Sign]:
    if together.accepted_at is None:
        return
    after = hit.at - together.accepted_at
    is_click = hit.kind is EventKind.CLICKED
    if after < _TOO_SOON:
        yield Sign(PROOF, "it came sooner than anybody can look")
    elif after < _AT_A_RUSH:
        yield Sign(LESSER, "it came within seconds of the mail", is_hint=not is_click)
    elif after < _EARLY and is_click:
        yield Sign(LESSER, "it came soon after the mail", is_hint=True)


def _of_the_address(hit: Hit) -> Iterator[Sign]:
    if hit.kind is EventKind.OPENED and belongs_to_apple(hit.client):
        yield Sign(PROOF, "Apple's relay fetches every mail's pictures", spreads=False)
    owner = find_scanners_owner(hit.client)
    if owner and read_agent(hit.user_agent).program is not Program.PROXY:
        yield Sign(LESSER, f"it came from a network of {owner}")
        if is_a_phones(hit.user_agent):
            yield Sign(LESSER, "no phone is in that network", is_hint=True)


def _of_the_crowd(hit: Hit, together: MessageHits) -> Iterator[Sign]:
    others = together.crowd.get(hit.client, 0) if hit.client else 0
    if others >= _COMPANY and read_agent(hit.user_agent).program is not Program.PROXY:
        reason = f"the same address fetched for {others} others within minutes"
        yield Sign(LESSER, reason, is_hint=others < _MULTITUDE)
