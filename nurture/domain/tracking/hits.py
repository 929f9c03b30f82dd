"""Hits: requests for an email's pixel and for its links, in one shape from request to row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from nurture.domain.tracking.events import EventKind


class Verdict(StrEnum):
    """The party behind a hit: a person or a machine."""

    HUMAN = "human"
    MACHINE = "machine"
    UNSURE = "unsure"


class Hit(NamedTuple):
    """One request for a pixel or a followed link, from the web's answer to the stored row.

    `purpose` is what a browser says about fetching ahead (`Purpose`, `Sec-Purpose`, `X-Moz`), empty
    if it says nothing. `link` is where a click was redirected to, and `query` what was appended to
    the address. `message` is the number of the email that was opened or clicked. `line` names the
    line of a journal that the hit was read from, and `row` is the number of its row; both are empty
    until then. `verdict` and the `rules` it was judged by are `None` until the hit has been judged.
    """

    kind: EventKind
    at: datetime
    method: str = "GET"
    user_agent: str = ""
    client: str = ""
    purpose: str = ""
    link: str | None = None
    query: str = ""
    message: int = 0
    line: str = ""
    row: int = 0
    verdict: Verdict | None = None
    rules: int | None = None


class MoreHits(NamedTuple):
    """How many more hits of one kind an email had, which are counted but not stored."""

    message: int
    kind: EventKind
    more: int


@dataclass(frozen=True, slots=True)
class MessageHits:
    """All hits on one message, to be judged as a whole.

    `hits` are in the order they came. `links` counts the different links the email has, 0 if that
    is not known. `crowd` says for how many other recipients each client address fetched within ten
    minutes.
    """

    hits: Sequence[Hit]
    accepted_at: datetime | None = None
    links: int = 0
    crowd: Mapping[str, int] = field(default_factory=dict)
