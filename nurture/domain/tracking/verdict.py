"""The verdict on each open and click: a person, a machine, or unsure.

Everything that happened to one message is judged as a whole. Each hit gathers signs of a machine
(see `signs`): one proof settles it, two lesser signs settle it together, and one alone leaves us
unsure. A sign of a person cancels one lesser sign.
"""

from dataclasses import dataclass
from datetime import timedelta

from nurture.domain.tracking.bursts import signs_of
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MessageHits, Verdict
from nurture.domain.tracking.signs import PROOF, Sign
from nurture.domain.tracking.user_agents import Program, read_agent

__all__ = ["HOLD", "RULES", "Judgement", "Verdict", "judge"]

#: Stored with every verdict, so that hits can be judged again when there are more rules.
RULES = 2

#: How long a hit is held. With the sweeps in between, it has an effect after two minutes at most.
HOLD = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the reasons for it, in words."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge(together: MessageHits) -> list[Judgement]:
    """Judge every hit on a message, in order."""
    found = [
        _weighed(hit, signs) for hit, signs in zip(together.hits, signs_of(together), strict=True)
    ]
    return _read_by_somebody(together, found)


def _weighed(hit: Hit, signs: list[Sign]) -> Judgement:
    against = tuple(dict.fromkeys(sign.reason for sign in signs if sign.weight > 0))
    weight = sum(sign.weight for sign in signs)
    if weight >= PROOF:
        return Judgement(Verdict.MACHINE, against)
    if weight > 0 and any(sign.weight > 0 and not sign.is_hint for sign in signs):
        return Judgement(Verdict.UNSURE, against)
    return _unsuspected(hit)


def _unsuspected(hit: Hit) -> Judgement:
    """Judge a hit without signs: a click is a person's, but a fetched picture proves less."""
    agent = read_agent(hit.user_agent)
    if hit.kind is EventKind.CLICKED:
        return Judgement(Verdict.HUMAN, ("an ordinary browser followed the link",))
    if agent.program is Program.PROXY:
        seen = f"{agent.remark} fetches a picture when the mail is looked at"
        return Judgement(Verdict.HUMAN, (seen,))
    if agent.program is Program.MAIL:
        return Judgement(Verdict.HUMAN, ("a mail program showed the mail",))
    return Judgement(Verdict.UNSURE, ("a picture was fetched; who saw it is not known",))


def _read_by_somebody(together: MessageHits, found: list[Judgement]) -> list[Judgement]:
    """Attribute an open to the person who later clicked with the same browser."""
    clicked_with = {
        (hit.client, hit.user_agent)
        for hit, one in zip(together.hits, found, strict=True)
        if hit.kind is EventKind.CLICKED and one.verdict is Verdict.HUMAN
    }
    reading = Judgement(Verdict.HUMAN, ("the same browser followed a link later",))
    return [
        reading
        if one.verdict is Verdict.UNSURE
        and hit.kind is EventKind.OPENED
        and (hit.client, hit.user_agent) in clicked_with
        else one
        for hit, one in zip(together.hits, found, strict=True)
    ]
