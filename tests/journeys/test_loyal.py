"""Two years of monthly broadcasts: only those whose silence could be seen are asked and dropped.

The readers have agreed to news. Every month a broadcast goes out, and each of them does with it
what they always do, while the upkeep looks for silence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.services.subscribers import preferences
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import NewEvent, add_events, events
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation, link_in, text_of
from tests.installations import ScriptedSink
from tests.servers.smtp import Mail
from tests.services.broadcasts.readers import draft, send

ASKS = "Nothing changes if you don’t."
MONTHS = 27


@dataclass
class Readership:
    """Readers, each with their habit, and an installation that sends them a broadcast a month."""

    home: Installation
    sink: ScriptedSink
    habits: Mapping[str, Callable[["Readership", int], None]]

    def sign_up(self, followed: set[str]) -> None:
        """Let everyone collect the guide and agree to news; some agree to tracking too."""
        for name in self.habits:
            self.home.subscribe(self.address(name))
        self.home.deliver()
        for name in self.habits:
            self.home.collect(self.home.enrolment(self.address(name))["id"])
            person = self.home.person(self.address(name))["id"]
            save(self, person, tracking=name in followed, streams={Scope(Purpose.NEWS): True})

    def live_for(self, months: int) -> None:
        """Live that many months, with upkeep every ten days."""
        for month in range(months):
            draft(self.home, f"month-{month}")
            send(self.home, f"month-{month}")
            for _ in range(3):
                self.home.live(days=10)
                self.home.upkeep()
            for name, habit in self.habits.items():
                habit(self, self.home.person(self.address(name))["id"])

    @staticmethod
    def address(name: str) -> str:
        """Return the address of a reader."""
        return f"{name}@example.org"

    def letters(self, name: str) -> list[Mail]:
        """Return the broadcasts that a reader has got."""
        mine = [one for one in self.sink.mails if one.recipients[0] == self.address(name)]
        return [one for one in mine if str(one.message["Subject"]).startswith("What is new")]

    def note(self, person: int, kind: EventKind, verdict: Verdict | None) -> None:
        """Record a hit of a reader."""
        now = self.home.clock.now
        hit = NewEvent(kind, now, "hit", f"{person} {now}", person, verdict=verdict)
        with self.home.context.database.writing() as connection:
            add_events(connection, [hit])


def does_nothing(readers: Readership, person: int) -> None:
    """Read or do not read; nobody can tell."""


def opens(readers: Readership, person: int) -> None:
    """Open the broadcast, as a person does."""
    readers.note(person, EventKind.OPENED, Verdict.HUMAN)


def may_open(readers: Readership, person: int) -> None:
    """Open it in a program that hides whether a person did."""
    readers.note(person, EventKind.OPENED, Verdict.UNSURE)


def is_scanned(readers: Readership, person: int) -> None:
    """Have a scanner that opens everything."""
    readers.note(person, EventKind.CLICKED, Verdict.MACHINE)


def withdraws_when_asked(readers: Readership, person: int) -> None:
    """Withdraw the consent to tracking once the question has come."""
    asked = any(
        row["subscriber_id"] == person and row["sequence"] == "still-there"
        for row in readers.home.rows(enrolments)
    )
    if asked:
        save(readers, person, tracking=False)


def pauses(readers: Readership, person: int) -> None:
    """Save their own page and ask for fewer emails."""
    save(readers, person, tracking=True, wish=Wish.FEWER)


def save(
    readers: Readership,
    person: int,
    *,
    tracking: bool,
    wish: Wish = Wish.USUAL,
    streams: Mapping[Scope, bool] = MappingProxyType({}),
) -> None:
    """Save the preference page."""
    change = PreferenceChange(wish, tracking, False, streams)
    stored = readers.home.context.stored
    preferences.change_preferences(*stored, person, change, Evidence(), readers.home.clock.now)


HABITS = {
    "loyal": does_nothing,
    "faithful": does_nothing,
    "opener": opens,
    "unsure": may_open,
    "chooser": pauses,
    "withdrawer": withdraws_when_asked,
    "silent": does_nothing,
    "scanned": is_scanned,
}
FOLLOWED = {"opener", "unsure", "chooser", "withdrawer", "silent", "scanned"}
DROPPED = {"silent", "scanned"}


def asked_of(home: Installation) -> dict[str, str | None]:
    """Return who was asked by the sequence, and how that ended."""
    names = {row["id"]: row["address"].partition("@")[0] for row in home.rows(subscribers)}
    asked = [row for row in home.rows(enrolments) if row["sequence"] == "still-there"]
    return {names[row["subscriber_id"]]: row["ended_because"] for row in asked}


def asks(mails: Sequence[Mail]) -> list[bool]:
    """Return of each of these emails whether its foot asks."""
    return [ASKS in " ".join(text_of(mail).split()) for mail in mails]


def test_two_years_of_broadcasts_cost_no_loyal_reader(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers = Readership(home, smtp_sink, HABITS)
    readers.sign_up(FOLLOWED)
    readers.live_for(MONTHS)
    ends = dict.fromkeys(DROPPED, EndReason.SILENT) | {"withdrawer": EndReason.NOT_FOLLOWED}
    assert asked_of(home) == ends
    lapsed = {row["subscriber_id"] for row in home.rows(consents) if row["source"] == "quiet"}
    assert lapsed == {home.person(readers.address(name))["id"] for name in DROPPED}
    kept = {len(readers.letters(name)) for name in HABITS if name not in DROPPED}
    assert kept == {MONTHS}
    assert all(len(readers.letters(name)) < 12 for name in DROPPED)

    for name in ("loyal", "faithful"):
        asked = asks(readers.letters(name))
        assert asked.count(True) == 1
        assert asked.index(True) >= 24
    others = [mail for name in FOLLOWED for mail in readers.letters(name)]
    assert not any(asks(others))
    assert len(others) > MONTHS

    line = next(mail for mail in readers.letters("loyal") if asks([mail])[0])
    link, before = link_in(line, "confirm"), home.everything()
    assert ASKS in home.client.get(urlsplit(link).path).text
    assert home.everything() == before
    assert "Thank you for staying" in home.press(link).text
    stayed = [row for row in home.rows(events) if row["kind"] == EventKind.STAYED]
    assert [row["subscriber_id"] for row in stayed] == [home.person("loyal@example.org")["id"]]
    assert home.rows(consents) == before["consents"]
