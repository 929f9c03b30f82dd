"""Finding where the Jinja tags of a template begin and end, with Jinja's own lexer."""

from collections.abc import Iterator
from dataclasses import dataclass

import jinja2

from nurture.domain.errors import NurtureError

#: Replaces every character of a Jinja tag. It is a Unicode noncharacter (Unicode 16, section 23.7),
#: reserved for use inside one program.
FILLER = "\ufdd0"

_BEGINS = frozenset({"variable_begin", "block_begin", "comment_begin"})
_ENDS = frozenset({"variable_end", "block_end", "comment_end"})
_WHOLE = frozenset({"raw_begin", "raw_end"})

#: An environment that parses tags and renders nothing.
_LEXER = jinja2.Environment(keep_trailing_newline=True, autoescape=True)


class JinjaTagError(NurtureError):
    """A Jinja tag cannot be parsed; `offset` is where it begins, counted from zero."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message, remedy="Check its brackets, quotes and end.")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class JinjaTag:
    """A Jinja tag: `source[start:end]` is one `{{…}}`, `{%…%}` or `{#…#}`.

    `keyword` is the first word of a statement (`if`, `endfor`); it is `{{` for
    an expression and `{#` for a comment.
    """

    start: int
    end: int
    keyword: str

    @property
    def is_comment(self) -> bool:
        """Whether it is a `{#…#}`, which renders to nothing."""
        return self.keyword == "{#"


def jinja_tags(source: str) -> list[JinjaTag]:
    """Return every Jinja tag in order; raise JinjaTagError if one has no readable end."""
    tags: list[JinjaTag] = []
    start, keyword = -1, ""
    try:
        for offset, kind, value in _lexed(source):
            if kind in _BEGINS:
                start, keyword = offset, "" if kind == "block_begin" else value[:2]
            elif kind == "name" and not keyword:
                keyword = value
            elif kind in _ENDS:
                tags.append(JinjaTag(start, offset + len(value.rstrip()), keyword))
                start = -1
            elif kind in _WHOLE:
                tags.append(JinjaTag(offset, offset + len(value.rstrip()), kind))
    except jinja2.TemplateSyntaxError as error:
        raise _unreadable(source, tags, error.message or "it has no end") from None
    if start >= 0:
        raise JinjaTagError("This Jinja tag has no end.", offset=start)
    return tags


def find_unclosed_choice(tags: list[JinjaTag]) -> JinjaTag | None:
    """Return the innermost `{% if … %}` that no `{% endif %}` closes, or None."""
    open_choices: list[JinjaTag] = []
    for tag in tags:
        if tag.keyword == "if":
            open_choices.append(tag)
        elif tag.keyword == "endif" and open_choices:
            open_choices.pop()
    return open_choices[-1] if open_choices else None


def _lexed(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield the lexer's tokens with their offsets, which the lexer does not report.

    The lexer joins lines with a plain newline and drops the white space before a tag that
    begins with a hyphen: it is therefore given spaces for carriage returns, and white space
    is skipped when looking for a token.
    """
    shown = source.replace("\r", " ")
    offset = 0
    for _, kind, value in _LEXER.lex(shown):
        while not shown.startswith(value, offset) and shown[offset].isspace():
            offset += 1
        yield offset, kind, value
        offset += len(value)


def _unreadable(source: str, tags: list[JinjaTag], reason: str) -> JinjaTagError:
    """Locate the faulty tag: the lexer names a line at most, so it is the first tag not parsed."""
    after = tags[-1].end if tags else 0
    begins = [source.find(mark, after) for mark in ("{{", "{%", "{#")]
    offset = min((begin for begin in begins if begin >= 0), default=after)
    return JinjaTagError(f"This Jinja tag cannot be read: {reason}.", offset=offset)


def blanked(source: str, tags: list[JinjaTag]) -> str:
    """Overwrite the source's tags with FILLER, so that all other characters keep their offsets."""
    parts: list[str] = []
    after = 0
    for tag in tags:
        parts.append(source[after : tag.start])
        parts.append(FILLER * (tag.end - tag.start))
        after = tag.end
    return "".join(parts) + source[after:]
