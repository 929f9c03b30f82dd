"""Bounces: bounces and deliveries, reported in any order, lead to the same state."""

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.services.inbound import bounce_jumps
from nurture.services.inbound.bounce_jumps import NoJumpError
from nurture.services.inbound.bounces import TIRED
from nurture.services.profile.explanation import explain
from nurture.services.reports import dashboard
from nurture.services.subscribers import bounce_lifting, preferences
from nurture.services.subscribers.bounce_lifting import NotLiftableError
from nurture.store.tables.events import events
from nurture.store.tables.message_changes import move_on
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.presence import at_least_one
from tests.vocabulary import (
    ANN,
    FULL,
    HARD,
    SOFT,
    bounce_all,
    crowd,
    news,
    on_the_way_to_the_first_article,
    tell,
)

DAY = timedelta(days=1)


def reasons(home: Installation) -> set[str]:
    """Return the reasons of all suppressions."""
    return {row["reason"] for row in home.rows(suppressions)}


@pytest.fixture
def under_way(home: Installation) -> Installation:
    """Ann has collected her guide, and articles are to come."""
    on_the_way_to_the_first_article(home, ANN)
    return home


def state_of(home: Installation, address: str) -> tuple[Any, ...]:
    """Return all that decides whether and what a person is sent."""
    person = home.person(address)
    mine = [
        (row["reason"], row["since"], row["detail"])
        for row in home.rows(suppressions)
        if row["address_hash"] == person["address_hash"]
    ]
    ended = [(row["sequence"], row["status"]) for row in home.enrolments_of(address)]
    return mine, ended, sorted(person["purposes"]), home.statuses(address)


def test_the_same_events_lead_to_one_state_in_any_order_and_however_often(
    home: Installation,
) -> None:
    chance, start = random.Random(20), home.clock.now
    for story in range(6):
        home.clock.set(start)
        people = [f"p{story}-{n}@example.org" for n in range(4)]
        for address in people:
            home.subscribe(address)
        home.deliver()
        home.clock.set(start + 60 * DAY)
        lot = [
            (EventKind.BOUNCED, True, HARD),
            (EventKind.BOUNCED, False, SOFT),
            (EventKind.BOUNCED, False, SOFT),
            (EventKind.BOUNCED, True, FULL),
            (EventKind.DELIVERED, False, ""),
            (EventKind.COMPLAINED, False, "abuse"),
            (EventKind.UNSUBSCRIBED, False, ""),
        ]
        days = [(day, *chance.choice(lot)) for day in chance.sample(range(1, 60), 12)]
        states = []
        for address in people:
            [message] = [row["id"] for row in home.messages_of(address)]
            told = [
                news(
                    home,
                    kind,
                    start + day * DAY,
                    address=address,
                    message=message,
                    permanent=permanent,
                    reason=reason,
                )
                for day, kind, permanent, reason in days
            ]
            told += chance.choices(told, k=4)
            chance.shuffle(told)
            tell(home, told)
            states.append(state_of(home, address))
        assert states == [states[0]] * len(states), days


LOT = st.sampled_from(
    [
        (EventKind.BOUNCED, True, HARD),
        (EventKind.BOUNCED, False, SOFT),
        (EventKind.DELIVERED, False, ""),
        (EventKind.COMPLAINED, False, "abuse"),
        (EventKind.UNSUBSCRIBED, False, ""),
    ]
)
#: Days since the beginning; the last ones are of the year 1 and of the year 9999.
DAYS = st.integers(1, 59) | st.sampled_from([-700_000, 2_880_000])
STORIES = st.dictionaries(DAYS, LOT, max_size=6)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORIES, chance=st.randoms(use_true_random=False), withdraws=st.booleans())
def test_shuffled_and_repeated_events_agree_and_undo_lifts_only_the_opt_out(
    sqlite_home: Installation,
    story: dict[int, tuple[EventKind, bool, str]],
    chance: random.Random,
    withdraws: bool,
) -> None:
    home, context = sqlite_home, sqlite_home.context
    start = home.clock.now + 30 * DAY  # Far from the last example, so that nothing is a jump.
    story |= {60: (EventKind.UNSUBSCRIBED, False, "")} if withdraws else {}
    kinds = {kind for kind, *_ in story.values()}
    states = []
    for address in (f"{uuid4()}@example.org" for _ in range(2)):
        home.clock.set(start)
        home.subscribe(address)
        home.clock.set(start + 60 * DAY)
        told = [
            news(home, kind, start + d * DAY, address=address, permanent=hard, reason=why)
            for d, (kind, hard, why) in story.items()
        ]
        told += chance.choices(told, k=3) if told else []
        chance.shuffle(told)
        tell(home, told)
        states.append(state_of(home, address))
        number, before = home.person(address)["id"], states[-1][0]
        preferences.resubscribe(
            context.database, context.catalogue, number, Evidence(), home.clock.now
        )
        after = state_of(home, address)[0]
        assert after == [row for row in before if row[0] != "unsubscribed"]
        assert {"complained"} & {row[0] for row in before} == {"complained"} & set(map(str, kinds))
    assert states[0] == states[1]
    assert (EventKind.UNSUBSCRIBED in kinds) == ("unsubscribed" in {row[0] for row in states[0][0]})


def test_a_complaint_a_bounce_and_an_opt_out_are_each_recorded_in_any_order(
    home: Installation,
) -> None:
    kinds = (EventKind.COMPLAINED, EventKind.BOUNCED, EventKind.UNSUBSCRIBED)
    states = []
    for turn in range(3):
        address = f"p{turn}@example.org"
        home.subscribe(address)
        at = home.clock.now
        order = [*kinds[turn:], *kinds[:turn]]
        tell(home, [news(home, k, at, address=address, permanent=True) for k in order])
        states.append(state_of(home, address))
    assert states[0] == states[1] == states[2]
    assert [reason for reason, *_ in states[0][0]] == ["bounced", "complained", "unsubscribed"]
    assert states[0][1] == [("pain-guide", EnrolmentStatus.SUPPRESSED)]
    assert states[0][2] == []


def test_a_bounce_reported_late_counts_from_when_it_happened(under_way: Installation) -> None:
    at = under_way.clock.now
    under_way.clock.advance(3 * DAY)
    tell(under_way, [news(under_way, EventKind.BOUNCED, at, permanent=True, reason=HARD)])
    [row] = under_way.rows(suppressions)
    assert (row["since"], row["detail"]) == (at, HARD)


def test_a_bounce_older_than_a_delivery_suppresses_nobody(
    under_way: Installation,
) -> None:
    before = under_way.messages_of(ANN)[0]["claimed_at"] - DAY
    arrived = news(under_way, EventKind.DELIVERED, under_way.clock.now, message=1)
    came_back = news(under_way, EventKind.BOUNCED, before, permanent=True, reason=HARD)
    again = news(under_way, EventKind.BOUNCED, before - DAY, permanent=True, reason=HARD)
    for told in ([came_back, arrived], [again]):
        tell(under_way, told)
        assert reasons(under_way) == set()
        assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_the_owner_lifts_a_bounce_and_the_enrolment_it_ended_continues(
    under_way: Installation,
) -> None:
    context = under_way.context
    tell(
        under_way,
        [news(under_way, EventKind.BOUNCED, under_way.clock.now, permanent=True, reason=HARD)],
    )
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.SUPPRESSED
    under_way.clock.advance(DAY)
    lifted = bounce_lifting.lift(
        context.database, context.catalogue, context.tokens, ANN, "she rang", under_way.clock.now
    )
    assert (lifted.left, reasons(under_way)) == ("", set())
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    event = under_way.rows(events)[-1]
    assert (event["kind"], event["source"]) == ("lifted", "command line")
    assert event["raw"] == {"reason": "she rang"}
    under_way.live(days=10)
    assert len(under_way.messages_of(ANN)) > 1


def test_an_old_bounce_reported_after_the_lifting_changes_nothing(under_way: Installation) -> None:
    context, at = under_way.context, under_way.clock.now
    tell(under_way, [news(under_way, EventKind.BOUNCED, at, permanent=True, reason=HARD)])
    under_way.clock.advance(2 * DAY)
    bounce_lifting.lift(
        context.database, context.catalogue, context.tokens, ANN, "she rang", under_way.clock.now
    )
    later = at + DAY
    tell(under_way, [news(under_way, EventKind.BOUNCED, later, permanent=True, reason=HARD)])
    assert reasons(under_way) == set()
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_a_bounced_guide_is_offered_again_when_its_bounce_is_lifted(
    home: Installation,
) -> None:
    context = home.context
    home.subscribe(ANN)
    home.deliver()
    bounce = news(home, EventKind.BOUNCED, home.clock.now, message=1, permanent=True, reason=HARD)
    tell(home, [bounce])
    home.clock.advance(40 * DAY)
    bounce_lifting.lift(
        context.database, context.catalogue, context.tokens, ANN, "typo", home.clock.now
    )
    home.deliver()
    assert home.statuses(ANN) == [
        ("your-guide", MessageStatus.BOUNCED),
        ("your-guide", MessageStatus.ACCEPTED),
    ]


@pytest.mark.parametrize(
    ("kind", "who"),
    [(EventKind.UNSUBSCRIBED, "Only they"), (EventKind.COMPLAINED, "Nobody lifts that")],
)
def test_the_owner_cannot_lift_an_opt_out_or_a_complaint_and_learns_who_can(
    under_way: Installation, kind: EventKind, who: str
) -> None:
    context = under_way.context
    lift = (context.database, context.catalogue, context.tokens, ANN, "please", under_way.clock.now)
    tell(under_way, [news(under_way, kind, under_way.clock.now)])
    before = under_way.everything()
    with pytest.raises(NotLiftableError, match=who):
        bounce_lifting.lift(*lift)
    assert under_way.everything() == before
    bounce = news(under_way, EventKind.BOUNCED, under_way.clock.now, permanent=True, reason=HARD)
    tell(under_way, [bounce])
    assert who in bounce_lifting.lift(*lift).left
    assert reasons(under_way) == {str(kind)}
    assert under_way.enrolment(ANN)["status"] != EnrolmentStatus.ACTIVE


def test_the_explanation_names_the_unsubscribe_once_the_bounce_is_lifted(
    under_way: Installation,
) -> None:
    context, now = under_way.context, under_way.clock.now
    tell(under_way, [news(under_way, EventKind.UNSUBSCRIBED, now)])
    tell(under_way, [news(under_way, EventKind.BOUNCED, now, permanent=True, reason=HARD)])
    bounce_lifting.lift(context.database, context.catalogue, context.tokens, ANN, "she rang", now)
    under_way.clock.advance(10 * DAY)
    under_way.subscribe(ANN)
    assert under_way.deliver() == 0
    said = explain(context.database, context.catalogue, ANN, under_way.clock.now)
    assert said.next == "No emails planned: they unsubscribed through their mail program."


def test_lifting_a_suppression_without_a_reason_is_refused(under_way: Installation) -> None:
    context, now = under_way.context, under_way.clock.now
    with pytest.raises(NotLiftableError, match="No reason"):
        bounce_lifting.lift(context.database, context.catalogue, context.tokens, ANN, "  ", now)


def test_a_bounce_of_an_unknown_address_can_be_lifted(
    home: Installation,
) -> None:
    context, now = home.context, home.clock.now
    stranger = "stranger@example.org"
    tell(home, [news(home, EventKind.BOUNCED, now, address=stranger, permanent=True)])
    assert reasons(home) == {"bounced"}
    bounce_lifting.lift(
        context.database, context.catalogue, context.tokens, stranger.upper(), "typo", now
    )
    assert reasons(home) == set()


def test_a_mailbox_full_for_months_suppresses_nobody_and_is_shown_to_the_owner(
    under_way: Installation,
) -> None:
    context, start = under_way.context, under_way.clock.now
    for day in range(0, 64, 8):
        under_way.clock.set(start + day * DAY)
        at = under_way.clock.now
        tell(under_way, [news(under_way, EventKind.BOUNCED, at, permanent=True, reason=FULL)])
        needs = dashboard.oversee(
            context.database, context.catalogue, context.fingerprint, context.witness.seen(), at
        ).needs
        assert [one.address for one in needs.full] == []
    under_way.clock.set(start + 64 * DAY)
    at = under_way.clock.now
    tell(under_way, [news(under_way, EventKind.BOUNCED, at, permanent=True, reason=FULL)])
    needs = dashboard.oversee(
        context.database, context.catalogue, context.fingerprint, context.witness.seen(), at
    ).needs
    assert [(one.address, one.at) for one in needs.full] == [(ANN, start)]
    assert needs.count >= 1
    assert reasons(under_way) == set()
    assert {row["bounce"] for row in under_way.rows(events)} == {None, Bounce.FULL}


def test_soft_bounces_suppress_an_address_only_if_they_span_two_weeks(
    under_way: Installation,
) -> None:
    start = under_way.clock.now
    under_way.clock.advance(30 * DAY)
    eight = [start + day * DAY for day in range(8)]
    tell(under_way, [news(under_way, EventKind.BOUNCED, at, reason=SOFT) for at in eight])
    assert reasons(under_way) == set()
    last = start + 14 * DAY
    tell(under_way, [news(under_way, EventKind.BOUNCED, last, reason=SOFT)])
    [row] = under_way.rows(suppressions)
    assert (row["reason"], row["since"], row["detail"]) == ("bounced", last, TIRED)
    arrival = news(under_way, EventKind.DELIVERED, start + 9 * DAY, message=1)
    tell(under_way, [arrival])
    assert reasons(under_way) == set()
    assert under_way.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_a_bounce_jump_suppresses_nobody_else_until_the_owner_confirms_it(
    home: Installation,
) -> None:
    context, people = home.context, crowd(home, 15)
    bounce_all(home, people[:9])
    assert bounce_jumps.find_jump(context.database) is None
    bounce_all(home, people[9:12])
    jump = bounce_jumps.find_jump(context.database)
    assert jump is not None
    assert (jump.bounced, jump.accepted) == (10, 15)
    assert len(home.rows(suppressions)) == 9
    assert bounce_jumps.confirm(context.database, home.clock.now) == 3
    assert len(home.rows(suppressions)) == 12
    assert bounce_jumps.find_jump(context.database) is None
    with pytest.raises(NoJumpError):
        bounce_jumps.confirm(context.database, home.clock.now)
    bounce_all(home, people[12:13])
    assert len(home.rows(suppressions)) == 13


def test_a_dismissed_bounce_jump_lifts_its_suppressions_and_resends_the_guides(
    home: Installation,
) -> None:
    context, people = home.context, crowd(home, 14)
    bounce_all(home, people[:12])
    lost = home.person(people[0])["address_hash"]
    assert lost in {row["address_hash"] for row in home.rows(suppressions)}
    home.clock.advance(timedelta(hours=2))
    count = bounce_jumps.dismiss(context.database, context.catalogue, "studio", home.clock.now)
    assert (count, home.rows(suppressions)) == (12, [])
    home.deliver()
    for address in at_least_one(people[:12]):
        assert home.statuses(address)[-1] == ("your-guide", MessageStatus.ACCEPTED)
        assert len(home.statuses(address)) == 2
    assert len(home.statuses(people[13])) == 1


def test_a_few_bounces_among_many_emails_are_not_a_jump(home: Installation) -> None:
    people = crowd(home, 15)
    bounce_all(home, people[:9])
    home.clock.advance(2 * DAY)
    bounce_all(home, people[9:])
    assert bounce_jumps.find_jump(home.context.database) is None
    assert len(home.rows(suppressions)) == 15


def test_a_soft_bounce_does_not_undo_a_delivery(under_way: Installation) -> None:
    with under_way.context.database.writing() as connection:
        move_on(connection, 1, [MessageStatus.ACCEPTED], MessageStatus.DELIVERED, "")
    soft = news(under_way, EventKind.BOUNCED, under_way.clock.now, message=1, reason=SOFT)
    tell(under_way, [soft])
    assert under_way.statuses(ANN) == [("your-guide", MessageStatus.DELIVERED)]
