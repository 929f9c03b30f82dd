"""A condition and its menus agree for every person."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.audience.conditions import (
    All,
    AnyOf,
    Booked,
    Condition,
    Did,
    FilledIn,
    Has,
    InSequence,
    Not,
    holds,
)
from nurture.domain.audience.engagement import EngagementLevel
from nurture.domain.audience.facts import Facts
from nurture.domain.audience.menu import GroupKind, Kind, Row, RowGroup, as_condition, as_group
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Verdict
from tests.people import HEALTH, NOW, conditions, people

DAY = timedelta(days=1)


def row_of(kind: Kind) -> st.SearchStrategy[Row]:
    """Draw any row of a kind that its menus can produce."""
    what: st.SearchStrategy[str] = st.just("")
    state, times, days = st.just(""), st.just(1), st.just(0)
    match kind:
        case Kind.CLICKED | Kind.OPENED:
            what = st.sampled_from(
                ("", "topic:golf", "email:pain-guide/one", "link:https://x.org/")
            )
            times, days = st.integers(1, 5), st.integers(0, 400)
        case Kind.BOOKED:
            days = st.integers(0, 400)
        case Kind.COLLECTED | Kind.SIGNED_UP:
            what = st.sampled_from(("", "pain-guide"))
            days = st.integers(0, 400) if kind is Kind.SIGNED_UP else days
        case Kind.LEVEL:
            what = st.sampled_from([*map(str, EngagementLevel), "cooling+asleep"])
        case Kind.IN:
            what = st.just("pain-guide")
            state = st.sampled_from(["", *map(str, EnrolmentStatus)])
        case Kind.REACHED:
            what = st.just("pain-guide/one")
    return st.builds(Row, st.just(kind), st.booleans(), what, state, times, days)


rows = st.sampled_from(Kind).flatmap(row_of)
flat = st.builds(
    RowGroup, st.sampled_from(GroupKind), st.lists(rows, min_size=1, max_size=3).map(tuple)
)
groups = st.builds(
    RowGroup,
    st.sampled_from(GroupKind),
    st.lists(rows, min_size=1, max_size=3).map(tuple),
    st.lists(flat, max_size=2).map(tuple),
)


@given(groups)
def test_the_menus_read_back_unchanged_from_the_condition_they_built(group: RowGroup) -> None:
    condition = as_condition(group)
    assert condition is not None
    assert as_group(condition) == group


@given(conditions, people)
def test_a_condition_shown_in_the_menus_keeps_its_meaning(
    condition: Condition, facts: Facts
) -> None:
    group = as_group(condition)
    again = as_condition(group) if group else condition
    assert again is not None
    assert holds(again, facts, NOW, HEALTH) == holds(condition, facts, NOW, HEALTH)


@pytest.mark.parametrize(
    "condition",
    [
        Did(EventKind.CLICKED, topic="golf", email="pain-guide/one"),
        Did(EventKind.CLICKED, verdicts=frozenset(Verdict)),
        Did(EventKind.OPENED, within=timedelta(hours=5)),
        FilledIn(utm=(("utm_source", "news"),)),
        FilledIn(since=NOW),
        InSequence("golf", frozenset({EnrolmentStatus.ACTIVE, EnrolmentStatus.COMPLETED})),
        Has("first_name", "Ann"),
        Not(Not(Not(Booked()))),
        All((AnyOf((All((Booked(), Booked())), Booked())),)),
    ],
)
def test_a_condition_the_menus_cannot_express_is_not_converted(condition: Condition) -> None:
    assert as_group(condition) is None
    assert as_group(All((condition, Booked()))) is None


def test_empty_menus_make_no_condition() -> None:
    assert as_condition(RowGroup(GroupKind.ALL)) is None
    assert as_condition(RowGroup(GroupKind.ANY, (), (RowGroup(GroupKind.NONE),))) is None
    only_one = RowGroup(GroupKind.ALL, (Row(Kind.BOOKED, days=90),), (RowGroup(GroupKind.ANY),))
    assert as_condition(only_one) == All((Booked(90 * DAY),))
