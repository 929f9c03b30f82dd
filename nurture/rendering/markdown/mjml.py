"""Converting Markdown to MJML: the components that go into the layout's card."""

from collections.abc import Iterable, Iterator
from html import escape

from markdown_it.tree import SyntaxTreeNode

from nurture.rendering.includes import SourceLine
from nurture.rendering.lint.mjml import is_spoilt
from nurture.rendering.markdown.blocks import (
    Markdown,
    find_button,
    find_picture,
    is_box,
    is_signature,
)
from nurture.rendering.syntax.masks import unmask_jinja

#: A line of MJML and the line of the file it comes from.
_Lines = Iterable[tuple[str, int]]

_COPY = '<mj-text css-class="copy">'


def markdown_as_mjml(read: Markdown, file: str) -> list[SourceLine]:
    """Return the components, each line with the place of the Markdown it was made from."""
    writer = _Writer(read)
    lines: list[SourceLine] = []
    for text, first in writer.written():
        unmasked = unmask_jinja(text, read.tags).split("\n")
        lines += [SourceLine(one, f"{file}, line {first + n}") for n, one in enumerate(unmasked)]
    return lines


class _Writer:
    """A writer of blocks in order; consecutive plain text shares one `<mj-text>`."""

    def __init__(self, read: Markdown) -> None:
        self._read = read
        self._in_copy = False

    def written(self) -> Iterator[tuple[str, int]]:
        blocks, line = self._read.blocks, self._read.first_line
        for block in blocks:
            line = self._read.line(block)
            component = list(self._component(block, is_last=block is blocks[-1]))
            if component or self._read.is_statement(block):
                yield from self._change_copy(False, line)
                yield from component or [(block.children[0].content, line)]
            else:
                yield from self._change_copy(True, line)
                yield from self._block(block)
        yield from self._change_copy(False, line)

    def _change_copy(self, wanted: bool, line: int) -> _Lines:
        if wanted is not self._in_copy:
            self._in_copy = wanted
            yield (_COPY if wanted else "</mj-text>"), line

    def _component(self, node: SyntaxTreeNode, *, is_last: bool) -> _Lines:
        """Write a block that is more than text: a button, picture, box, rule or the signature."""
        line = self._read.line(node)
        if link := find_button(node):
            href, label = _attribute(str(link.attrs["href"])), _inline(link)
            yield f'<mj-button css-class="action" href="{href}">{label}</mj-button>', line
        elif picture := find_picture(node):
            alt, src = _attribute(picture.content), _attribute(str(picture.attrs["src"]))
            yield f'<mj-image css-class="picture" alt="{alt}" src="{src}" />', line
        elif is_box(node):
            yield '<mj-text css-class="copy small article" padding="6px 0 24px">', line
            yield from self._box(node)
            yield "</mj-text>", line
        elif node.type == "hr":
            yield '<mj-divider css-class="line" />', line
        elif is_last and is_signature(node):
            words = _inline(node.children[0].children[0])
            yield f'<mj-text css-class="copy signature"><p>{words}</p></mj-text>', line

    def _box(self, box: SyntaxTreeNode) -> _Lines:
        for node in box.children:
            if node.type in ("heading", "paragraph"):
                kind = "title" if node.type == "heading" else "label"
                yield f'<p class="{kind}">{_inline(node.children[0])}</p>', self._read.line(node)
            else:
                yield from self._block(node)

    def _block(self, node: SyntaxTreeNode) -> _Lines:
        line = self._read.line(node)
        if node.type == "inline":
            yield _inline(node), line
        elif node.type == "paragraph" and node.hidden:
            yield _inline(node.children[0]), line
        elif node.type in ("paragraph", "heading"):
            tag = "p" if node.type == "paragraph" else node.tag.translate(_SHALLOW)
            yield f"<{tag}>{_inline(node.children[0])}</{tag}>", line
        elif node.type == "hr":
            yield "<hr />", line
        else:
            yield f"<{node.tag}{_start_of(node)}>", line
            for child in node.children:
                yield from self._block(child)
            yield f"</{node.tag}>", line


#: Emails have three levels of headings.
_SHALLOW = str.maketrans("456", "333")


def _start_of(node: SyntaxTreeNode) -> str:
    start = node.attrs.get("start")
    return f' start="{start}"' if start else ""


def _inline(node: SyntaxTreeNode) -> str:
    """Return the spans within a block, on as many lines as they were written on."""
    return "".join(map(_span, node.children))


def _span(node: SyntaxTreeNode) -> str:
    if node.type == "softbreak":
        return "\n"
    if node.type == "hardbreak":
        return "<br />\n"
    if node.type == "link":
        return f'<a href="{_attribute(str(node.attrs["href"]))}">{_inline(node)}</a>'
    if node.type == "code_inline":
        return f"<code>{escape(node.content, quote=False)}</code>"
    if node.type in ("em", "strong"):
        return f"<{node.tag}>{_inline(node)}</{node.tag}>"
    return escape(node.content, quote=False)


def _attribute(value: str) -> str:
    """Quote an attribute's value, without the characters that the MJML compiler would spoil."""
    one_line = " ".join(value.split())
    return "".join(f"&#{ord(c)};" if is_spoilt(c) else c for c in escape(one_line, quote=True))
