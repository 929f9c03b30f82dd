"""An installation that sixty people joined and left over two months, always the same ones.

Everything is done by the services, on a clock that is moved from day to day.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.domain.tracking.verdict import Hit
from nurture.services.inbound import events
from nurture.services.subscribers import preferences
from nurture.services.tracking.lines import SeenHit
from nurture.store.tables import enrolments, messages, subscribers
from tests.installation import Installation

BEGAN = datetime(2026, 9, 21, 7, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)
PEOPLE = 60
_EVIDENCE = Evidence("https://human-movement.com/", "192.0.2.20", "Mozilla/5.0")
_NAMES = (
    "Alice Amir Anna Ben Beth Carla Chidi Claire Colin Dan Deepa Diane Ed Elena Emma Esther "
    "Farah Fiona Frank George Grace Hamid Hannah Helen Ian Ines Jack Jane Javier Joan Kate Ken "
    "Laura Leo Liz Lucy Maria Mark Mina Neil Nina Oliver Olga Pam Peter Priya Rachel Ravi Rosa "
    "Ruth Sam Sara Simon Sofia Steve Tara Tom Una Vera Will"
)


@dataclass
class Life:
    """Fills an installation; all random decisions come from one seeded source."""

    home: Installation
    chance: Random

    def live(self) -> None:
        """Play the two months up to `NOW`."""
        self.home.clock.set(BEGAN)
        for moment, name in self._signups():
            self._live_until(moment)
            self._sign_up(name)
        self._live_until(NOW - timedelta(minutes=10))
        self.home.fold()
        self.home.judge()
        self.home.clock.set(NOW)
        self._doubt_one()

    def _signups(self) -> list[tuple[datetime, str]]:
        length = NOW - BEGAN - timedelta(hours=2)
        moments = sorted(BEGAN + self.chance.random() * length for _ in range(PEOPLE))
        return list(zip(moments, self.chance.sample(_NAMES.split(), PEOPLE), strict=True))

    def _live_until(self, moment: datetime) -> None:
        """Advance one day at a time, and let people react to what they received."""
        while self.home.clock.now < moment:
            before = self._newest()
            self.home.live_until(min(moment, self.home.clock.now + timedelta(days=1)))
            for row in self._sent_after(before):
                self._react(row)

    def _sign_up(self, name: str) -> None:
        form = self.chance.choice(("pain-guide", "pain-guide", "over-50-guide"))
        ticked = (Purpose.TRACKING,) if self.chance.random() < 0.7 else ()
        address = f"{name.lower()}@example.org"
        utm = {"source": self.chance.choice(("google", "instagram", "newsletter"))}
        self.home.subscribe(
            address, form, first_name=name, ticked=ticked, utm=utm, evidence=_EVIDENCE
        )
        self.home.deliver()
        if self.chance.random() < 0.85:
            self.home.clock.advance(timedelta(minutes=self.chance.randint(2, 40)))
            self.home.collect(self._newest_enrolment(), tracking=bool(ticked))

    def _react(self, row: dict[str, Any]) -> None:
        person, luck = int(row["subscriber_id"]), self.chance.random()
        if luck < 0.02:
            self._unsubscribe(person, int(row["id"]))
        elif luck < 0.035:
            self._bounce(person, int(row["id"]))
        elif luck < 0.07 and row["kind"] != "guide":
            self._book(person)
        elif luck < 0.75 and self._may_be_followed(person):
            self._read(int(row["id"]), clicked=luck < 0.4)

    def _read(self, message: int, clicked: bool) -> None:
        at = self.home.clock.now - timedelta(hours=self.chance.randint(1, 9))
        agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
        note = self.home.context.journal.note
        note(SeenHit(message, Hit(EventKind.OPENED, at, "GET", agent, "192.0.2.30")))
        if clicked:
            later = at + timedelta(minutes=3)
            link = "https://human-movement.com/blog"
            clicked_hit = Hit(EventKind.CLICKED, later, "GET", agent, "192.0.2.30", link=link)
            note(SeenHit(message, clicked_hit))

    def _unsubscribe(self, person: int, message: int) -> None:
        context, now = self.home.context, self.home.clock.now
        preferences.unsubscribe(
            context.database, context.catalogue, person, message, _EVIDENCE, now
        )

    def _bounce(self, person: int, message: int) -> None:
        context, now = self.home.context, self.home.clock.now
        told = MailEvent(
            EventKind.BOUNCED,
            "postmark",
            f"bounce-{message}",
            now,
            self._address(person),
            None,
            permanent=True,
            reason="550 5.1.1 no such mailbox",
            raw={},
        )
        events.record_mail_events(context.database, context.catalogue, context.tokens, [told], now)

    def _book(self, person: int) -> None:
        context, now = self.home.context, self.home.clock.now
        told = BookingEvent(
            "calendly",
            f"booking-{person}-{now:%Y%m%d}",
            now,
            self._address(person),
            booked=True,
            cancelled=False,
            rescheduled=False,
            starts_at=now + timedelta(days=3),
            raw={},
        )
        events.record_bookings(context.database, context.catalogue, context.tokens, [told], now)

    def _doubt_one(self) -> None:
        """Put a message in doubt, as if the mail server had been cut off after the last byte."""
        with self.home.context.database.writing() as connection:
            messages.move_on(
                connection,
                self._newest(),
                (MessageStatus.ACCEPTED,),
                MessageStatus.IN_DOUBT,
                "the connection was lost after the mail had been handed over",
            )

    def _address(self, person: int) -> str:
        with self.home.context.database.reading() as connection:
            found = subscribers.find_subscriber(connection, person)
        assert found
        assert found.address
        return found.address

    def _may_be_followed(self, person: int) -> bool:
        with self.home.context.database.reading() as connection:
            found = subscribers.find_subscriber(connection, person)
        return found is not None and Purpose.TRACKING in found.consents

    def _newest(self) -> int:
        rows = self.home.rows(messages.messages)
        return int(rows[-1]["id"]) if rows else 0

    def _newest_enrolment(self) -> int:
        return int(self.home.rows(enrolments.enrolments)[-1]["id"])

    def _sent_after(self, message: int) -> list[dict[str, Any]]:
        return [row for row in self.home.rows(messages.messages) if row["id"] > message]


def fill(home: Installation) -> None:
    """Fill an installation that has published the shipped files."""
    Life(home, Random(7)).live()
