"""Hits: requests for a mail's pixel and for its links, as they reached us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.tracking.events import EventKind


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a pixel or a followed link.

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
