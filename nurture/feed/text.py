"""Plain text from what a post says: no markup, no invisible characters, on one line."""

import re
from html import unescape
from html.parser import HTMLParser
from unicodedata import category

import nh3

#: Elements of which nothing is a sentence of the post.
_LEFT_OUT = frozenset(
    {"script", "style", "noscript", "template", "figure", "figcaption", "iframe", "form"}
    | {"nav", "table", "svg", "math", "button", "h1", "h2", "h3", "h4", "h5", "h6"}
)

#: Elements that begin and end a paragraph.
_BLOCKS = frozenset({"p", "div", "ul", "ol", "li", "blockquote", "pre", "hr", "section", "article"})

#: Elements that separate words.
_BREAKS = frozenset({"br"})

_BLOCK = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))})(?: [^>]*)?/?>")
_BREAK = re.compile(r"<br(?: [^>]*)?/?>")

#: Joins and varies what stands before it, as in emoji made of several.
_JOINERS = frozenset("\u200c\u200d")

#: A paragraph shorter than this is a name, a date or a label.
_SHORTEST_PARAGRAPH = 25

#: What blogs add below an excerpt.
_BOILERPLATE = re.compile(r"^The post .{1,300} appeared first on .{1,200}\.?$")
_CUT_MARK = re.compile(r"\s*(?:\[(?:…|\.{3})\]|Continue reading.{0,200}|Read more.{0,50})\s*→?$")


def one_line(text: str, most: int) -> str:
    """Return text without control and formatting characters, on one line and cut to `most`."""
    shown = "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_shown(c))
    words = " ".join(shown.split())
    if len(words) <= most:
        return words
    cut = words[: most - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut
    return at_word.rstrip(" ,;:.-–—") + "…"


def from_html(html: str, most: int) -> str:
    """Return the words of HTML on one line."""
    broken = nh3.clean(html, tags=set(_BREAKS | _BLOCKS), attributes={}, strip_comments=True)
    return one_line(unescape(_BLOCK.sub(" ", _BREAK.sub(" ", broken))), most)


def first_paragraph(html: str, most: int) -> str:
    """Return the first paragraph that says something, without headings and captions."""
    kept = nh3.clean(
        html,
        tags=set(_BREAKS | _BLOCKS),
        clean_content_tags=set(_LEFT_OUT),
        attributes={},
        strip_comments=True,
    )
    lines = [one_line(unescape(_BREAK.sub(" ", part)), most) for part in _BLOCK.split(kept)]
    said = [_CUT_MARK.sub("…", line) for line in lines if line and not _BOILERPLATE.match(line)]
    long_enough = (line for line in said if len(line) >= _SHORTEST_PARAGRAPH)
    return next(long_enough, said[0] if said else "")


def first_picture(html: str) -> str:
    """Return the address of the first picture that is to be seen, as it is written; else ""."""
    finder = _Pictures()
    finder.feed(html)
    return finder.found


def _is_shown(character: str) -> bool:
    return category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") or character in _JOINERS


class _Pictures(HTMLParser):
    """Finds the first `<img>` that does not count visitors."""

    def __init__(self) -> None:
        super().__init__()
        self.found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        tiny = {given.get("width", "").strip("px "), given.get("height", "").strip("px ")}
        if tag == "img" and not self.found and tiny.isdisjoint({"0", "1"}):
            self.found = given.get("src", "").strip()
