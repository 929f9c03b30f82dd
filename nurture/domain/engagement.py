"""Who opened or clicked: a person, a machine, or we cannot tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.events import EventKind

#: Kept with every verdict, so that hits can be judged again when the rules have grown.
RULES = 2

#: How long a hit is held. With the sweeps between, it moves something after at most two minutes.
HOLD = timedelta(seconds=90)

#: Security scanners fetch a mail's links while it is being delivered; people need longer.
_TOO_SOON = timedelta(seconds=3)


class Verdict(StrEnum):
    """Who was behind a hit."""

    HUMAN = "human"
    MACHINE = "machine"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a pixel or a followed link, as it reached us.

    `purpose` is what a browser says about fetching ahead (`Purpose`, `Sec-Purpose`,
    `X-Moz`), empty where it says nothing. `link` is where a click was redirected to, and
    `query` what somebody had appended to the address.
    """

    kind: EventKind
    at: datetime
    method: str = "GET"
    user_agent: str = ""
    client: str = ""
    purpose: str = ""
    link: str | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """All that happened to one message, to be judged as a whole.

    `hits` are in the order they came. `links` counts the different links the email has, 0
    where that is not known. `crowd` says of a client's address for how many other recipients
    it fetched within ten minutes.
    """

    hits: Sequence[Hit]
    accepted_at: datetime | None = None
    links: int = 0
    crowd: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the reasons for it, in words."""

    verdict: Verdict
    reasons: tuple[str, ...]


_Rule = Callable[[Hit, datetime | None], Judgement | None]


def judge(occasion: Occasion) -> list[Judgement]:
    """Judge every hit of an occasion, in their order."""
    return [_judge_one(hit, occasion.accepted_at) for hit in occasion.hits]


def _judge_one(hit: Hit, accepted_at: datetime | None) -> Judgement:
    """The first rule that knows something decides."""
    for rule in _RULES:
        judgement = rule(hit, accepted_at)
        if judgement:
            return judgement
    return _by_default(hit)


def _asked_without_showing(hit: Hit, _: datetime | None) -> Judgement | None:
    return _machine("a HEAD request shows nobody anything") if hit.method == "HEAD" else None


def _fetched_ahead(hit: Hit, _: datetime | None) -> Judgement | None:
    ahead = any(word in hit.purpose.lower() for word in ("prefetch", "prerender", "preview"))
    return _machine("it was fetched ahead of being looked at") if ahead else None


def _no_browser(hit: Hit, _: datetime | None) -> Judgement | None:
    agent = hit.user_agent.strip().lower()
    if not agent:
        return _machine("it does not say which program asked")
    named = next((name for name in _PROGRAMS if name in agent), None)
    return _machine(f"the program calls itself “{named}”") if named else None


def _mail_proxy(hit: Hit, _: datetime | None) -> Judgement | None:
    """Apple fetches every picture whether or not it is looked at; Gmail when it is."""
    agent = hit.user_agent.strip()
    if agent == "Mozilla/5.0":
        return _machine("Apple's mail privacy fetches every mail's pictures")
    if "GoogleImageProxy" in agent:
        return Judgement(Verdict.HUMAN, ("Gmail fetches a picture when the mail is looked at",))
    if "YahooMailProxy" in agent:
        return Judgement(Verdict.UNSURE, ("Yahoo fetches pictures for itself as well",))
    return None


def _sooner_than_anybody(hit: Hit, accepted_at: datetime | None) -> Judgement | None:
    if accepted_at is not None and hit.at - accepted_at < _TOO_SOON:
        return _machine("it came within seconds of the mail")
    return None


def _by_default(hit: Hit) -> Judgement:
    if hit.kind is EventKind.CLICKED:
        return Judgement(Verdict.HUMAN, ("an ordinary browser followed the link",))
    return Judgement(Verdict.UNSURE, ("a picture was fetched; who saw it is not known",))


def _machine(reason: str) -> Judgement:
    return Judgement(Verdict.MACHINE, (reason,))


_PROGRAMS = (
    "barracuda",
    "bot",
    "crawler",
    "curl/",
    "facebookexternalhit",
    "go-http-client",
    "headless",
    "httpclient",
    "java/",
    "libwww",
    "mimecast",
    "okhttp",
    "phantomjs",
    "proofpoint",
    "python",
    "scan",
    "slackbot",
    "spider",
    "symantec",
    "wget",
    "whatsapp",
)
_RULES: tuple[_Rule, ...] = (
    _asked_without_showing,
    _fetched_ahead,
    _no_browser,
    _mail_proxy,
    _sooner_than_anybody,
)
