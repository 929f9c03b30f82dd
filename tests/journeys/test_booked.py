"""People who booked, in whatever order we learn of it, get every guide and no invitation."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.audience.facts import Happened
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EndReason, EnrolmentStatus, Progress
from nurture.domain.subscribers.bookings import booked_until, is_booked, is_reached
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import BookingEvent, EventKind
from nurture.services.inbound.events import record_bookings
from nurture.services.subscribers import erasure, on_behalf, preferences
from nurture.store.tables.events import events
from tests.installation import Installation, calendly_call
from tests.installations import ScriptedSink
from tests.journeys.steps import SERIES, check_windows, collect, sign_up
from tests.servers.clock import ClockFile
from tests.servers.databases import SqliteDatabases

ANN = "ann@example.org"
MONDAY = datetime(2026, 4, 13, 10, tzinfo=UTC)
PAIN, OLDER = "pain-guide", "over-50-guide"


def sent(home: Installation, sequence: str = PAIN) -> list[str]:
    """Return what was sent of a sequence, in order."""
    return [
        mail["step"]
        for mail in home.messages_of(ANN)
        if (mail["sequence"], mail["status"]) == (sequence, MessageStatus.ACCEPTED)
    ]


def stands(home: Installation, sequence: str = PAIN) -> tuple[str, str | None]:
    """Return an enrolment's status, and the reason."""
    row = home.enrolment(ANN, sequence)
    return row["status"], row["ended_because"]


def books(home: Installation, number: str = "A1", event: str = "invitee.created") -> None:
    assert calendly_call(home, event, ANN, number).status_code == 204


def whole(sequence: str) -> list[str]:
    return [email for email in SERIES[sequence] if email != "guide-reminder"]


def test_ann_books_and_requests_her_guide_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=5)
    books(home)
    had = sent(home)
    for _ in range(2):
        home.live(days=30)
        sign_up(home, ANN)
        sign_up(home, ANN)
        assert stands(home) == (EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED)
    home.live(days=90)
    assert sent(home) == [*had, "your-guide", "your-guide"]


def test_a_person_who_booked_gets_only_the_other_guide_and_its_reminder(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    books(home)
    home.live(days=20)
    sign_up(home, ANN, OLDER)
    home.live(days=20)
    assert sent(home, OLDER) == ["your-guide", "guide-reminder"]
    assert stands(home, OLDER) == (EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED_BEFORE)
    collect(home, smtp_sink, ANN)
    home.live(days=90)
    assert sent(home, OLDER) == ["your-guide", "guide-reminder"]
    assert sent(home) == ["your-guide"]


def test_a_booking_before_the_signup_leaves_only_the_guide(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    books(home)
    home.clock.advance(timedelta(minutes=2))
    sign_up(home, ANN)
    assert home.person(ANN)["booked_until"] is not None
    collect(home, smtp_sink, ANN)
    assert stands(home) == (EnrolmentStatus.GOAL_REACHED, EndReason.BOOKED_BEFORE)
    home.live(days=90)
    assert sent(home) == ["your-guide"]
    [booked] = [row for row in home.rows(events) if row["kind"] == "booked"]
    assert booked["subscriber_id"] == home.person(ANN)["id"]


def test_a_booking_cancelled_before_the_signup_holds_nothing_back(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    books(home)
    home.clock.advance(timedelta(hours=1))
    books(home, event="invitee.canceled")
    home.clock.advance(timedelta(hours=1))
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=90)
    assert sent(home) == whole(PAIN)
    assert stands(home) == (EnrolmentStatus.COMPLETED, EndReason.COMPLETED)


def test_a_deferred_guide_is_sent_despite_a_booking_in_the_meantime(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.script = lambda _: "451 4.7.1 Come back later"
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    books(home)
    smtp_sink.script = lambda _: None
    home.live(hours=2)
    assert sent(home) == ["your-guide"]
    home.live(days=90)
    assert "discovery-session" not in sent(home)
    assert stands(home)[0] == EnrolmentStatus.GOAL_REACHED


def test_a_person_who_books_before_resubscribing_is_not_invited(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    context = home.context
    preferences.unsubscribe(
        context.database, context.catalogue, 1, None, Evidence(), home.clock.now
    )
    home.clock.advance(timedelta(days=1))
    books(home)
    home.clock.advance(timedelta(days=1))
    preferences.resubscribe(context.database, context.catalogue, 1, Evidence(), home.clock.now)
    home.live(days=90)
    assert sent(home) == ["your-guide"]


def test_a_booking_still_counts_after_an_unconfirmed_signup_is_erased(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    books(home)
    home.live(days=31)
    home.upkeep()
    assert [row["subscriber_id"] for row in home.rows(events) if row["kind"] == "booked"] == [None]
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=90)
    assert sent(home) == ["your-guide"]


def test_a_strangers_booking_is_forgotten_after_a_year(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    books(home)
    home.clock.advance(timedelta(days=364))
    home.upkeep()
    assert home.rows(events)[0]["booker"]
    home.clock.advance(timedelta(days=2))
    home.upkeep()
    assert home.rows(events)[0]["booker"] is None
    assert ANN not in repr(home.rows(events))
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=90)
    assert sent(home) == whole(PAIN)


def test_a_booker_can_be_erased_with_or_without_a_signup(
    home: Installation,
) -> None:
    home.clock.set(MONDAY)
    books(home)
    context = home.context
    assert erasure.forget_booker(
        context.database, context.files, context.tokens, ANN, home.clock.now
    )
    assert not erasure.forget_booker(
        context.database, context.files, context.tokens, ANN, home.clock.now
    )
    books(home, "A2")
    sign_up(home, ANN)
    assert home.rows(events)[0]["booker"] is home.rows(events)[1]["booker"] is None
    assert ANN not in repr(home.rows(events))
    assert [row["reason"] for row in home.everything()["suppressions"]] == ["erased"]


def test_an_owner_removes_someone_from_a_sequence_and_puts_them_back(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=12)
    had = sent(home)
    context = home.context
    assert on_behalf.take_out(context.database, 1, PAIN, home.clock.now, "paul@example.org")
    home.live(days=40)
    assert sent(home) == had
    on_behalf.put_back(
        context.database, context.catalogue, 1, PAIN, home.clock.now, "paul@example.org"
    )
    back_at = home.clock.now
    home.live(days=7)
    assert sent(home)[: len(had) + 1] == whole(PAIN)[: len(had) + 1]
    home.live(days=90)
    assert sent(home) == whole(PAIN)
    check_windows(home, ANN, PAIN)
    next_at = home.messages_of(ANN)[len(had)]["accepted_at"]
    assert next_at - back_at < timedelta(days=5)
    noted = [row for row in home.rows(events) if row["kind"] in ("removed", "put_back")]
    assert [row["raw"]["by"] for row in noted] == ["paul@example.org"] * 2
    assert stands(home) == (EnrolmentStatus.COMPLETED, EndReason.COMPLETED)


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_person_put_back_at_any_step_gets_every_email_once(
    sqlite_home: Installation, smtp_sink: ScriptedSink, steps: int
) -> None:
    home = sqlite_home
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    while len(sent(home)) < steps:
        home.live(days=1)
    context = home.context
    on_behalf.take_out(context.database, 1, PAIN, home.clock.now)
    home.live(days=33, hours=5)
    on_behalf.put_back(context.database, context.catalogue, 1, PAIN, home.clock.now)
    home.live(days=120)
    assert sent(home) == whole(PAIN)
    check_windows(home, ANN, PAIN)


def test_a_few_days_out_of_a_sequence_do_not_change_a_wait(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    home.clock.set(MONDAY)
    sign_up(home, ANN)
    collect(home, smtp_sink, ANN)
    home.live(days=3)
    due_at = home.next_look()
    context = home.context
    on_behalf.take_out(context.database, 1, PAIN, home.clock.now)
    home.live(hours=30)
    on_behalf.put_back(context.database, context.catalogue, 1, PAIN, home.clock.now)
    home.deliver()
    assert home.next_look() == due_at


# --- In any order --------------------------------------------------------------------------------


def _event(number: int, happened: Happened) -> BookingEvent:
    return BookingEvent(
        provider="generic",
        event_id=f"e{number}",
        occurred_at=happened.at,
        email=ANN.upper(),
        booked=happened.kind is not EventKind.CANCELLED,
        cancelled=happened.kind is EventKind.CANCELLED,
        rescheduled=happened.kind is EventKind.RESCHEDULED,
        starts_at=None,
        raw={},
    )


@st.composite
def calendars(draw: st.DrawFn) -> list[Happened]:
    """Draw what happened in the two days around a signup, with no two events at the same time."""
    minutes = draw(st.lists(st.integers(-1440, 1440), max_size=4, unique=True))
    kinds = st.sampled_from((EventKind.BOOKED, EventKind.CANCELLED, EventKind.RESCHEDULED))
    return [Happened(draw(kinds), MONDAY + timedelta(minutes=n)) for n in minutes if n]


@given(
    happened=calendars(), random=st.randoms(use_true_random=False), signs_up_after=st.floats(0, 1)
)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_bookings_and_signups_in_any_order_invite_nobody_who_booked(
    happened: list[Happened],
    random: Random,
    signs_up_after: float,
    sqlite_databases: SqliteDatabases,
) -> None:
    with TemporaryDirectory() as directory:
        url = sqlite_databases.fresh(Path(directory))
        home = Installation(url, Path(directory), ClockFile(Path(directory) / "clock"))
        home.clock.set(MONDAY)
        home.publish_shipped()
        context = home.context
        told = [_event(n, one) for n, one in enumerate(happened)]
        told += random.sample(told, k=len(told) // 2)
        random.shuffle(told)
        cut = round(signs_up_after * len(told))
        args = (context.database, context.catalogue, context.tokens)
        record_bookings(*args, told[:cut], MONDAY)
        home.subscribe(ANN)
        record_bookings(*args, told[cut:], MONDAY)
        home.deliver()
        home.collect()
        home.live(days=100)
        until = booked_until(happened)
        reached = is_reached(Progress(MONDAY, MONDAY), until)
        assert sent(home) == (["your-guide"] if reached else whole(PAIN))
        home.subscribe(ANN)
        home.live(days=100)
        # Who was known to be booked when they signed up, and has cancelled since, begins now.
        known = {one.event_id for one in told[:cut]}
        knew = is_booked(booked_until(one for n, one in enumerate(happened) if f"e{n}" in known))
        begins_late = knew and not is_booked(until)
        assert sent(home).count("your-guide") == 2
        assert len(sent(home)) == (2 if reached and not begins_late else len(whole(PAIN)) + 1)
        home.close()
