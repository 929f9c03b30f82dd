"""A journal's lines: how a hit is written down, and how it is read again."""

import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from nurture.domain.engagement import Hit
from nurture.domain.events import EventKind

#: Text that every database takes.
_Storable = Annotated[str, Field(pattern=r"^[^\x00]*$")]

#: What is kept of a user agent and the like; some programs send pages of it.
_AGENT = 300


@dataclass(frozen=True, slots=True)
class SeenHit:
    """A hit on one message."""

    message: int
    hit: Hit


def as_line(seen: SeenHit) -> bytes:
    hit = seen.hit
    document = {
        "kind": hit.kind,
        "message": seen.message,
        "at": hit.at.isoformat(),
        "method": hit.method,
        "agent": hit.user_agent[:_AGENT],
        "client": hit.client,
        "purpose": hit.purpose[:_AGENT],
        "link": hit.link,
        "query": hit.query[:_AGENT],
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class _Line(BaseModel):
    """A journal's line as this version writes it."""

    model_config = ConfigDict(strict=True)

    kind: EventKind
    message: int = Field(ge=1, le=2**31 - 1)
    at: AwareDatetime
    method: _Storable
    agent: _Storable
    client: _Storable
    purpose: _Storable
    link: _Storable | None
    query: _Storable = ""


def from_line(line: bytes) -> SeenHit | None:
    """A line that a crash cut short, or that another version wrote, is passed over."""
    try:
        read = _Line.model_validate_json(line)
    except ValidationError:
        return None
    hit = Hit(
        read.kind,
        read.at,
        read.method,
        read.agent,
        read.client,
        read.purpose,
        read.link,
        read.query,
    )
    return SeenHit(read.message, hit)
