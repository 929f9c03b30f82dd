"""Bounces: a full mailbox is not dead, five soft ones over two weeks are, a jump is queried."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.bounce_jumps import is_jump
from nurture.domain.messages.bounces import (
    FULL_FOR,
    SOFT_IN_A_ROW,
    SOFT_OVER,
    Bounce,
    Returned,
    full_since,
    kind_of,
    says_full,
    tired_since,
)
from nurture.domain.tracking.events import CLOCKS_DIFFER_BY, when_it_came

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NO_BOUNCE = None

told = st.lists(
    st.builds(
        Returned,
        at=st.integers(0, 60).map(lambda day: START + timedelta(days=day)),
        bounce=st.one_of(st.none(), st.sampled_from(Bounce)),
    ),
    max_size=25,
)


def soft(*days: float) -> list[Returned]:
    """Return soft bounces on these days."""
    return [Returned(START + timedelta(days=day), Bounce.SOFT) for day in days]


@pytest.mark.parametrize(
    "said",
    [
        "552 5.2.2 The email account that you tried to reach is over quota",
        "452 4.2.2 Mailbox full",
        "smtp; 552 5.2.2 mailbox over its storage limit",
        "552 Requested mail action aborted: exceeded storage allocation",
        "422 The user's mailbox is over quota",
        "550 The recipient's mailbox is full and can't accept messages now",
        "552 user quota exceeded",
        "The email account that you tried to reach is out of storage space.",
        "MailboxFull",
        "552 inbox full",
        "452-4.2.2 The recipient's inbox is out of storage space",
        "Mailbox has been too full",
    ],
)
def test_a_full_mailbox_is_recognised_by_its_code_or_its_wording(said: str) -> None:
    assert says_full(said)
    assert kind_of(True, said) is kind_of(False, said) is Bounce.FULL


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("550 5.1.1 User unknown", Bounce.HARD),
        ("550 5.1.1 The mailbox is full of sorrow, and nobody has it", Bounce.HARD),
        ("550 No such user", Bounce.HARD),
        ("550 5.2.1 mailbox disabled", Bounce.HARD),
        ("host 10.5.2.2 said: 550 no such user", Bounce.HARD),
        ("bad-mailbox", Bounce.HARD),
        ("", Bounce.HARD),
        ("550 5.7.1 message blocked, quota exceeded for your IP", Bounce.SOFT),
        ("550 5.4.5 Daily user sending limit exceeded", Bounce.SOFT),
        ("550 Domain x.org has exceeded the max emails per hour (150/150 (100%))", Bounce.SOFT),
        ("550 5.1.90 You've reached your daily limit for message recipients", Bounce.SOFT),
        ("554 5.7.1 Message rejected as spam", Bounce.SOFT),
        ("552 5.3.4 Message size exceeds fixed limit", Bounce.SOFT),
    ],
)
def test_a_permanent_bounce_is_hard_only_if_it_concerns_the_address(
    said: str, kind: Bounce
) -> None:
    assert not says_full(said)
    assert kind_of(True, said) is kind
    assert kind_of(False, said) is Bounce.SOFT


def test_five_soft_bounces_over_two_weeks_count_as_a_permanent_bounce() -> None:
    assert tired_since(soft(0, 3, 7, 10, 14)) == START + timedelta(days=14)


@pytest.mark.parametrize("days", [(0, 3, 7, 14), (0, 1, 2, 3, 4, 5, 6, 7), (0, 3, 7, 10, 13.9)])
def test_fewer_soft_bounces_or_a_shorter_period_change_nothing(days: tuple[float, ...]) -> None:
    assert tired_since(soft(*days)) is None


def test_a_delivery_between_or_after_soft_bounces_ends_the_run() -> None:
    row = soft(0, 3, 7, 10, 14)
    for day in (0, 5, 14, 20):
        assert tired_since([*row, Returned(START + timedelta(days=day), NO_BOUNCE)]) is None
    assert tired_since([*soft(-9), Returned(START - timedelta(days=8), None), *row])


def test_bounces_before_a_suppression_was_lifted_do_not_count() -> None:
    assert tired_since(soft(0, 3, 7, 10, 14, 20), after=START + timedelta(days=14)) is None


@given(told, st.randoms())
def test_the_order_in_which_bounces_are_reported_makes_no_difference(
    history: list[Returned], chance: object
) -> None:
    shuffled = list(history)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tired_since(shuffled) == tired_since(history)
    assert full_since(shuffled) == full_since(history)


@given(told)
def test_an_address_is_tired_after_enough_soft_bounces_since_its_last_delivery(
    history: list[Returned],
) -> None:
    since = tired_since(history)
    arrivals = [one.at for one in history if one.bounce is None]
    row = sorted(
        one.at
        for one in history
        if one.bounce is Bounce.SOFT and (not arrivals or one.at > max(arrivals))
    )
    enough = len(row) >= SOFT_IN_A_ROW and row[-1] - row[0] >= SOFT_OVER
    assert (since is not None) is enough
    assert since is None or since in row


@given(told)
def test_full_mailbox_bounces_never_make_an_address_tired(history: list[Returned]) -> None:
    without = [one for one in history if one.bounce is not Bounce.FULL]
    assert tired_since(history) == tired_since(without)


def test_a_mailbox_is_reported_full_after_sixty_days_unless_an_email_arrives() -> None:
    full = [Returned(START + timedelta(days=day), Bounce.FULL) for day in (0, 20, 40, 60)]
    assert full_since(full[:3]) is None
    assert full_since(full) == START
    assert full[-1].at - START == FULL_FOR
    assert full_since([*full, Returned(START + timedelta(days=61), NO_BOUNCE)]) is None


@pytest.mark.parametrize(
    ("bounced", "accepted", "jump"),
    [(9, 9, False), (10, 199, True), (10, 200, False), (11, 200, True), (10, 0, True)],
)
def test_a_bounce_jump_needs_ten_bounces_and_over_five_per_cent_of_emails(
    bounced: int, accepted: int, jump: bool
) -> None:
    assert is_jump(bounced, accepted) is jump


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_an_event_with_an_impossible_time_is_dated_when_it_was_received(year: int) -> None:
    assert when_it_came(datetime(year, 1, 1, tzinfo=UTC), START) == START


def test_only_a_booking_calendar_may_date_events_up_to_a_day_ahead() -> None:
    for length, believed in ((timedelta(hours=23), True), (timedelta(hours=25), False)):
        told = START + length
        assert (when_it_came(told, START, CLOCKS_DIFFER_BY) == told) is believed
        assert when_it_came(told, START) == START
    assert when_it_came(None, START) == START


def test_an_event_from_last_week_keeps_its_time() -> None:
    last_week = START - timedelta(days=7)
    assert when_it_came(last_week, START) == last_week
