"""Hits: requests for an email's pixel and for its links, as they reached us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.tracking.events import EventKind


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a pixel or a followed link.

    `purpose` is what a browser says about fetching ahead (`Purpose`, `Sec-Purpose`, `X-Moz`), empty
    if it says nothing. `link` is where a click was redirected to, and `query` is anything that was
    appended to the address.
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
    """Everything that happened to one message, to be judged as a whole.

    `hits` are in the order they came. `links` is the number of different links in the email, 0 if
    that is not known. `crowd` maps a client's address to the number of other recipients that it
    fetched for within ten minutes.
    """

    hits: Sequence[Hit]
    accepted_at: datetime | None = None
    links: int = 0
    crowd: Mapping[str, int] = field(default_factory=dict)
