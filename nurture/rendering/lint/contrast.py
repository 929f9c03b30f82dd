"""How well the words of an email stand out from what is behind them (WCAG 2.2, 1.4.3).

The HTML is read with its styles: those on elements and the rules in `<style>`, of which those for
dark mode apply only if asked for. Colours not written as #rgb or #rrggbb are left to their author.

Any HTML is read in one pass, and the work of comparing it with its rules is limited.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import tinycss2
from cssselect2 import ElementWrapper, Matcher, SelectorError, compile_selector_list

_NORMAL, _LARGE = 4.5, 3.0
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"})
_HIDDEN = frozenset({"style", "title", "script"})
_BOLD = frozenset({"b", "strong", "h1", "h2", "h3", "th"})
_PIXELS = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)px")
_COLOUR = re.compile(r"#[0-9a-f]{3}(?:[0-9a-f]{3})?", re.IGNORECASE)
#: A tag or a class in a selector.
_PART = re.compile(r"\.[\w-]+|^[\w-]+")
#: A comma between two selectors of a list, not one inside a function.
_COMMA = re.compile(r",(?![^()]*\))")
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark", re.IGNORECASE)

#: The most comparisons of an element with a rule. The emails we ship need about ten thousand.
_MOST_COMPARISONS = 1_000_000

#: The deepest nesting of elements, if there are rules. The emails we ship have about twenty.
_DEEPEST = 250

#: The number of comparisons that cost as much as preparing one step of a selector.
_TO_COMPILE = 100

#: The properties of a style that change how words stand out.
_READ = frozenset(
    {"color", "background", "background-color", "font-size", "font-weight", "display"}
)


class TooManyStylesError(Exception):
    """More elements and rules, or deeper ones, than can be compared in reasonable time."""


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
    root = _Tree(html).root
    rules = [rule for sheet in root.iter("style") for rule in _rules(sheet.text or "")]
    elements = list(ElementWrapper.from_html_root(root).iter_subtree())
    _insist_on_good_time(rules, root)
    found: dict[tuple[str, str, bool], WeakContrast] = {}
    for dark in (False, True):
        for weak in _weak(elements, _matcher(rules, dark), dark):
            found.setdefault((weak.colour, weak.background, dark), weak)
    return list(found.values())


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (_linear(int(digits[n : n + 2], 16) / 255) for n in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


class _Tree(HTMLParser):
    """The elements of a document, each closed with its parent at the latest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._builder, self._open, self._tags = TreeBuilder(), ["root"], Counter[str](["root"])
        self._builder.start("root", {})
        self.feed(html)
        self.close()
        self.handle_endtag("root")
        self.root: Element = self._builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._builder.start(tag, {name: value or "" for name, value in attrs})
            self._open.append(tag)
            self._tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        while self._tags[tag]:
            closed = self._open.pop()
            self._builder.end(closed)
            self._tags[closed] -= 1
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        self._builder.data(data)


@dataclass(frozen=True, slots=True)
class _Rule:
    selector: str
    styles: "_Styles"
    dark: bool


#: The declarations of a style: for each property the value, and whether it is important.
_Styles = dict[str, tuple[str, bool]]


def _rules(sheet: str, around: str = "") -> Iterator[_Rule]:
    """Yield the rules for both modes and for dark mode; rules for narrow screens set no colours."""
    for one in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        if one.type == "qualified-rule":
            yield _Rule(tinycss2.serialize(one.prelude), _styles(one.content), dark=False)
        elif (
            one.type == "at-rule" and one.content and _DARK.search(tinycss2.serialize(one.prelude))
        ):
            for inner in tinycss2.parse_rule_list(one.content):
                if inner.type == "qualified-rule":
                    said = _styles(inner.content)
                    yield _Rule(tinycss2.serialize(inner.prelude), said, dark=True)


def _styles(said: str | Iterable[Any]) -> _Styles:
    return {
        one.lower_name: (tinycss2.serialize(one.value).strip().lower(), one.important)
        for one in tinycss2.parse_blocks_contents(said)
        if one.type == "declaration" and one.lower_name in _READ
    }


def _insist_on_good_time(rules: list[_Rule], root: Element) -> None:
    """Raise `TooManyStylesError` if comparing would take too long.

    Each descendant in a selector may be tried against every ancestor of an element.
    """
    named, depth = _named(root)
    if rules and depth > _DEEPEST:
        raise TooManyStylesError
    comparisons = 0
    for selector in (one for rule in rules for one in rule.selector.split(",")):
        *descents, last = selector.split() or [""]
        tried = min((named[part] for part in _PART.findall(last)), default=named["root"])
        comparisons += _TO_COMPILE * (1 + len(descents)) + tried * depth ** min(len(descents), 9)
        if comparisons > _MOST_COMPARISONS:
            raise TooManyStylesError


def _named(root: Element) -> tuple[Counter[str], int]:
    """Count the elements in all and by tag and class; also return how deeply they are nested."""
    named, depth, level = Counter[str](), 0, [root]
    while level:
        depth += 1
        for one in level:
            named.update((one.tag, *(f".{word}" for word in one.get("class", "").split())))
        level = [inner for one in level for inner in one]
    named["root"] = named.total()
    return named, depth


def _matcher(rules: list[_Rule], dark: bool) -> Matcher:
    """Return a matcher for an element's rules, without selectors that use functions (`:has()`)."""
    matcher = Matcher()
    for rule in sorted((one for one in rules if dark or not one.dark), key=lambda one: one.dark):
        for selector in _selectors(rule.selector):
            if selector.pseudo_element is None:
                matcher.add_selector(selector, rule.styles)
    return matcher


def _selectors(listed: str) -> Iterator[Any]:
    """Compile each selector of a list by itself, so that an odd one leaves the others in force."""
    for one in _COMMA.split(listed):
        with suppress(SelectorError):
            yield from compile_selector_list(one) if "(" not in one else ()


@dataclass(frozen=True, slots=True)
class _Look:
    colour: str = "#000000"
    background: str = "#ffffff"
    size: float = 16.0
    bold: bool = False
    hidden: bool = False


def _weak(elements: list[Any], matcher: Matcher, dark: bool) -> Iterator[WeakContrast]:
    looks: dict[Element, _Look] = {}
    for one in elements:
        above = looks[one.parent.etree_element] if one.parent is not None else _Look()
        looks[one.etree_element] = _look(one, matcher, above)
        for words, look in ((one.etree_element.text, looks[one.etree_element]),) + (
            (one.etree_element.tail, above),
        ):
            if weak := _judge(" ".join((words or "").split()), look, dark):
                yield weak


def _look(one: Any, matcher: Matcher, above: _Look) -> _Look:
    """Apply the rules, then the element's own style, then whatever is marked important."""
    element: Element = one.etree_element
    look = replace(
        above,
        bold=above.bold or element.tag in _BOLD,
        hidden=above.hidden or element.tag in _HIDDEN,
    )
    if background := element.get("bgcolor"):
        look = _with(look, "background", background.lower())
    styles = [*(styles for *_, styles in matcher.match(one)), _styles(element.get("style", ""))]
    for important in (False, True):
        for said in styles:
            for name, (value, is_important) in said.items():
                if is_important is important:
                    look = _with(look, name, value)
    return look


def _with(look: _Look, name: str, value: str) -> _Look:
    if name == "color":
        return replace(look, colour=value) if value != "inherit" else look
    if name in ("background", "background-color") and value not in ("none", "transparent"):
        found = _COLOUR.search(value)
        return replace(look, background=found[0] if found else value)
    if name == "font-size" and (pixels := _PIXELS.fullmatch(value)):
        return replace(look, size=float(pixels[1]))
    if name == "font-weight":
        return replace(look, bold=value in ("bold", "bolder", "600", "700", "800", "900"))
    return replace(look, hidden=True) if (name, value) == ("display", "none") else look


def _judge(words: str, look: _Look, dark: bool) -> WeakContrast | None:
    plain = _COLOUR.fullmatch(look.colour) and _COLOUR.fullmatch(look.background)
    if not words or look.hidden or not plain:
        return None
    ratio = contrast(look.colour, look.background)
    large = look.size >= 24 or (look.bold and look.size >= 18.66)
    wanted = _LARGE if large else _NORMAL
    weak = WeakContrast(words, look.colour, look.background, ratio, wanted, dark)
    return weak if ratio < wanted else None
