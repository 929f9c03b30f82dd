"""Parsing emails written in Markdown into blocks.

The Markdown is CommonMark without raw HTML or code blocks, so that indenting a line by accident
changes nothing. In addition, a paragraph consisting only of

- a link is a button;
- a picture is a full-width picture;
- words in italics, if it ends the email, is the signature;
- `{% if … %}` or `{% endif %}` makes the blocks between the two conditional;

and a quote containing a heading is a box that names an article. Every line break is kept, since
people type an address, or a name below a greeting, on separate lines; a paragraph is one long line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from nurture.domain.messages.email import EmailSource
from nurture.rendering.syntax.jinja_tags import JinjaTagError
from nurture.rendering.syntax.masks import mask_jinja

_READER = MarkdownIt("commonmark", {"html": False}).disable(
    ["code", "fence", "html_block", "html_inline", "lheading"]
)

#: The deepest nesting of quotes and lists; a deeper one cannot be read, and the parser silently
#: omits anything deeper than twenty.
_DEEPEST = 12

#: As many blocks as a book has.
_MOST_TOKENS = 10_000

#: A line this long that continues below was probably not broken by a person typing.
_WIDE = 55

_STATEMENTS = re.compile(r"(?:\s*qjinja([0-9]+)n)+\s*")
_MASK = re.compile(r"qjinja([0-9]+)n")


@dataclass(frozen=True, slots=True)
class Markdown:
    """The blocks of one email, with its Jinja tags masked, and the findings about it.

    `tags` are the tags in the order of their placeholders; `first_line` is the number in the
    file of the Markdown's first line.
    """

    blocks: list[SyntaxTreeNode]
    tags: list[str]
    first_line: int
    findings: list[str] = field(default_factory=list)

    def line(self, node: SyntaxTreeNode) -> int:
        """Return the line of the file on which a block begins."""
        while node.map is None and node.parent is not None:
            node = node.parent
        return self.first_line + (node.map[0] if node.map else 0)

    def is_statement(self, node: SyntaxTreeNode) -> bool:
        """Return whether a paragraph consists only of `{% … %}`."""
        return node.type == "paragraph" and _is_statement(node.children[0].content, self.tags)


def read_markdown(source: EmailSource) -> Markdown:
    """Parse an email's Markdown; findings name file and line, and nothing is raised."""
    body = source.body.replace("\r\n", "\n")
    try:
        masked, tags = mask_jinja(body, in_mjml=False)
    except JinjaTagError as error:
        line = source.first_line + body.count("\n", 0, error.offset)
        return Markdown([], [], source.first_line, [f"{source.place}, line {line}: {error}"])
    tokens = _READER.parse(masked)
    if len(tokens) > _MOST_TOKENS:
        too_long = f"{source.place}: it is longer than an email can be. Make it shorter."
        return Markdown([], [], source.first_line, [too_long])
    for token in tokens:
        _keep_lines(token.children or [], tags)
    read = Markdown(list(SyntaxTreeNode(tokens).children), tags, source.first_line)
    read.findings.extend(_findings(read, source, body))
    if any(token.level > _DEEPEST for token in tokens):
        read.findings.append(
            f"{source.place}: quotes and lists nest too deep. Write them one below the other."
        )
    return read


def _is_statement(text: str, tags: list[str]) -> bool:
    numbers = _MASK.findall(text) if _STATEMENTS.fullmatch(text) else []
    return bool(numbers) and all(tags[int(n)].startswith(("{%", "{#")) for n in numbers)


def _keep_lines(spans: list[Token], tags: list[str]) -> None:
    """Show every line break, except those inside a link or next to a conditional.

    A conditional on a line of its own is invisible, and so are the breaks around it.
    """
    lines, breaks, depth = [""], [], 0
    for span in spans:
        depth += span.nesting if span.tag == "a" else 0
        if span.type in ("softbreak", "hardbreak"):
            breaks.append((span, depth))
            lines.append("")
        else:
            lines[-1] += span.content or span.tag
    for number, (span, links) in enumerate(breaks):
        beside = (lines[number], lines[number + 1])
        if not links and not any(_is_statement(line.strip(), tags) for line in beside):
            span.type, span.tag = "hardbreak", "br"


def wrapped_lines(body: str) -> list[int]:
    """Return the lines, counted from one, that an editor seems to have wrapped in mid-sentence."""
    lines = body.splitlines()
    return [
        number
        for number, (line, below) in enumerate(pairwise(lines), 1)
        if len(line) >= _WIDE and line[-1:] not in ".!?:" and below[:1].islower()
    ]


def _findings(read: Markdown, source: EmailSource, body: str) -> Iterator[str]:
    for tag in read.tags:
        if "\n" in tag:
            line = source.first_line + body.count("\n", 0, body.find(tag))
            yield f"{source.place}, line {line}: write “{tag.split()[0]} …” on one line."
    for block in read.blocks:
        for node in block.walk():
            if node.type == "image":
                yield from _image_findings(node, f"{source.place}, line {read.line(node)}")
            elif node.type == "link" and not node.attrs.get("href"):
                yield f"{source.place}, line {read.line(node)}: a link leads nowhere. " + (
                    "Write the address between the round brackets."
                )


def _image_findings(node: SyntaxTreeNode, place: str) -> Iterator[str]:
    if not node.content.strip():
        yield f"{place}: a picture without words for those who do not see it. " + (
            "Write them between the square brackets: ![a man lifting a box](…)."
        )
    if not node.attrs.get("src"):
        yield f"{place}: a picture without an address. Write it between the round brackets."
    paragraph = node.parent.parent if node.parent else None
    if paragraph is None or find_picture(paragraph) is None:
        yield f"{place}: a picture stands among words. Give it a paragraph of its own."


def find_button(node: SyntaxTreeNode) -> SyntaxTreeNode | None:
    """Return the link that a paragraph consists of, or None."""
    return _find_only(node, "link")


def find_picture(node: SyntaxTreeNode) -> SyntaxTreeNode | None:
    """Return the picture that a paragraph consists of, or None."""
    return _find_only(node, "image")


def is_signature(node: SyntaxTreeNode) -> bool:
    """Return whether a paragraph is entirely in italics."""
    return _find_only(node, "em") is not None


def is_box(node: SyntaxTreeNode) -> bool:
    """Return whether this is a quote with a heading, which names an article."""
    return node.type == "blockquote" and any(child.type == "heading" for child in node.children)


def _find_only(node: SyntaxTreeNode, kind: str) -> SyntaxTreeNode | None:
    if node.type != "paragraph" or (node.parent and node.parent.type != "root"):
        return None
    spans = [s for s in node.children[0].children if s.type != "text" or s.content.strip()]
    return spans[0] if len(spans) == 1 and spans[0].type == kind else None
