"""The words that open a backup: eight of 2,048, which is 88 bits."""

import re
import secrets
from functools import cache
from pathlib import Path

WORDS = 8


def make_words() -> str:
    """Return new words, drawn evenly and independently, joined as they are to be typed."""
    return "-".join(secrets.choice(_list()) for _ in range(WORDS))


def as_typed(words: str) -> str:
    """Return the words in one form; capitals, blanks and line breaks make no difference."""
    return "-".join(re.findall(r"[a-z]+", words.lower()))


@cache
def _list() -> list[str]:
    return Path(__file__).with_name("words.txt").read_text(encoding="ascii").split()
