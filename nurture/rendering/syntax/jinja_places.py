"""Jinja tags that the MJML compiler would lose, move or split."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nurture.rendering.syntax.components import components
from nurture.rendering.syntax.jinja_tags import JinjaTag
from nurture.rendering.syntax.mjml import Attribute, Document, Element, Fault

#: Statements that open a block, which the statement named `end…` closes. (`set` may open one or
#: none, so it is left out.)
_BLOCKS = frozenset(
    {"autoescape", "block", "call", "filter", "for", "if", "macro", "trans", "with"}
)
_MIDDLES = frozenset({"else", "elif"})

#: What may be anywhere in the head, since the compiler writes it at the head's end.
_MOVABLE = frozenset({"{#", "set", "import", "from", "include"})

_REFUSING = frozenset({"mj-accordion-element", "mj-attributes", "mj-carousel"})


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a tag: in `element`'s content, or else among its attributes or in a value."""

    element: Element | None
    value_of: str = ""
    is_among_attributes: bool = False
    is_in_comment: bool = False

    @property
    def home(self) -> object:
        """A key equal for tags that stay together; content of `<mj-raw>` belongs to its parent."""
        element = self.element
        if element and element.name == "mj-raw":
            element = element.parent
        return id(element), self.value_of, self.is_among_attributes


def misplaced_tags(document: Document, tags: Sequence[JinjaTag]) -> Iterator[Fault]:
    """Yield a fault for each tag whose place would change its meaning."""
    map_of_places = _PlaceMap(document)
    places = [(tag, map_of_places.at(tag.start)) for tag in tags]
    for tag, place in places:
        yield from _place_faults(tag, place)
    yield from _torn_blocks([(tag, place) for tag, place in places if place])


class _PlaceMap:
    """A map from offsets to the texts and attributes that contain them."""

    def __init__(self, document: Document) -> None:
        texts = [
            (text.offset, text.end, _Place(text.parent, is_in_comment=text.is_comment))
            for text in document.texts
        ]
        attributes = [
            span
            for element in document.elements
            for attribute in element.attributes
            for span in _spans_of(element, attribute)
        ]
        self._spans = sorted(texts + attributes, key=lambda span: span[0])
        self._starts = [start for start, _, _ in self._spans]

    def at(self, offset: int) -> _Place | None:
        """Return the place, or None inside markup that could not be parsed."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset >= self._spans[index][1]:
            return None
        return self._spans[index][2]


def _spans_of(element: Element, attribute: Attribute) -> list[tuple[int, int, _Place]]:
    between = attribute.offset + len(attribute.name)
    return [
        (attribute.offset, between, _Place(element, is_among_attributes=True)),
        (between, attribute.end, _Place(element, value_of=attribute.name)),
    ]


def _place_faults(tag: JinjaTag, place: _Place | None) -> Iterator[Fault]:
    if place is None or place.is_in_comment:
        return
    if place.is_among_attributes or place.value_of:
        yield from _attribute_faults(tag, place)
    else:
        yield from _child_faults(tag, place.element.name if place.element else "")


def _attribute_faults(tag: JinjaTag, place: _Place) -> Iterator[Fault]:
    component = components().get(place.element.name) if place.element else None
    if component is None:
        return
    if place.is_among_attributes:
        message = f"a Jinja tag among the attributes of <{component.name}> is lost"
        yield Fault(tag.start, message, "put it inside a value")
    elif place.value_of in component.computed:
        message = f"a Jinja tag in {place.value_of} of <{component.name}> is lost"
        yield Fault(tag.start, message, "the compiler computes with it: write a fixed value")


def _child_faults(tag: JinjaTag, parent: str) -> Iterator[Fault]:
    component = components().get(parent)
    if parent in _REFUSING or (component and component.holds == "nothing"):
        yield Fault(tag.start, f"a Jinja tag may not stand in <{parent}>", "put it outside")
    elif parent in ("", "mjml") and not tag.is_comment:
        where = "in <mjml>" if parent else "outside <mjml>"
        yield Fault(tag.start, f"a Jinja tag may not stand {where}", "put it in <mj-body>")
    elif parent == "mj-head" and tag.keyword not in _MOVABLE:
        message = "a Jinja tag directly in <mj-head> is moved to the head's end"
        yield Fault(tag.start, message, "put it inside <mj-style> or in <mj-body>")
    elif parent == "mj-wrapper" and tag.keyword == "{{":
        message = "what stands directly in <mj-wrapper> is shown by Outlook alone"
        yield Fault(tag.start, message, "put it in <mj-text>")


def _torn_blocks(places: Sequence[tuple[JinjaTag, _Place]]) -> Iterator[Fault]:
    """Yield blocks that begin in one element and end in another, as half would be left behind."""
    open_blocks: list[tuple[JinjaTag, _Place]] = []
    for tag, place in places:
        if tag.keyword in _BLOCKS:
            open_blocks.append((tag, place))
        elif tag.keyword in _MIDDLES and open_blocks:
            yield from _torn(open_blocks[-1], tag, place)
        elif tag.keyword[3:] in _BLOCKS and tag.keyword.startswith("end") and open_blocks:
            yield from _torn(open_blocks.pop(), tag, place)


def _torn(begun: tuple[JinjaTag, _Place], tag: JinjaTag, place: _Place) -> Iterator[Fault]:
    beginning, first = begun
    if first.home != place.home:
        begin, end = f"{{% {beginning.keyword} %}}", f"{{% {tag.keyword} %}}"
        message = f"{end} stands in another element than its {begin}"
        yield Fault(tag.start, message, "put both in the same element")
