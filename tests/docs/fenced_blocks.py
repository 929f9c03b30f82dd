"""The fenced blocks of the documentation, with what each is for."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)```(\S+) ?(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the rest of its first line, and its content."""

    language: str
    place: str
    content: str


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document, in order."""
    for _, language, place, content in FENCE.findall(text):
        yield Block(language, place, textwrap.dedent(content))
