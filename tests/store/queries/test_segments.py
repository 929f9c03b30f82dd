"""A segment contains the same people in SQL and in Python, on both databases."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.audience.conditions import AnyOf, Condition, Not, holds
from nurture.domain.audience.facts import Facts
from nurture.store.database import Database
from nurture.store.personal import empty_people
from nurture.store.queries.facts import facts_of
from nurture.store.queries.segments import count_segment, segment_members
from tests.people import HEALTH, NOW, conditions, people, write_down
from tests.presence import at_least_one
from tests.undone import undone


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    crowd=st.lists(people, min_size=1, max_size=5),
    asked=st.lists(conditions, min_size=1, max_size=4),
)
def test_sql_and_python_agree_on_who_is_in_a_segment(
    database: Database, crowd: list[Facts], asked: list[Condition]
) -> None:
    with undone(database) as connection:
        numbers = write_down(connection, crowd)
        for condition in at_least_one(asked):
            expected = {
                number
                for number, facts in zip(numbers, crowd, strict=True)
                if holds(condition, facts, NOW, HEALTH)
            }
            members = list(segment_members(connection, condition, NOW, HEALTH))
            assert {member.id for member in members} == expected
            assert count_segment(connection, condition, NOW, HEALTH) == len(expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(crowd=st.lists(people, min_size=1, max_size=4), asked=conditions)
def test_an_erased_person_is_in_no_segment(
    database: Database, crowd: list[Facts], asked: Condition
) -> None:
    with undone(database) as connection:
        numbers = write_down(connection, crowd)
        empty_people(connection, numbers[:1])
        members = segment_members(connection, AnyOf((asked, Not(asked))), NOW, HEALTH)
        assert [member.id for member in members] == numbers[1:]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(crowd=st.lists(people, min_size=1, max_size=4))
def test_facts_are_read_back_as_written(database: Database, crowd: list[Facts]) -> None:
    with undone(database) as connection:
        numbers = write_down(connection, crowd)
        assert facts_of(connection, numbers) == dict(zip(numbers, crowd, strict=True))
