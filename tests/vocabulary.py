"""The people, emails and states that many tests speak of, and what usually happens to them."""

from asyncio import Transport
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from aiosmtpd.smtp import SMTP

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.domain.tracking.hits import Verdict
from nurture.services.delivery.claim import claim_due
from nurture.services.inbound.events import record_bookings, record_mail_events
from nurture.services.profile import page as person_page
from nurture.services.profile.page import PersonPage
from nurture.services.subscribers import on_behalf, preferences
from nurture.store.tables import broadcasts
from nurture.store.tables.events import NewEvent, add_events, events
from nurture.store.tables.message_changes import begin_sending
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import ScriptedSink

#: What has become of a message.
ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
FAILED, IN_DOUBT = MessageStatus.FAILED, MessageStatus.IN_DOUBT

#: The first steps of the series that most tests follow.
GUIDE = "your-guide"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
SECOND = "two-reasons-your-rehab-is-not-working"

#: A subscriber, and what she reads her emails with.
ANN = "ann@example.org"
A_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

#: Why a mail server refuses a message for good, for now, or because of a full mailbox.
HARD, SOFT, FULL = "550 5.1.1 User unknown", "451 4.7.1 Try later", "552 5.2.2 over quota"


def on_the_way_to_the_first_article(home: Installation, *people: str) -> None:
    """Let everyone collect their guide, with the first article now due."""
    for address in people:
        home.subscribe(address)
    home.deliver()
    for address in people:
        home.collect(home.enrolment(address)["id"])
    home.deliver()
    look = home.next_look()
    assert look is not None
    home.clock.set(look)


def claim(home: Installation) -> str:
    """Claim what is due, like a worker that dies right afterwards."""
    context = home.context
    with context.database.writing() as connection:
        going = broadcasts.sending(connection, claiming=True)
        published, now = context.catalogue.current(connection), context.clock()
        return claim_due(connection, published, now, real_now(), 100, going=going).claim.name


def claim_and_begin(home: Installation) -> str:
    """Claim what is due and mark it `sending`, like a worker that dies while sending."""
    name = claim(home)
    numbers = [row["id"] for row in home.rows(messages) if row["claim"] == name]
    with home.context.database.writing() as connection:
        begin_sending(connection, name, numbers, real_now())
    return name


def hang_up_after_the_dot(smtp_sink: ScriptedSink, times: int = 1) -> None:
    """Seem to accept the next messages, then hang up instead of answering."""
    left = [times]

    def hang_up(server: SMTP) -> None:
        assert isinstance(server.transport, Transport)
        if left[0]:
            left[0] -= 1
            server.transport.abort()

    smtp_sink.script = hang_up


def news(
    home: Installation,
    kind: EventKind,
    at: datetime,
    *,
    address: str = ANN,
    message: int | None = None,
    permanent: bool = False,
    reason: str = "",
) -> MailEvent:
    """Return a provider's event about an email or an address."""
    tokens = home.context.tokens
    message_id = f"{tokens.message_id(message)}@x.example" if message else None
    number = f"{kind}:{at.isoformat()}:{address}:{message}:{reason}"
    return MailEvent(kind, "generic", number, at, address, message_id, permanent, reason, {})


def tell(home: Installation, told: Iterable[MailEvent]) -> int:
    """Record a provider's events now."""
    context = home.context
    return record_mail_events(
        context.database, context.catalogue, context.tokens, told, home.clock.now
    )


def crowd(home: Installation, count: int) -> list[str]:
    """Create that many people whose guides have just been accepted."""
    people = [f"p{n}@example.org" for n in range(count)]
    for address in people:
        home.subscribe(address)
    home.deliver()
    return people


def bounce_all(home: Installation, people: Iterable[str]) -> None:
    """Report, as the provider, that none of these mailboxes exists."""
    for address in people:
        [message] = [row["id"] for row in home.messages_of(address)]
        home.clock.advance(timedelta(seconds=1))
        told = news(
            home,
            EventKind.BOUNCED,
            home.clock.now,
            address=address,
            message=message,
            permanent=True,
            reason=HARD,
        )
        tell(home, [told, told])


def report_event(
    home: Installation,
    kind: EventKind | None,
    *,
    message: int | None = None,
    recipient: str | None = None,
    permanent: bool = False,
    event_id: str = "e1",
) -> int:
    """Record a provider's event about a message, by its Message-ID, or about an address."""
    context = home.context
    domain = "human-movement.com"
    message_id = f"{context.tokens.message_id(message)}@{domain}" if message else None
    event = MailEvent(
        kind,
        "generic",
        event_id,
        home.clock.now,
        recipient,
        message_id,
        permanent,
        "550 No such user",
        {"type": str(kind)},
    )
    return record_mail_events(
        context.database, context.catalogue, context.tokens, [event], home.clock.now
    )


def book(
    home: Installation,
    address: str | None,
    event_id: str = "b1",
    raw: Mapping[str, str] = MappingProxyType({}),
    **change: bool,
) -> int:
    """Record a calendar's event."""
    said = {"booked": True, "cancelled": False, "rescheduled": False} | change
    event = BookingEvent(
        provider="calendly",
        event_id=event_id,
        occurred_at=None,
        email=address,
        starts_at=None,
        raw=raw,
        **said,
    )
    context = home.context
    return record_bookings(
        context.database, context.catalogue, context.tokens, [event], home.clock.now
    )


def clicks(home: Installation, address: str, times: int, verdict: str = "human") -> None:
    """Add judged clicks on links about golf."""
    rows = [
        NewEvent(
            kind=EventKind.CLICKED,
            happened_at=home.clock.now,
            source="hit",
            source_key=f"{address}:{verdict}:{n}",
            subscriber_id=home.person(address)["id"],
            email="over-50-guide/power-for-golf",
            topics=frozenset({"golf", "strength"}),
            verdict=Verdict(verdict),
            link="https://human-movement.com",
        )
        for n in range(times)
    ]
    with home.context.database.writing() as connection:
        add_events(connection, rows)


def hits(home: Installation) -> list[dict[str, Any]]:
    """Return the recorded opens and clicks."""
    return [row for row in home.rows(events) if row["source"] == "hit"]


def introduced(home: Installation, person: int = 1, until: datetime | None = None) -> PersonPage:
    """Return the page about a person, as the studio shows it."""
    context = home.context
    found = person_page.introduce(
        context.database,
        context.catalogue,
        person,
        home.clock.now,
        fingerprint=context.fingerprint,
        seen=context.witness.seen(),
        until=until,
    )
    assert found is not None
    return found


def take_out(home: Installation, sequence: str = "pain-guide") -> None:
    """Take the first subscriber out of a sequence, as the owner does."""
    assert on_behalf.take_out(home.context.database, 1, sequence, home.clock.now)


def unsubscribed(home: Installation) -> None:
    """Unsubscribe the first subscriber from everything."""
    context = home.context
    args = (context.database, context.catalogue, 1, None, Evidence(), home.clock.now)
    preferences.unsubscribe(*args)


#: The words stored for people who agree to the series of the form `pain-guide`.
SERIES = ("marketing", "series:pain-guide")
