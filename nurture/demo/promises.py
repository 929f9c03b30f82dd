"""What must be true when the story is over."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from nurture.demo.mails import Mail
from nurture.demo.world import DemoProgram
from nurture.domain.scheduling.window import is_open, window_of
from nurture.domain.sequences.sequence import SERIES, StepKind
from nurture.domain.sequences.sequence import Sequence as Plan
from nurture.services.catalogue import Published
from nurture.store.tables import enrolments, events, subscribers
from nurture.store.tables.enrolments import Enrolment


@dataclass
class DemoResult:
    """Everything that can be known when the story is over."""

    world: DemoProgram
    mails: Mapping[str, Sequence[Mail]]
    done_at: Mapping[tuple[str, str], datetime]
    refused_to_scan: list[str] = field(default_factory=list)

    def enrolment(self, name: str) -> Enrolment:
        """Return a person's enrolment."""
        with self.world.context.database.reading() as connection:
            person = subscribers.find_by_address(connection, f"{name.lower()}@example.org")
            assert person is not None
            return enrolments.enrolments_of(connection, person.id)[0]

    def verdicts(self, name: str, kind: str) -> Counter[str]:
        """Count how a person's hits of one kind were judged."""
        subscriber = self.enrolment(name).subscriber_id
        with self.world.context.database.reading() as connection:
            return Counter(events.verdicts_of(connection, subscriber, kind))

    def published(self) -> Published:
        """Return the publications from which the program sent."""
        return self.world.context.get_published()

    def plan(self, name: str) -> Plan:
        """Return the sequence that a person was in."""
        return self.published().sequences[self.enrolment(name).sequence]

    def subjects(self, name: str) -> list[str]:
        """Return the subjects of the emails a person received, in order."""
        return [mail.subject for mail in self.mails[name]]

    def planned(self, name: str, *kinds: StepKind) -> list[str]:
        """Return the subjects of a person's steps of these kinds, in order."""
        plan, published = self.plan(name), self.published()
        return [
            published.emails[f"{plan.key}/{step.email}"][1].subject
            for step in plan.steps
            if step.kind in kinds
        ]


Promise = Callable[[DemoResult], bool]


def alice_books(end: DemoResult) -> bool:
    """Alice's booking ends her series: not one email follows it."""
    booked_at = end.done_at["Alice", "books a Discovery Session"]
    silent = all(mail.sent_at < booked_at for mail in end.mails["Alice"])
    return silent and end.enrolment("Alice").status == "goal_reached"


def alice_is_noticed(end: DemoResult) -> bool:
    """Alice's own clicks are distinguished from the scanner's."""
    clicks = end.verdicts("Alice", "clicked")
    return clicks["human"] == 3 and clicks["machine"] >= 3


def bob_gets_everything(end: DemoResult) -> bool:
    """Bob gets the whole series, each email once and in order."""
    series = end.planned("Bob", StepKind.GUIDE, *SERIES)
    return end.subjects("Bob") == series and end.enrolment("Bob").status == "completed"


def bob_at_the_right_times(end: DemoResult) -> bool:
    """Every email of the series arrives within its window, by Bob's own clock."""
    plan, published = end.plan("Bob"), end.published()
    steps = [s for s in plan.steps if s.kind in SERIES]
    calendar = published.calendar
    return all(
        is_open(
            mail.sent_at,
            window_of(step, calendar.window),
            published.practice.time_zone,
            calendar.holidays,
        )
        for step, mail in zip(steps, end.mails["Bob"][1:], strict=True)
    )


def charlie_stops_it(end: DemoResult) -> bool:
    """Charlie's one click stops everything immediately."""
    stopped_at = end.done_at["Charlie", "unsubscribes with one click"]
    silent = all(mail.sent_at < stopped_at for mail in end.mails["Charlie"])
    return silent and end.enrolment("Charlie").status == "unsubscribed"


def dana_is_left_alone(end: DemoResult) -> bool:
    """Dana's refused address is suppressed, and never tried again."""
    failed = end.world.standing()["messages"].get("failed") == 1
    return failed and not end.mails["Dana"] and end.enrolment("Dana").status == "suppressed"


def erin_is_reminded_once(end: DemoResult) -> bool:
    """Erin gets the email with her guide and one reminder, then silence."""
    expected = end.planned("Erin", StepKind.GUIDE, StepKind.REMINDER)
    return end.subjects("Erin") == expected and end.enrolment("Erin").status == "removed"


def the_scanner_does_nothing(end: DemoResult) -> bool:
    """The scanner was answered everywhere, and started, confirmed and stopped nothing."""
    never_collected = end.enrolment("Erin").progress.collected_at is None
    clicked = end.verdicts("Bob", "clicked")["human"]
    return never_collected and not clicked and not end.refused_to_scan


def nobody_twice(end: DemoResult) -> bool:
    """No email was sent twice, and every one went to one person."""
    sent = [mail for mails in end.mails.values() for mail in mails]
    twice = Counter((mail.recipient, mail.subject) for mail in sent).most_common(1)[0][1] > 1
    return not twice and len({mail.message_id for mail in sent}) == len(sent)


def nobody_crowded(end: DemoResult) -> bool:
    """Nobody got two emails of the series within a day."""
    return all(
        (later.sent_at - earlier.sent_at).total_seconds() > 22 * 3600
        for mails in end.mails.values()
        for earlier, later in pairwise(mails[1:])
    )


def nothing_in_doubt(end: DemoResult) -> bool:
    """Nothing is left over: nothing due, nothing in doubt."""
    standing = end.world.standing()
    return not standing["in_doubt"] and not standing["due_now"]


PROMISES: tuple[Promise, ...] = (
    alice_books,
    alice_is_noticed,
    bob_gets_everything,
    bob_at_the_right_times,
    charlie_stops_it,
    dana_is_left_alone,
    erin_is_reminded_once,
    the_scanner_does_nothing,
    nobody_twice,
    nobody_crowded,
    nothing_in_doubt,
)
