"""The story: who does what and when, reported as it happens."""

import heapq
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from nurture.demo.mails import Mail, read_mails
from nurture.demo.people import PEOPLE, DemoVisitor, scan
from nurture.demo.promises import PROMISES, DemoResult
from nurture.demo.world import DemoError, DemoProgram, HttpAnswer
from nurture.mail.outbox.folder import REFUSED_ADDRESSES, write_index

#: A Monday morning in London; the clocks go back three weeks later.
START = datetime(2026, 10, 5, 8, 12, tzinfo=UTC)
LENGTH = timedelta(days=61)

#: Marks a folder as made by a demonstration, which may therefore empty it again.
_MARKER = "this-is-a-demonstration"

_LONDON = ZoneInfo("Europe/London")

#: How soon after an email arrives the scanner follows its links.
_SCANNED_AFTER = timedelta(seconds=1)

Tell = Callable[[datetime, str, str], None]


@dataclass
class Story:
    """The course of events; each is reported to `tell` as it happens."""

    world: DemoProgram
    tell: Tell
    mails: dict[str, list[Mail]] = field(default_factory=lambda: {p.name: [] for p in PEOPLE})
    done_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    refused_to_scan: list[str] = field(default_factory=list)
    _ahead: list[tuple[datetime, int, DemoVisitor, str, Callable[[], HttpAnswer]]] = field(
        default_factory=list
    )
    _order: "count[int]" = field(default_factory=count)

    def run(self) -> DemoResult:
        """Let two months pass; return the outcome."""
        self._sign_up_everybody()
        end_at = START + LENGTH
        while (moment := self._next_moment()) < end_at:
            self.world.set_clock(max(moment, self.world.now))
            self._do_what_is_ahead()
            self._deliver()
        self.world.set_clock(end_at)
        self.world.settle()
        self.world.wait_for(self._all_hits_are_judged)
        return DemoResult(self.world, self.mails, self.done_at, self.refused_to_scan)

    def _sign_up_everybody(self) -> None:
        for person in PEOPLE:
            answer = person.sign_up(self.world)
            if answer.status != 202:
                raise DemoError(f"The signup of {person.name} was answered {answer.status}.")
            self.tell(self.world.now, person.name, f"asks for the guide ({person.form})")
        self._deliver()
        if self.world.standing()["messages"].get("failed"):
            self.tell(self.world.now, "Dana", "is refused by the mail server, and left alone")

    def _next_moment(self) -> datetime:
        due = self.world.standing()["next_due_at"]
        moments = [datetime.fromisoformat(due)] if due else []
        moments += [ahead[0] for ahead in self._ahead[:1]]
        return min(moments, default=START + LENGTH)

    def _do_what_is_ahead(self) -> None:
        while self._ahead and self._ahead[0][0] <= self.world.now:
            at, _, person, what, act = heapq.heappop(self._ahead)
            answer = act()
            if answer.status >= 400:
                raise DemoError(f"{person.name} {what}, and was answered {answer.status}.")
            self.done_at[person.name, what] = at
            self.tell(at, person.name, what)

    def _deliver(self) -> None:
        """Let the program do what is due; the scanner sees each new email first."""
        self.world.settle()
        known = sum(map(len, self.mails.values()))
        new = read_mails(self.world.context.outbox)[known:]
        if not new:
            return
        sent_at = self.world.now
        for mail in new:
            self._receive(mail, sent_at)
        self.world.set_clock(sent_at + _SCANNED_AFTER)
        for mail in new:
            answers = scan(self.world, mail)
            self.refused_to_scan += [mail.subject for a in answers if a.status >= 400]
            name = mail.recipient.partition("@")[0].capitalize()
            what = f"a scanner follows the {len(mail.links())} links before anybody reads it"
            self.tell(self.world.now, name, what)

    def _receive(self, mail: Mail, at: datetime) -> None:
        person = next(p for p in PEOPLE if p.address == mail.recipient)
        self.mails[person.name].append(mail)
        self.tell(at, person.name, f"receives “{mail.subject}”")
        number = len(self.mails[person.name])
        for after, what, act in person.deeds_after(mail, number, self.world):
            heapq.heappush(self._ahead, (at + after, next(self._order), person, what, act))

    def _all_hits_are_judged(self) -> bool:
        """Wait for the program to store and judge all hits, which it does in its own time."""
        from nurture.store.queries.hits import messages_waiting
        from nurture.store.tables.journals import find_folded

        with self.world.context.database.reading() as connection:
            return not messages_waiting(connection, self.world.now, 1) and all(
                path.stat().st_size <= find_folded(connection, path.name)
                for path in self.world.context.journals.glob("hits-*.jsonl")
            )


def play(*, as_json: bool = False, directory: Path | None = None) -> int:
    """Play the story in `directory` (else `var/demo`); return 0 only if it kept every promise."""
    directory = (directory or Path("var/demo")).absolute()
    console = Console(stderr=as_json, quiet=as_json, highlight=False)
    started = time.monotonic()
    _make_room(directory)
    console.print(f"Two months in the lives of five people, from {_on(START)}.\n")
    with DemoProgram(directory, START) as world:
        end = Story(world, _teller(console)).run()
        kept = {_sentence(promise): promise(end) for promise in PROMISES}
        outcome = _outcome(end, kept, time.monotonic() - started)
    outcome["index"] = str(write_index(directory / "outbox"))
    _finish(console, outcome)
    if as_json:
        sys.stdout.write(json.dumps(outcome, indent=2) + "\n")
    return 0 if outcome["kept"] else 1


def _make_room(directory: Path) -> None:
    """Begin with an empty directory, but never empty one that is not the demonstration's."""
    marker = directory / _MARKER
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise DemoError(f"{directory} holds other things.", remedy="Name an empty folder.")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "outbox").mkdir(parents=True, mode=0o700)
    marker.touch()
    dana = next(person for person in PEOPLE if person.name == "Dana")
    (directory / "outbox" / REFUSED_ADDRESSES).write_text(dana.address + "\n")


def _teller(console: Console) -> Tell:
    def tell(at: datetime, who: str, what: str) -> None:
        console.print(f"[dim]{_on(at)}[/]  [bold]{who:<8}[/] {what}", soft_wrap=True)

    return tell


def _outcome(end: DemoResult, kept: dict[str, bool], seconds: float) -> dict[str, Any]:
    return {
        "kept": all(kept.values()),
        "promises": kept,
        "people": [
            {
                "name": person.name,
                "does": person.will,
                "mails": end.subjects(person.name),
                "ended": str(end.enrolment(person.name).status),
            }
            for person in PEOPLE
        ],
        "outbox": str(end.world.context.outbox),
        "seconds": round(seconds, 1),
    }


def _finish(console: Console, outcome: dict[str, Any]) -> None:
    table = Table(title="\nHow it ended", title_justify="left")
    for heading in ("who", "what they do", "mails", "enrolment"):
        table.add_column(heading)
    for person in outcome["people"]:
        mails = str(len(person["mails"]))
        table.add_row(person["name"], person["does"], mails, person["ended"])
    console.print(table)
    console.print()
    for promise, held in outcome["promises"].items():
        console.print(
            f"{'[green]kept  [/]' if held else '[bold red]BROKEN[/]'}  {promise}", soft_wrap=True
        )
    console.print(f"\nThe mails are in {outcome['outbox']}", soft_wrap=True)
    console.print(f"Look at them in a browser: file://{outcome['index']}", soft_wrap=True)
    console.print(f"{outcome['seconds']} seconds; nothing is left running.")


def _sentence(promise: Callable[[DemoResult], bool]) -> str:
    return (promise.__doc__ or "").strip()


def _on(moment: datetime) -> str:
    return f"{moment.astimezone(_LONDON):%a %d %b %Y %H:%M}"
