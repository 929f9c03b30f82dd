"""Inserting shared parts while every line keeps track of where it was written."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nurture.domain.messages.email import EmailSource

_INCLUDE = re.compile(r'<mj-include\s+path="([^"]+)"\s*/>')


class SourceLine(NamedTuple):
    """One line and the place where it was written, as findings name it: `file, line 3`."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Spliced:
    """A text in one piece, with the place where each of its lines was written."""

    lines: list[SourceLine]

    @property
    def whole(self) -> str:
        """The text."""
        return "\n".join(line.text for line in self.lines)

    def place_of(self, line: int) -> str:
        """Return the place where a line, counted from one, was written."""
        return self.lines[min(line, len(self.lines)) - 1].place


def written_lines(content: str, file: str, first: int = 1) -> list[SourceLine]:
    """Return the lines of a file, the first of them numbered `first`.

    The MJML compiler rejects carriage returns in the head, so lines end as they do on Unix.
    """
    lines = content.replace("\r\n", "\n").split("\n")
    return [SourceLine(text, f"{file}, line {number}") for number, text in enumerate(lines, first)]


def splice(lines: Iterable[SourceLine], parts: Mapping[str, list[SourceLine]]) -> Spliced:
    """Replace each `<mj-include>` with its part; one that is unknown stays as it is."""
    pieces: list[SourceLine] = []
    for text, place in lines:
        found = _INCLUDE.search(text)
        part = parts.get(found[1]) if found else None
        if found is None or part is None:
            pieces.append(SourceLine(text, place))
            continue
        pieces.append(SourceLine(text[: found.start()], place))
        pieces += part
        pieces.append(SourceLine(text[found.end() :], place))
    return Spliced(pieces)


def shared_parts(source: EmailSource) -> dict[str, list[SourceLine]]:
    """Return the shared parts of an email by the path that an include names."""
    return {path: written_lines(part, path) for path, part in source.layout.items()}


def with_footer(text: list[SourceLine], source: EmailSource) -> Spliced:
    """Return the plain version followed by the shared footer."""
    footer = source.layout.get("layout/footer.txt", "")
    if not footer:
        return Spliced(text)
    last = max((n for n, line in enumerate(text, 1) if line.text), default=0)
    return Spliced([*text[:last], SourceLine("", ""), *written_lines(footer, "layout/footer.txt")])
