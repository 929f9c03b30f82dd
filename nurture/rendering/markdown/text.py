"""Converting Markdown to the plain version of an email: words, with the URLs written out."""

from collections.abc import Iterator
from textwrap import TextWrapper

from markdown_it.tree import SyntaxTreeNode

from nurture.rendering.links import in_brackets
from nurture.rendering.markdown.blocks import Markdown, find_button, find_picture
from nurture.rendering.syntax.masks import unmask_jinja

_WIDTH = 72
_RULE = "-" * 20


def markdown_as_text(read: Markdown) -> str:
    """Return the plain version without the footer, wrapped at 72 characters where possible."""
    pieces: list[str] = []
    for block in read.blocks:
        if read.is_statement(block):
            pieces.append(block.children[0].content.strip())
        elif words := "\n".join(_block(block, _WIDTH)):
            pieces.append(words + "\n\n")
    return unmask_jinja("".join(pieces).rstrip("\n") + "\n", read.tags)


def _block(node: SyntaxTreeNode, width: int) -> list[str]:
    """Return the lines of a block, without an empty line at the end."""
    if link := find_button(node):
        return [f"{_words(link)}:", _by_itself(str(link.attrs["href"]))]
    if picture := find_picture(node):
        return _wrapped(f"[{picture.content}]", width) if picture.content.strip() else []
    if node.type in ("paragraph", "heading"):
        return _wrapped(_words(node.children[0]), width)
    if node.type == "hr":
        return [_RULE]
    if node.type == "blockquote":
        return [f"  {line}".rstrip() for line in _blocks(node, width - 2)]
    return list(_items(node, width))


def _blocks(parent: SyntaxTreeNode, width: int) -> Iterator[str]:
    for index, node in enumerate(parent.children):
        if index and not node.hidden and node.type not in ("bullet_list", "ordered_list"):
            yield ""
        yield from _block(node, width)


def _items(listed: SyntaxTreeNode, width: int) -> Iterator[str]:
    """Return a list; its items are separated if they were separated in the source."""
    start = int(listed.attrs.get("start", 1))
    loose = any(p.type == "paragraph" and not p.hidden for i in listed.children for p in i.children)
    for number, item in enumerate(listed.children, start):
        mark = "- " if listed.type == "bullet_list" else f"{number}. "
        if loose and number != start:
            yield ""
        hang = mark
        for line in _blocks(item, width - len(mark)):
            yield (hang + line).rstrip()
            hang = " " * len(mark)


def _wrapped(words: str, width: int) -> list[str]:
    wrapper = TextWrapper(width=max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [line for part in words.split("\n") for line in wrapper.wrap(part)]


def _by_itself(address: str) -> str:
    """Return a URL without brackets, unless it can be read back whole only with them."""
    bracketed = in_brackets(address)
    return bracketed if bracketed.startswith("<") else address


def _words(node: SyntaxTreeNode) -> str:
    return "".join(map(_span, node.children))


def _span(node: SyntaxTreeNode) -> str:
    if node.type == "softbreak":
        return " "
    if node.type == "hardbreak":
        return "\n"
    if node.type == "link":
        words, address = _words(node), str(node.attrs["href"]).removeprefix("mailto:")
        is_bare = words == address or node.markup == "autolink"
        return _by_itself(address) if is_bare else f"{words} {in_brackets(address)}"
    if node.type == "image":
        return f"[{node.content}]"
    return _words(node) if node.children else node.content
