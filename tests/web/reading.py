"""Reading a page the way a browser does."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "rect", "path"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parents: "list[Element]"
    words: list[str] = field(default_factory=list)

    def said(self) -> str:
        return " ".join("".join(self.words).split())

    def inside(self, name: str) -> "Element | None":
        return next((parent for parent in self.parents if parent.name == name), None)


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, list(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {n: v or "" for n, v in attrs}, list(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.words.append(data)

    def all(self, tag: str, /, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.name == tag and attributes.items() <= element.attributes.items()
        ]

    def one(self, tag: str, /, **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found

    def with_role(self, role: str) -> list[Element]:
        return [e for e in self.elements if e.attributes.get("role") == role]

    def ticked(self, name: str) -> list[str]:
        boxes = self.all("input", name=name)
        return [box.attributes["value"] for box in boxes if "checked" in box.attributes]


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert not page.open, f"<{page.open[-1].name}> is never closed"
    return page


def asking(page: Page) -> list[Element]:
    """Return the inputs that a person sees and answers."""
    return [box for box in page.all("input") if box.attributes.get("type") != "hidden"]


def words(page: str) -> str:
    """Return a page's text as a reader sees it."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
