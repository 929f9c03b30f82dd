"""Refusals read back from the sentence that is stored beside the message they were about."""

import re
from dataclasses import dataclass

from nurture.domain.messages.refusal import Refusal, Stage, understand

_SAID = re.compile(
    r"(?:refused|asks to try) (?P<stage>the address|MAIL|RCPT|DATA|the message)(?: again later)?: "
    r"(?P<code>[45]\d\d) (?P<text>.*)",
    re.DOTALL,
)
_STAGES = {"the address": Stage.RECIPIENT}


@dataclass(frozen=True, slots=True)
class ToldRefusal:
    """A mail server's answer in its own words, and what it is about as now understood."""

    code: int
    text: str
    refusal: Refusal


def read_refusal(reason: str) -> ToldRefusal | None:
    """Return the refusal that a stored reason tells of; `None` if it tells of none."""
    said = _SAID.search(reason)
    if said is None:
        return None
    stage, code = _STAGES.get(said["stage"]) or Stage(said["stage"]), int(said["code"])
    return ToldRefusal(code, said["text"], understand(stage, code, said["text"]))
