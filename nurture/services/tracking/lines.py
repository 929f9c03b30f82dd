"""Journal lines: how a hit is written and read."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nurture.domain.errors import NurtureError
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Hit

#: Text that every database takes.
_Storable = Annotated[str, Field(pattern=r"^[^\x00]*$")]

#: What is kept of a user agent and the like, some programs send pages of it, and of the rest.
_AGENT, _LINK, _METHOD, _CLIENT = 300, 2000, 16, 64

#: Hits are stamped by our own clock; a line that names another time was not written by it.
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SeenHit:
    """A hit on one message."""

    message: int
    hit: Hit


@dataclass(frozen=True, slots=True)
class SeenMore:
    """A number of hits of one kind on one message that are only counted, not stored."""

    message: int
    kind: EventKind
    more: int


class UnreadableLineError(NurtureError):
    """A line that no version of this program wrote, or that was damaged."""


def as_line(seen: SeenHit) -> bytes:
    """Return a hit as a line, with every value cut to a maximum length."""
    hit = seen.hit
    return _written(
        {
            "kind": hit.kind,
            "message": seen.message,
            "at": hit.at.isoformat(),
            "method": hit.method[:_METHOD],
            "agent": hit.user_agent[:_AGENT],
            "client": hit.client[:_CLIENT],
            "purpose": hit.purpose[:_AGENT],
            "link": hit.link[:_LINK] if hit.link is not None else None,
            "query": hit.query[:_AGENT],
        }
    )


def as_count(seen: SeenMore) -> bytes:
    """Return a count of hits as a line."""
    return _written({"kind": seen.kind, "message": seen.message, "more": seen.more})


def _written(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class _Line(BaseModel):
    """A journal line as this version writes it."""

    model_config = ConfigDict(strict=True)

    kind: EventKind
    message: int = Field(ge=1, le=2**31 - 1)


class _HitLine(_Line):
    at: AwareDatetime = Field(ge=_FIRST, lt=_LAST)
    method: _Storable
    agent: _Storable
    client: _Storable
    purpose: _Storable
    link: _Storable | None
    query: _Storable = ""


class _CountLine(_Line):
    more: int = Field(ge=1, le=2**31 - 1)


_ANY_LINE: TypeAdapter[_CountLine | _HitLine] = TypeAdapter(_CountLine | _HitLine)


def from_line(line: bytes) -> SeenHit | SeenMore:
    """Parse a line; may raise `UnreadableLineError`."""
    try:
        read = _ANY_LINE.validate_json(line)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(one["type"]) for one in error.errors(include_input=False)}))
        raise UnreadableLineError(f"This is no hit: {wrong}.") from None
    if isinstance(read, _CountLine):
        return SeenMore(read.message, read.kind, read.more)
    hit = Hit(
        kind=read.kind,
        at=read.at,
        method=read.method[:_METHOD],
        user_agent=read.agent[:_AGENT],
        client=read.client[:_CLIENT],
        purpose=read.purpose[:_AGENT],
        link=read.link[:_LINK] if read.link is not None else None,
        query=read.query[:_AGENT],
    )
    return SeenHit(read.message, hit)
