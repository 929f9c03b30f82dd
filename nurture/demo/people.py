"""The five people, and the scanner that reads their email before they do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from nurture.demo.mails import Mail
from nurture.demo.world import BROWSER, DemoProgram, HttpAnswer

#: What someone does some time after an email arrives: when, the words for it, and the deed itself.
Deed = tuple[timedelta, str, Callable[[], HttpAnswer]]


@dataclass(frozen=True)
class DemoVisitor:
    """A person who requested a guide. `ticked` are the boxes they ticked on the form."""

    name: str
    form: str
    will: str
    ticked: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The address at which they receive email."""
        return f"{self.name.lower()}@example.org"

    def sign_up(self, world: DemoProgram) -> HttpAnswer:
        """Fill in the form on the website."""
        fields = {
            "email": self.address,
            "first_name": self.name,
            "consent": list(self.ticked),
            "page_url": f"https://human-movement.com/{self.form}",
            "utm_source": "demo",
        }
        return world.sign_up(self.form, fields)

    def deeds_after(self, mail: Mail, number: int, world: DemoProgram) -> Iterator[Deed]:
        """Return what they do about the `number`-th email they received, counted from 1."""
        deeds = _DEEDS.get(self.name)
        if deeds:
            yield from deeds(self, mail, number, world)


def scan(world: DemoProgram, mail: Mail) -> list[HttpAnswer]:
    """Follow each of our links in an email immediately, as a security scanner does."""
    ours = [url for url in mail.links() if url.startswith(world.url)]
    return [world.get(url, BROWSER, method) for url in ours for method in ("HEAD", "GET")]


def _alice(person: DemoVisitor, mail: Mail, number: int, world: DemoProgram) -> Iterator[Deed]:
    """Collect, read, click and, after the third article, book."""
    if number == 1:
        yield timedelta(minutes=12), "collects the guide", lambda: _collect(world, mail)
        return
    yield timedelta(minutes=40), "opens it", lambda: _get(world, mail, "o")
    yield timedelta(minutes=41), "follows its link", lambda: _get(world, mail, "c")
    if number == 4:
        yield timedelta(hours=30), "books a Discovery Session", lambda: world.book(person.address)


def _bob(_: DemoVisitor, mail: Mail, number: int, world: DemoProgram) -> Iterator[Deed]:
    """Collect the guide and then never respond again."""
    if number == 1:
        yield timedelta(hours=3), "collects the guide", lambda: _collect(world, mail)


def _charlie(_: DemoVisitor, mail: Mail, number: int, world: DemoProgram) -> Iterator[Deed]:
    """Collect the guide, and stop everything with one click after the first article."""
    if number == 1:
        yield timedelta(hours=9), "collects the guide", lambda: _collect(world, mail)
    if number == 2:
        yield timedelta(hours=2), "unsubscribes with one click", lambda: _stop(world, mail)


_DEEDS = {"Alice": _alice, "Bob": _bob, "Charlie": _charlie}

PEOPLE = (
    DemoVisitor("Alice", "pain-guide", "collects, reads, clicks and books", ("tracking",)),
    DemoVisitor("Bob", "pain-guide", "collects and is never heard of again", ("tracking",)),
    DemoVisitor("Charlie", "over-50-guide", "unsubscribes with one click"),
    DemoVisitor("Dana", "pain-guide", "has an address that the mail server refuses"),
    DemoVisitor("Erin", "over-50-guide", "never collects her guide"),
)


def _collect(world: DemoProgram, mail: Mail) -> HttpAnswer:
    return world.submit(mail.link(world.url, "guide"), {})


def _get(world: DemoProgram, mail: Mail, kind: str) -> HttpAnswer:
    return world.get(mail.link(world.url, kind), BROWSER)


def _stop(world: DemoProgram, mail: Mail) -> HttpAnswer:
    return world.submit(mail.one_click, {"List-Unsubscribe": "One-Click"})
