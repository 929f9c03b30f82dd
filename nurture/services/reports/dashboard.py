"""The first page: what was sent, what comes next and what needs the owner."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.account.alarms import AccountAlarm, AlarmKind
from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.domain.account.queue import carry_over
from nurture.domain.messages.bounces import FULL_FOR, full_since
from nurture.domain.scheduling.awaited_step import SequencePosition, awaited_step
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.account.facts import find_alarms
from nurture.services.account.hold import state_of as account_state
from nurture.services.account.outlook import rooms_ahead
from nurture.services.account.words import what_is_wrong, what_to_do
from nurture.services.catalogue import Catalogue, Published
from nurture.services.complaints.answers import ComplaintState, list_waiting
from nurture.store.database import Connection, Database
from nurture.store.queries import dashboard
from nurture.store.queries.dashboard import HeldUp, Looks, MessageToSettle, RecentPerson
from nurture.store.queries.due import count_due
from nurture.store.tables import bounces, instance, sequences, subscribers
from nurture.store.tables.bounces import Jump

_WEEK = timedelta(days=7)
_DAYS_BACK, _DAYS_AHEAD = 14, 7
_LISTED = 6
#: Workers look every few seconds, so if anything has been due for this long, none is running.
_LATE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class EmailCount:
    """The number of messages of one email; `subject` is shown to people, `step` names it."""

    sequence: str
    step: str
    subject: str
    count: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the coming week in the practice's calendar.

    `put_off` emails that are due by then have to wait for the mail account until the next day.
    """

    on: date
    emails: tuple[EmailCount, ...]
    holiday: bool
    put_off: int = 0

    @property
    def count(self) -> int:
        """The number of messages expected."""
        return sum(email.count for email in self.emails)


@dataclass(frozen=True, slots=True)
class Week:
    """The figures for the last seven days; `kept` are messages that no mail server has seen."""

    signed_up: int
    sent: int
    kept: int
    booked: int
    left: int


@dataclass(frozen=True, slots=True)
class AccountNeed:
    """A mail account that accepts nothing: the reason, how many people wait, and until when."""

    what: str
    to_do: str
    reason: str
    since: datetime
    until: datetime
    waiting: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What only the owner can deal with; `alarms` are about the account, besides its hold."""

    doubts: list[MessageToSettle]
    refused: list[RecentPerson]
    held_up: list[HeldUp]
    refused_mails: list[HeldUp]
    paused: list[str]
    armed: bool
    late: int
    account: AccountNeed | None = None
    jump: Jump | None = None
    full: tuple[RecentPerson, ...] = ()
    alarms: tuple[AccountAlarm, ...] = ()
    replied: tuple[RecentPerson, ...] = ()
    complaints: tuple[ComplaintState, ...] = ()

    @property
    def count(self) -> int:
        """The number of things to deal with."""
        each: tuple[list[Any], ...] = (self.doubts, self.held_up, self.refused_mails, self.paused)
        jumped = self.jump is not None
        held = bool(self.account) and not jumped
        people = bool(self.refused), bool(self.full), bool(self.replied)
        owners = (not self.armed, bool(self.late), *people)
        listed = len(self.alarms) + len(self.complaints)
        return sum(map(len, each)) + listed + sum((*owners, held, jumped))


@dataclass(frozen=True, slots=True)
class MissingDetails:
    """What the owner has yet to provide: names of the practice's fields, and titles of articles."""

    fields: tuple[str, ...]
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page."""

    week: Week
    sent_by_day: list[tuple[date, int]]
    sent_emails: list[EmailCount]
    coming: list[Day]
    signups: list[RecentPerson]
    bookings: list[RecentPerson]
    needs: Needs
    to_fill_in: MissingDetails
    subjects: Mapping[str, str]
    titles: Mapping[str, str]


def oversee(
    database: Database,
    catalogue: Catalogue,
    fingerprint: str,
    seen: int,
    now: datetime,
    fixed: AccountChoices = NO_CHOICES,
    mailbox: str = "",
) -> Overview:
    """Return the overview in the practice's time zone; `seen` comes from the database's witness.

    `mailbox` is what the state of the mailbox is stored under, if one is read.
    """
    with database.reading() as connection:
        published = catalogue.current(connection)
        zone = ZoneInfo(published.practice.time_zone)
        midnight = _midnight(now.astimezone(zone).date(), zone)
        bookings = dashboard.latest_bookings(connection, 50)
        armed = instance.is_armed(connection, fingerprint, seen)
        by_day = _sent_by_day(connection, midnight, zone)
        return Overview(
            week=_week(connection, bookings, now),
            sent_by_day=by_day,
            sent_emails=_sent_emails(connection, published, now - _WEEK),
            coming=_coming(connection, published, fixed, now, zone),
            signups=dashboard.latest_signups(connection, _LISTED),
            bookings=[one for one in bookings if one.at >= now - 4 * _WEEK][:_LISTED],
            needs=_needs(connection, fixed, mailbox, armed, now, published.practice.time_zone),
            to_fill_in=_to_fill_in(published),
            subjects=published.subjects,
            titles=published.titles,
        )


def has_sent(database: Database) -> bool:
    """Return whether any email has actually been sent yet."""
    with database.reading() as connection:
        return dashboard.has_sent(connection)


def _week(connection: Connection, bookings: list[RecentPerson], now: datetime) -> Week:
    since = now - _WEEK
    [sent] = dashboard.count_sent(connection, (since, now + timedelta(seconds=1)))
    return Week(
        signed_up=dashboard.count_signups_since(connection, since),
        sent=sent,
        kept=dashboard.count_kept(connection, since),
        booked=sum(one.at >= since for one in bookings),
        left=dashboard.count_suppressed_since(connection, SuppressionReason.UNSUBSCRIBED, since),
    )


def _needs(
    connection: Connection,
    fixed: AccountChoices,
    mailbox: str,
    armed: bool,
    now: datetime,
    time_zone: str,
) -> Needs:
    account, jump = _account(connection, now), bounces.find_jump(connection)
    return Needs(
        doubts=dashboard.doubts(connection, 20),
        refused=dashboard.refused_addresses(connection, now - _WEEK, _LISTED),
        held_up=[] if account else dashboard.held_up(connection),
        refused_mails=dashboard.refused_mails(connection, now - _WEEK),
        paused=sorted(sequences.paused_keys(connection)),
        armed=armed,
        late=count_late(connection, now) if armed and not account else 0,
        account=account,
        jump=jump,
        full=tuple(_full_mailboxes(connection, now)),
        alarms=tuple(_alarms(find_alarms(connection, fixed, mailbox, now), jump)),
        replied=tuple(dashboard.latest_replies(connection, now - _WEEK, _LISTED)),
        complaints=tuple(list_waiting(connection, time_zone, now)),
    )


def count_late(connection: Connection, now: datetime) -> int:
    """Return how many enrolments have been due so long that no worker can be running."""
    return count_due(connection, now - _LATE)


def _account(connection: Connection, now: datetime) -> AccountNeed | None:
    state = account_state(connection, now)
    if state.hold is None:
        return None
    held = state.hold
    return AccountNeed(
        what_is_wrong(held),
        what_to_do(held, now),
        held.reason,
        held.since,
        held.until,
        state.waiting,
    )


def _alarms(found: Iterable[AccountAlarm], jump: Jump | None) -> Iterator[AccountAlarm]:
    """Yield what the owner has to see to about the account that the page does not say elsewhere."""
    said = {AlarmKind.HELD} | ({AlarmKind.BOUNCES_HIGH} if jump else set())
    for one in found:
        if one.needs_owner and one.kind not in said:
            yield one


def _full_mailboxes(connection: Connection, now: datetime) -> Iterator[RecentPerson]:
    """Yield the people whose mailbox has been reported full for a long time, longest first."""
    candidates = bounces.full_mailboxes(connection, now - FULL_FOR, now - FULL_FOR)
    since = {n: full_since(bounces.returned_from(connection, n)) for n in candidates}
    full = sorted((at, number) for number, at in since.items() if at)[:_LISTED]
    for at, number in full:
        person = subscribers.find_subscriber(connection, number)
        if person:
            yield RecentPerson(number, person.first_name, person.address, "full", at)


def _to_fill_in(published: Published) -> MissingDetails:
    wanted = ("blog_url", "booking_url", "privacy_url")
    emails = [email for _, email in published.emails.values()]
    articles = {e.article_title for e in emails if e.article_title and not e.article_url}
    empty = tuple(name for name in wanted if not getattr(published.practice, name))
    return MissingDetails(empty, tuple(sorted(articles)))


def _sent_by_day(
    connection: Connection, midnight: datetime, zone: ZoneInfo
) -> list[tuple[date, int]]:
    today = midnight.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(_DAYS_BACK - 1, -2, -1)]
    counts = dashboard.count_sent(connection, [_midnight(day, zone) for day in days])
    return list(zip(days, counts, strict=False))


def _sent_emails(connection: Connection, published: Published, since: datetime) -> list[EmailCount]:
    counted = dashboard.sent_by_step(connection, since)
    return [_named(published, one.sequence, one.step, one.count) for one in counted]


def _coming(
    connection: Connection,
    published: Published,
    fixed: AccountChoices,
    now: datetime,
    zone: ZoneInfo,
) -> list[Day]:
    """Return the coming week from the hints in the database, as far as the account can send it.

    What is overdue counts today, and what the account cannot send goes over to the next day.
    """
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD)]
    ends = [_midnight(day + timedelta(days=1), zone) for day in days]
    spans = pairwise([None, *ends])
    planned = [_planned(connection, published, begin, end, now) for begin, end in spans if end]
    leaves = carry_over(planned, rooms_ahead(connection, fixed, ends, now))
    return [
        Day(
            day,
            tuple(_named(published, *key, count) for key, count in counts.items()),
            holiday=day in published.calendar.holidays,
            put_off=put_off,
        )
        for day, (counts, put_off) in zip(days, leaves, strict=True)
    ]


def _planned(
    connection: Connection,
    published: Published,
    begin: datetime | None,
    end: datetime,
    now: datetime,
) -> dict[tuple[str, str], int]:
    """Count the emails that are due in that time, by sequence and step, most first."""
    counts: Counter[tuple[str, str]] = Counter()
    for looks in dashboard.looks_within(connection, begin, end):
        step = _next_email(published, looks, now)
        if step is not None:
            counts[looks.sequence, step] += looks.count
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _next_email(published: Published, looks: Looks, now: datetime) -> str | None:
    """Return the email that people at that point are waiting for, if any."""
    sequence = published.find_sequence(looks.sequence)
    if sequence is None:
        return None
    place = SequencePosition(looks.passed, looks.collected, looks.guide_wanted)
    step = awaited_step(sequence, place, now, published.calendar)
    return step.email if step else None


def _named(published: Published, sequence: str, step: str, count: int) -> EmailCount:
    subject = published.subjects.get(f"{sequence}/{step}", step)
    return EmailCount(sequence, step, subject, count)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
