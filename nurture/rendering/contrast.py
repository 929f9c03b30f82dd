"""How well the words of an email stand out from what is behind them (WCAG 2.2, 1.4.3).

The HTML is read with the part of CSS that mails use: styles on elements, and rules for
tags and classes in `<style>`, those for dark mode only where that is asked for. Colours
that are not written as #rgb or #rrggbb are taken to be seen to by their author.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

_NORMAL, _LARGE = 4.5, 3.0
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"})
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->", re.DOTALL)
_COLOUR = re.compile(r"#[0-9a-f]{3}(?:[0-9a-f]{3})?", re.IGNORECASE)
_COMPOUND = re.compile(r"([a-z][a-z0-9]*)?((?:\.[\w-]+)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WeakContrast:
    """Words that are hard to read: `ratio` to one, where `wanted` is the least."""

    words: str
    colour: str
    background: str
    ratio: float
    wanted: float
    dark: bool


def contrast(colour: str, background: str) -> float:
    """The contrast of two colours as #rgb or #rrggbb, between 1 and 21."""
    lighter, darker = sorted((_luminance(colour), _luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def weak_contrasts(html: str) -> list[WeakContrast]:
    """Every pair of colours that is too weak, in light and in dark mode, with the first words."""
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
    """The rules that hold in light or in dark mode; those for narrow screens change no colour."""
    for sheet in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL):
        bare = _COMMENT.sub("", sheet)
        plain, of_dark = _split_media(bare)
        for selectors, body in _RULE.findall(plain + (of_dark if dark else "")):
            for selector in selectors.split(","):
                if read := _selector(selector.strip()):
                    yield _Rule(read, _styles(body))


def _split_media(sheet: str) -> tuple[str, str]:
    """What stands outside `@media`, and what stands in the dark one."""
    plain, dark, at = [], [], 0
    for found in re.finditer(r"@media([^{]*)\{((?:[^{}]*\{[^{}]*\})*)\s*\}", sheet):
        plain.append(sheet[at : found.start()])
        if "prefers-color-scheme: dark" in found[1].replace(":dark", ": dark"):
            dark.append(found[2])
        at = found.end()
    return "".join([*plain, sheet[at:]]), "".join(dark)


def _selector(selector: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The compounds of a selector; empty for one that says more than tags and classes."""
    compounds = []
    for word in selector.replace(">", " ").split():
        found = _COMPOUND.fullmatch(word)
        if not found:
            return ()
        compounds.append(((found[1] or "").lower(), frozenset(found[2].split(".")) - {""}))
    return tuple(compounds)


def _styles(body: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in body.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs if value}


class _Reader(HTMLParser):
    """Reads the HTML with the colours that hold where it is."""

    def __init__(self, rules: list[_Rule], *, dark: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._rules, self._dark = rules, dark
        self._open = [_Open("", frozenset(), "#000000", "#ffffff", 16.0, False)]
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
        if "bgcolor" in given:
            _apply({"background": given["bgcolor"].lower()}, one)
        self._dress(one, _styles(given.get("style", "")))

    def _dress(self, one: _Open, own: dict[str, str]) -> None:
        """What rules say, then what the element says, then what is important."""
        matching = [rule.styles for rule in self._rules if self._matches(rule)]
        for styles in matching:
            _apply(styles, one)
        _apply(own, one)
        for styles in matching:
            _apply({n: v for n, v in styles.items() if v.endswith("!important")}, one)

    def _matches(self, rule: _Rule) -> bool:
        *above, last = rule.selector
        if not _is(self._open[-1], last):
            return False
        ancestors = iter(reversed(self._open[:-1]))
        return all(any(_is(one, wanted) for one in ancestors) for wanted in reversed(above))

    def handle_endtag(self, tag: str) -> None:
        if any(one.tag == tag for one in self._open):
            while self._open.pop().tag != tag:
                pass

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


def _is(one: _Open, wanted: tuple[str, frozenset[str]]) -> bool:
    tag, classes = wanted
    return (not tag or one.tag == tag) and classes <= one.classes


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
        elif name == "font-size" and said.endswith("px"):
            one.size = float(said.removesuffix("px") or 0)
        elif name == "font-weight":
            one.bold = said in ("bold", "bolder", "600", "700", "800", "900")
        elif name == "display" and said == "none":
            one.hidden = True
