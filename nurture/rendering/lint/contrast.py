"""The contrast of an email's text against its background (WCAG 2.2, 1.4.3).

The HTML is interpreted with the part of CSS that emails use: styles on elements, and rules for
tags and classes in `<style>`; rules for dark mode are included only on request. Colours not
written as #rgb or #rrggbb are assumed to have been checked by their author.

Any HTML is read in one pass, and the comparisons of its elements with its rules are limited.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

_NORMAL, _LARGE = 4.5, 3.0
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"})
_PIECE = re.compile(r"[^{}]+|[{}]")
_PIXELS = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)px")
_COLOUR = re.compile(r"#[0-9a-f]{3}(?:[0-9a-f]{3})?", re.IGNORECASE)
_COMPOUND = re.compile(r"([a-z][a-z0-9]*)?((?:\.[\w-]+)*)", re.IGNORECASE)


#: So often an element is compared with a rule, at most. Shipped emails need some thousand.
_MOST_COMPARISONS = 150_000

#: What of a style changes how words stand out.
_READ = frozenset(
    {"color", "background", "background-color", "font-size", "font-weight", "display"}
)


class TooManyStylesError(Exception):
    """There are too many elements and rules to compare with each other in reasonable time."""


@dataclass(frozen=True, slots=True)
class WeakContrast:
    """Words that are hard to read: the contrast `ratio` is below the minimum `wanted`."""

    words: str
    colour: str
    background: str
    ratio: float
    wanted: float
    dark: bool


def contrast(colour: str, background: str) -> float:
    """Return the contrast of two colours as #rgb or #rrggbb, between 1 and 21."""
    lighter, darker = sorted((_luminance(colour), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def weak_contrasts(html: str) -> list[WeakContrast]:
    """Return each pair of colours with too little contrast, in light and dark mode.

    Each is given with its first words. Raise `TooManyStylesError`.
    """
    found: dict[tuple[str, str, bool], WeakContrast] = {}
    for dark in (False, True):
        reader = _Reader(list(_rules(html, dark=dark)), dark=dark)
        reader.feed(html)
        for weak in reader.found:
            found.setdefault((weak.colour, weak.background, dark), weak)
    return list(found.values())


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (_linear(int(digits[n : n + 2], 16) / 255) for n in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


@dataclass(frozen=True, slots=True)
class _Rule:
    selector: tuple[tuple[str, frozenset[str]], ...]
    styles: dict[str, str]


@dataclass(slots=True)
class _Open:
    tag: str
    classes: frozenset[str]
    colour: str
    background: str
    size: float
    bold: bool
    hidden: bool = False


def _rules(html: str, *, dark: bool) -> Iterator[_Rule]:
    """Yield the rules for light or dark mode; rules for narrow screens change no colour."""
    for sheet in _between(html, "<style", "</style>"):
        bare = _without(_without(sheet.partition(">")[2], "/*", "*/"), "<!--", "-->")
        blocks = list(_blocks(bare))
        for around in ("", _DARK) if dark else ("",):
            for selectors, body in ((s, b) for place, s, b in blocks if place == around):
                styles = _styles(body)
                for selector in selectors.split(","):
                    if read := _selector(selector.strip()):
                        yield _Rule(read, styles)


_DARK = "prefers-color-scheme: dark"


def _blocks(sheet: str) -> Iterator[tuple[str, str, str]]:
    """Yield every block with its selectors and its at-rule, except those inside two at-rules."""
    around: list[str] = []
    selectors, text = None, ""
    for piece in _PIECE.findall(sheet):
        if piece == "{":
            head = text.rpartition(";")[2].strip()
            if head.startswith("@"):
                around.append(_DARK if _DARK in head.replace(":dark", ": dark") else head)
            else:
                selectors = head
        elif piece == "}" and selectors is not None:
            if len(around) < 2:
                yield "".join(around), selectors, text
            selectors = None
        elif piece == "}" and around:
            around.pop()
        text = "" if piece in "{}" else piece


def _between(text: str, start: str, end: str) -> Iterator[str]:
    """Yield the text between each `start` and the `end` that follows it."""
    at = text.find(start)
    while at >= 0 and (to := text.find(end, at)) >= 0:
        yield text[at + len(start) : to]
        at = text.find(start, to)


def _without(text: str, start: str, end: str) -> str:
    """Remove each passage from `start` to `end`; an unclosed one extends to the end of the text."""
    kept, at = [], 0
    while (found := text.find(start, at)) >= 0:
        kept.append(text[at:found])
        to = text.find(end, found + len(start))
        at = to + len(end) if to >= 0 else len(text)
    return "".join([*kept, text[at:]])


def _selector(selector: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Parse a selector into compounds; empty if it uses more than tags and classes."""
    compounds = []
    for word in selector.replace(">", " ").split():
        found = _COMPOUND.fullmatch(word)
        if not found:
            return ()
        compounds.append(((found[1] or "").lower(), frozenset(found[2].split(".")) - {""}))
    return tuple(compounds)


def _styles(body: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in body.split(";"))
    said = ((name.strip().lower(), value.strip().lower()) for name, _, value in pairs if value)
    return {name: value for name, value in said if name in _READ}


class _Reader(HTMLParser):
    """A parser that tracks which colours apply at each place in the HTML."""

    def __init__(self, rules: list[_Rule], *, dark: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._rules, self._dark = rules, dark
        self._open = [_Open("", frozenset(), "#000000", "#ffffff", 16.0, False)]
        self._tags: Counter[str] = Counter()
        self._compared = 0
        self.found: list[WeakContrast] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        above, given = self._open[-1], {name: value or "" for name, value in attrs}
        one = _Open(
            tag,
            frozenset(given.get("class", "").split()),
            above.colour,
            above.background,
            above.size,
            above.bold or tag in ("b", "strong", "h1", "h2", "h3", "th"),
            above.hidden or tag in ("style", "title", "script"),
        )
        self._open.append(one)
        self._tags[tag] += 1
        if "bgcolor" in given:
            _apply({"background": given["bgcolor"].lower()}, one)
        self._dress(one, _styles(given.get("style", "")))

    def _dress(self, one: _Open, own: dict[str, str]) -> None:
        """Apply the rules' styles, then the element's own, then those marked `!important`."""
        matching = [rule.styles for rule in self._rules if self._matches(rule)]
        for styles in matching:
            _apply(styles, one)
        _apply(own, one)
        for styles in matching:
            _apply({n: v for n, v in styles.items() if v.endswith("!important")}, one)

    def _matches(self, rule: _Rule) -> bool:
        *above, last = rule.selector
        if not self._is(self._open[-1], last):
            return False
        ancestors = iter(reversed(self._open[:-1])) if above else iter(())
        return all(any(self._is(one, wanted) for one in ancestors) for wanted in reversed(above))

    def _is(self, one: _Open, wanted: tuple[str, frozenset[str]]) -> bool:
        self._compared += 1
        if self._compared > _MOST_COMPARISONS:
            raise TooManyStylesError
        tag, classes = wanted
        return (not tag or one.tag == tag) and classes <= one.classes

    def handle_endtag(self, tag: str) -> None:
        while self._tags[tag]:
            closed = self._open.pop().tag
            self._tags[closed] -= 1
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        words, here = " ".join(data.split()), self._open[-1]
        if not words or here.hidden or not (_is_plain(here.colour) and _is_plain(here.background)):
            return
        ratio = contrast(here.colour, here.background)
        large = here.size >= 24 or (here.bold and here.size >= 18.66)
        wanted = _LARGE if large else _NORMAL
        if ratio < wanted:
            self.found.append(
                WeakContrast(words, here.colour, here.background, ratio, wanted, self._dark)
            )


def _is_plain(colour: str) -> bool:
    return bool(_COLOUR.fullmatch(colour))


def _apply(styles: dict[str, str], one: _Open) -> None:
    for name, value in styles.items():
        said = value.removesuffix("!important").strip()
        if name == "color":
            one.colour = said if said != "inherit" else one.colour
        elif name in ("background", "background-color") and said not in ("none", "transparent"):
            found = _COLOUR.search(said)
            one.background = found[0] if found else said
        elif name == "font-size" and (pixels := _PIXELS.fullmatch(said)):
            one.size = float(pixels[1])
        elif name == "font-weight":
            one.bold = said in ("bold", "bolder", "600", "700", "800", "900")
        elif name == "display" and said == "none":
            one.hidden = True
