"""Random practices and people, really played: the other half of the simulation's proof."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select

from nurture.domain.simulation.person import Act, Deed, Habits, Person
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.tracking.events import BookingEvent, EventKind
from nurture.domain.tracking.hits import Verdict
from nurture.domain.tracking.verdict import HOLD
from nurture.services.delivery import batch
from nurture.services.inbound import events
from nurture.services.subscribers import preferences
from nurture.store.tables.events import NewEvent, add_events
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import Author, RevisionKind, add_revision
from nurture.store.tables.subscribers import change_subscriber, subscribers
from tests.installation import Installation, shipped_library, shipped_revision

ADDRESS = "anna@example.org"
TOPICS = {"first/a1": "golf", "second/b1": "strength"}

SEGMENTS = """
[topics]
golf     = {}
strength = {}

[[segments]]
name = "golfers"
all  = [{ clicked = { topic = "golf" } }]

[[segments]]
name = "lively"
all  = [{ clicked = { within = "10 days", times = 2 } }]

[[segments]]
name = "not-new"
not  = { level = "new" }

[[segments]]
name = "has-reached-a2"
all  = [{ reached = { sequence = "first", step = "a2" } }]

[[segments]]
name = "in-another"
any  = [{ in = { sequence = "other", status = "active" } }, { collected = "other" }]

[[segments]]
name = "booked"
all  = [{ booked = { within = "20 days" } }]

[[segments]]
name = "careful"
any  = [{ attribute = { tracking = "no" } }, { attribute = { frequency = "fewer" } }]
"""
_NAMES = (
    *("golfers", "lively", "not-new", "has-reached-a2"),
    *("in-another", "booked", "careful"),
)

#: Short ones, so that emails meet one another and the cap, and everything else in between.
waits = st.sampled_from(
    ("0 days", "0 days", "1 hour", "5 hours", "20 hours", "1 day", "2 days", "3 days", "6 days")
)
conditions = st.sampled_from(("", "", "", *(f'only_if = "{name}"' for name in _NAMES)))
exceptions = st.sampled_from(("", "", "", *(f'skip_if = "{name}"' for name in _NAMES)))
days = st.sampled_from(('"any day"', '"working days"', '["tuesday", "friday"]'))
hours = st.sampled_from(("", 'at = "08:30"', 'at = "20:15"', 'at = "01:30"'))
#: News only reach people who ticked them, and clients.
streams = st.sampled_from(("", "", "", 'stream = "news"', 'stream = "articles"'))
lateness = st.sampled_from(("", "", 'late = "skip"\nmax_late = "1 day"'))


def _kinds(number: int, first: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from(first if number == 1 else ("article", "article", "invitation"))


@st.composite
def steps(draw: st.DrawFn, prefix: str, kinds: tuple[str, ...]) -> str:
    """Draw two or three steps of the series as TOML; a reminder may be the first."""
    said = []
    for number in range(1, draw(st.sampled_from((3, 2))) + 1):
        lines = [
            "[[steps]]",
            f'email = "{prefix}{number}"',
            f'kind = "{draw(_kinds(number, kinds))}"',
            f'wait = "{draw(waits)}"',
            f"on = {draw(days)}",
            *(draw(lines) for lines in (hours, conditions, exceptions, lateness)),
        ]
        lines += [draw(streams)] if 'kind = "reminder"' not in lines else []
        said.append("\n".join(lines))
    return "\n\n".join(said)


def _form(key: str, opt_in: str) -> str:
    return f"""
    [form]
    key = "{key}"
    wording = "Send me the guide."
    grants = ["guide", "marketing"]
    opt_in = "{opt_in}"

    [[steps]]
    email = "guide"
    kind = "guide"

    """


@st.composite
def practices(draw: st.DrawFn) -> dict[str, str]:
    """Draw three sequences as TOML: two with forms, and one that the first may lead to."""
    with_reminder = ("article", "invitation", "reminder")
    opt_ins = st.sampled_from(("collect", "confirmed"))
    then = f"\n[[then]]\nsequence = 'second'\n{draw(conditions)}\n" if draw(st.booleans()) else ""
    goal = f"goal = '{draw(st.sampled_from(('booked', 'nothing')))}'\n"
    first = _form("first", draw(opt_ins)) + draw(steps("a", with_reminder))
    second = draw(steps("b", ("article",)))
    other = _form("other", draw(opt_ins)) + draw(steps("c", with_reminder))
    return {
        "first": f"title = 'First'\n{goal}{first}\n{then}",
        "second": f"title = 'Second'\n{second}",
        "other": f"title = 'Other'\n{other}",
    }


starts = st.sampled_from(
    (
        datetime(2026, 3, 26, 17, 43, tzinfo=UTC),
        datetime(2026, 10, 22, 6, 5, tzinfo=UTC),
        datetime(2026, 12, 22, 9, 0, tzinfo=UTC),
        datetime(2027, 2, 26, 23, 59, tzinfo=UTC),
    )
)
_ABOUT = {
    Deed.SIGNS_UP: ("first", "other"),
    Deed.COLLECTS: ("first", "other"),
    Deed.CLICKS: ("first/a1", "first/a2", "second/b1", "other/c1"),
    Deed.AGREES: ("tracking",),
    Deed.WITHDRAWS: ("tracking",),
}


#: What ends a life is rare enough for the rest of it to be seen.
_RARE = (Deed.BOOKS, Deed.CANCELS, Deed.UNSUBSCRIBES)
_DEEDS = [*[one for one in Deed if one not in (Deed.OPENS, *_RARE)] * 2, *_RARE]


@st.composite
def timelines(draw: st.DrawFn, start: datetime) -> tuple[Act, ...]:
    """Draw anything that a person may do, at any minute of two weeks, in any order.

    They may have booked, and cancelled, before they signed up for anything.
    """
    before = draw(st.sampled_from((*[()] * 5, (Deed.BOOKS,), (Deed.BOOKS, Deed.CANCELS))))
    earlier = [Act(start + timedelta(minutes=n), deed) for n, deed in enumerate(before)]
    start += timedelta(minutes=draw(st.integers(0, 60))) if before else timedelta(0)
    return tuple(sorted((*earlier, *draw(_lives(start))), key=lambda act: act.at))


@st.composite
def _lives(draw: st.DrawFn, start: datetime) -> list[Act]:
    signs_up, other = (Act(start, Deed.SIGNS_UP, form) for form in ("first", "other"))
    collects = Act(start + timedelta(minutes=draw(st.integers(1, 3000))), Deed.COLLECTS, "first")
    acts = [signs_up, *draw(st.sampled_from(((collects,), (other,), (collects, other), ())))]
    for _ in range(draw(st.sampled_from((3, 2, 5, 1)))):
        deed = draw(st.sampled_from(_DEEDS))
        at = start + timedelta(minutes=draw(st.integers(1, 20_000)))
        acts.append(Act(at, deed, draw(st.sampled_from(_ABOUT.get(deed, ("",))))))
    for form in draw(st.sampled_from(((), (), ("first",), ("other",), ("first", "other")))):
        # Once everything has come to its end.
        at = start + timedelta(days=draw(st.integers(14, 90)))
        acts.append(Act(at, Deed.SIGNS_UP, form))
    return acts


habits = st.builds(
    Habits,
    collects_after=st.sampled_from((timedelta(0), timedelta(hours=30), None)),
    clicks=st.booleans(),
)
ticks = st.sampled_from(
    ((), (Purpose.TRACKING,), (Purpose.NEWS,), (Purpose.NEWS, Purpose.ARTICLES))
)

#: What makes somebody a client from the beginning, and what they may then be sent.
clients = st.sampled_from(((False, False), (False, False), (True, False), (True, True)))


def publish(home: Installation, practice: dict[str, str]) -> None:
    """Publish these sequences, with a trivial text for each email."""
    sources: list[tuple[RevisionKind, str, dict[str, Any], dict[str, Any]]] = [
        (RevisionKind.PRACTICE, "practice", {"toml": shipped_library().practice_toml}, {}),
        (RevisionKind.SEGMENTS, "segments", {"toml": SEGMENTS}, {}),
    ]
    for key, toml in practice.items():
        sources.append((RevisionKind.SEQUENCE, key, {"toml": toml}, {}))
        for step in [line.split('"')[1] for line in toml.splitlines() if "email =" in line]:
            email = f"{key}/{step}"
            topics = [TOPICS[email]] if email in TOPICS else []
            compiled = shipped_revision("pain-guide/discovery-session") | {
                "key": email,
                "topics": topics,
                "html": "<p>Hello</p>",
                "text": "Hello",
                "links": [],
            }
            sources.append((RevisionKind.EMAIL, email, {}, compiled))
    with home.context.database.writing() as connection:
        for kind, name, source, compiled in sources:
            add_revision(
                connection,
                kind=kind,
                key=name,
                digest="",
                author=Author.FILES,
                source=source,
                compiled=compiled,
                now=home.clock.now,
            )


def booking(address: str, now: datetime, *, cancelled: bool = False) -> BookingEvent:
    """Return the calendar's report of a booking or a cancellation."""
    return BookingEvent(
        provider="cal",
        event_id=f"{now.isoformat()} {cancelled}",
        occurred_at=now,
        email=address,
        booked=not cancelled,
        cancelled=cancelled,
        rescheduled=False,
        starts_at=None,
        raw={},
    )


@dataclass
class RealLife:
    """One person's story in a real installation, whose clock moves to whatever comes next."""

    home: Installation
    person: Person
    _acts: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _judged: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _seen: set[int] = field(default_factory=set)

    def live(self, until: datetime | None = None) -> None:
        """Play until nothing is due and there is nothing left to do, or up to a moment."""
        for act in self.person.acts:
            self._will(self._acts, act.at, act)
        for _ in range(1000):
            moments = [queue[0][0] for queue in (self._acts, self._judged) if queue]
            look = self.home.next_look()
            if not moments and look is None:
                return
            at = min([*moments, *([look] if look else [])])
            if until and at >= until:
                return self.home.clock.set(until)
            self.home.clock.set(max(at, self.home.clock.now))
            self._act()
            batch.deliver_batch(self.home.context.dispatch)
            self._react()
        raise AssertionError("the time does not pass")

    def sit_still(self) -> None:
        """Do nothing from now on, whatever arrives."""
        self.person = replace(self.person, acts=(), habits=Habits())
        self._acts, self._judged = [], []

    def _will(self, queue: list[tuple[datetime, int, Act]], at: datetime, act: Act) -> None:
        heapq.heappush(queue, (at, next(self._numbers), act))

    def _act(self) -> None:
        while self._acts and self._acts[0][0] <= self.home.clock.now:
            self._do(heapq.heappop(self._acts)[2])
        while self._judged and self._judged[0][0] <= self.home.clock.now:
            self._note_click(heapq.heappop(self._judged)[2])

    def _react(self) -> None:
        """React to the emails that have just arrived, as the person's habits require."""
        now, habits = self.home.clock.now, self.person.habits
        for mail in self.home.rows(messages):
            if mail["id"] in self._seen or mail["accepted_at"] is None:
                continue
            self._seen.add(mail["id"])
            if habits.clicks and mail["kind"] in ("article", "invitation"):
                at = now + habits.reads_after + timedelta(minutes=1)
                click = Act(at, Deed.CLICKS, f"{mail['sequence']}/{mail['step']}")
                self._will(self._acts, at, click)
            if mail["kind"] == "guide" and habits.collects_after is not None:
                one = self.home.enrolment(ADDRESS, mail["sequence"])
                if one["collected_at"] is None:
                    at = now + habits.collects_after
                    self._will(self._acts, at, Act(at, Deed.COLLECTS, mail["sequence"]))

    def _do(self, act: Act) -> None:
        context, now = self.home.context, self.home.clock.now
        match act.deed:
            case Deed.SIGNS_UP:
                self.home.subscribe(ADDRESS, act.about, ticked=self.person.ticked)
                self._be_a_client()
            case Deed.COLLECTS:
                for one in self.home.enrolments_of(ADDRESS):
                    if one["sequence"] == act.about:
                        self.home.collect(one["id"])
            case Deed.CLICKS:
                self._click(act)
            case Deed.BOOKS | Deed.CANCELS:
                context_of = (context.database, context.catalogue, context.tokens)
                told = booking(ADDRESS, now, cancelled=act.deed is Deed.CANCELS)
                events.record_bookings(*context_of, [told], now)
            case Deed.UNSUBSCRIBES:
                number = self.home.person(ADDRESS)["id"]
                args = (context.database, context.catalogue, number, None, Evidence(), now)
                preferences.unsubscribe(*args)
            case _:
                self._prefer(act)

    def _be_a_client(self) -> None:
        """Record what they are to the practice, which no deed of theirs changes."""
        now = self.home.clock.now
        values = {
            "client_since": now if self.person.is_client else None,
            "client_basis_at": now if self.person.may_as_client else None,
        }
        with self.home.context.database.writing() as connection:
            for person in connection.execute(select(subscribers.c.id)).scalars().all():
                change_subscriber(connection, person, **values)

    def _prefer(self, act: Act) -> None:
        context, now = self.home.context, self.home.clock.now
        number = self.home.person(ADDRESS)["id"]
        present = preferences.find_preferences(context.database, context.catalogue, number, now)
        assert present
        wishes = {
            Deed.PAUSES: Wish.PAUSED,
            Deed.WANTS_FEWER: Wish.FEWER,
            Deed.WANTS_THE_USUAL: Wish.USUAL,
        }
        change = PreferenceChange(
            wishes.get(act.deed, present.frequency), present.tracking, present.health_topics
        )
        if act.deed in (Deed.AGREES, Deed.WITHDRAWS):
            change = replace(change, tracking=act.deed is Deed.AGREES)
        args = (context.database, context.catalogue, number, change, Evidence(), now)
        preferences.change_preferences(*args)

    def _click(self, act: Act) -> None:
        """Record a click if that is allowed; it becomes known once it has been judged."""
        sequence, _, step = act.about.partition("/")
        had = any(
            (mail["sequence"], mail["step"]) == (sequence, step) and mail["accepted_at"]
            for mail in self.home.rows(messages)
        )
        if had and "tracking" in self.home.person(ADDRESS)["purposes"]:
            now = self.home.clock.now
            self._will(self._judged, now + HOLD, replace(act, at=now))

    def _note_click(self, act: Act) -> None:
        topics = frozenset({TOPICS[act.about]} if act.about in TOPICS else ())
        clicked = NewEvent(
            kind=EventKind.CLICKED,
            happened_at=act.at,
            source="hit",
            source_key=f"hit:{next(self._numbers)}",
            subscriber_id=self.home.person(ADDRESS)["id"],
            email=act.about,
            topics=topics,
            verdict=Verdict.HUMAN,
        )
        with self.home.context.database.writing() as connection:
            add_events(connection, [clicked])
