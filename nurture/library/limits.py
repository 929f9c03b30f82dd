"""Limits on a TOML document, checked before anything reads it.

The parsers are slow on input that nobody intends: 40 KB of one dotted key cost seconds and
gigabytes, and a list nested a thousand levels deep exhausts the stack. The check is one pass over
the text, whatever it contains. The limits are far above any file that people write.
"""

import re
from collections.abc import Iterator

LONGEST_DOCUMENT = 100_000
MOST_VALUES, MOST_DOTS = 10_000, 2_000
DEEPEST_VALUE, MOST_PARTS, MOST_DIGITS = 24, 5, 40

#: Texts and comments, which may contain anything, and what counts outside them. Every kind of text
#: also ends with the document, so that no place is examined twice. A text of several lines may have
#: two more quotes before its end (TOML 1.0, “String”).
_TOKEN = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*(?:"{3,5}|\Z)|'
    r"'''(?:[^']|'(?!''))*(?:'{3,5}|\Z)|"
    r'"(?:[^"\\\n]|\\.)*"?|'
    r"'[^'\n]*'?|"
    r"#[^\n]*|"
    r"(?P<digits>(?<![\w-])[+-]?[0-9][0-9A-Fa-f_xob]*)|"
    r"[\[\]{}=,.\n]",
    re.DOTALL,
)


def excess_of(toml: str) -> str:
    """Say in a sentence what is excessive in a document, or return an empty string."""
    if len(toml) > LONGEST_DOCUMENT:
        return f"it has {len(toml):,} characters; keep it under {LONGEST_DOCUMENT:,}."
    return next(_excesses(toml), "")


def _excesses(toml: str) -> Iterator[str]:
    depth = values = dots = parts = 0
    for line, token in _tokens(toml):
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        values += token in ("=", ",", "[", "{")
        dots += token == "."
        parts = parts + 1 if token == "." else 0 if token in ("\n", "=", ",") else parts
        if depth > DEEPEST_VALUE:
            yield f"line {line}: it nests more than {DEEPEST_VALUE} deep."
        if parts >= MOST_PARTS:
            yield f"line {line}: a name has more than {MOST_PARTS} parts with dots between."
        if len(token) > MOST_DIGITS:
            yield f"line {line}: a number has more than {MOST_DIGITS} digits."
        if values > MOST_VALUES or dots > MOST_DOTS:
            yield f"line {line}: it has more values than anybody reads. Make it shorter."


def _tokens(toml: str) -> Iterator[tuple[int, str]]:
    """Yield the tokens that count, with their lines; texts and comments are left out."""
    line = 1
    for found in _TOKEN.finditer(toml):
        token = found[0]
        if token == "\n" or found["digits"] or (len(token) == 1 and token not in "\"'#"):
            yield line, token
        line += token.count("\n")
