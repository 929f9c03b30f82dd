"""The words that open a backup: eight of 2,048, which is 88 bits."""

import re
import secrets
from functools import cache
from pathlib import Path

WORDS = 8


def make_words() -> str:
    """New words, drawn evenly and independently, joined as they are to be typed."""
    return "-".join(secrets.choice(_list()) for _ in range(WORDS))


def as_typed(words: str) -> str:
    """The words however they were written down: capitals, blanks and new lines make no odds."""
    return "-".join(re.findall(r"[a-z]+", words.lower()))


@cache
def _list() -> list[str]:
    return Path(__file__).with_name("words.txt").read_text(encoding="ascii").split()
