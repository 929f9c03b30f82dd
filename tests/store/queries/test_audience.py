"""The audience in SQL is what the domain says of each person, on both databases."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from nurture.domain.audience.conditions import Condition, Has, holds
from nurture.domain.audience.engagement import engagement
from nurture.domain.audience.facts import Facts
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import Permitted, may_write
from nurture.domain.scheduling.gate import Standing
from nurture.domain.subscribers.consent import Purpose, Scope
from nurture.store.database import Database
from nurture.store.personal import empty_people
from nurture.store.queries import audience
from nurture.store.queries.audience import (
    Candidate,
    chosen,
    count_bearings,
    members,
    people_after,
    people_outside,
)
from nurture.store.queries.bearings import Bearing
from tests.people import HEALTH, NOW, conditions, people, write_down
from tests.rights import Rights, asked_of_the_gate, rights, write_rights
from tests.undone import undone

_MAILINGS = {
    Mailing.ARTICLES: Scope(Purpose.ARTICLES),
    Mailing.NEWS: Scope(Purpose.NEWS),
    Mailing.INVITATION: Scope(Purpose.NEWS),
}

_crowds = st.lists(st.tuples(people, rights), min_size=1, max_size=6)
_segments = st.lists(conditions, max_size=2)

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
FEWER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)


def _write(connection: Connection, crowd: list[tuple[Facts, Rights]]) -> dict[int, Facts]:
    numbers = write_down(connection, [facts for facts, _ in crowd])
    write_rights(connection, {n: theirs for n, (_, theirs) in zip(numbers, crowd, strict=True)})
    return {number: facts for number, (facts, _) in zip(numbers, crowd, strict=True)}


def _is_in(facts: Facts, to: list[Condition], besides: list[Condition]) -> bool:
    wanted = not to or any(holds(one, facts, NOW, HEALTH) for one in to)
    return wanted and not any(holds(one, facts, NOW, HEALTH) for one in besides)


def _asked(standing: Standing) -> tuple[Permitted, ...]:
    return tuple(
        may_write(
            mailing,
            scope,
            standing.consents,
            standing.states_at(NOW),
            is_client_basis=standing.may_as_client,
        )
        for mailing, scope in _MAILINGS.items()
    )


@ANY
@given(crowd=_crowds, to=_segments, besides=_segments)
def test_counted_together_people_are_answered_as_a_worker_would_each_of_them(
    database: Database,
    crowd: list[tuple[Facts, Rights]],
    to: list[Condition],
    besides: list[Condition],
) -> None:
    with undone(database) as connection:
        written = _write(connection, crowd)
        counted: Counter[tuple[bool, tuple[Permitted, ...]]] = Counter()
        for one in count_bearings(connection, chosen(to, besides, NOW, HEALTH), NOW):
            counted[one.in_audience, _asked(one.bearing.standing)] += one.number
        is_in = {number: _is_in(facts, to, besides) for number, facts in written.items()}
        gate = asked_of_the_gate(connection, list(written), NOW)
        assert counted == Counter((is_in[n], _asked(due.standing)) for n, due in gate.items())


@ANY
@given(crowd=_crowds, to=_segments, besides=_segments, limit=st.integers(1, 3))
def test_the_audience_comes_in_chunks_each_person_once_and_as_the_gate_knows_them(
    database: Database,
    crowd: list[tuple[Facts, Rights]],
    to: list[Condition],
    besides: list[Condition],
    limit: int,
) -> None:
    with undone(database) as connection:
        written = _write(connection, crowd)
        theirs, upto = chosen(to, besides, NOW, HEALTH), max(written)
        found: list[Candidate] = []
        while some := people_after(
            connection, theirs, found[-1].id if found else 0, upto, limit, NOW, lively=True
        ):
            assert len(some) <= limit
            found += some
        expected = [n for n, facts in sorted(written.items()) if _is_in(facts, to, besides)]
        assert [one.id for one in found] == expected
        gate = asked_of_the_gate(connection, list(written), NOW)
        assert all(_asked(one.bearing.standing) == _asked(gate[one.id].standing) for one in found)
        assert all(
            one.level is engagement(written[one.id], NOW).level
            and one.is_tracked == (Purpose.TRACKING in written[one.id].consents)
            and one.frequency is written[one.id].frequency
            for one in found
        )


@FEWER
@given(crowd=_crowds, to=_segments, besides=_segments)
def test_the_list_behind_each_number_has_that_many_people(
    database: Database,
    crowd: list[tuple[Facts, Rights]],
    to: list[Condition],
    besides: list[Condition],
) -> None:
    with undone(database) as connection:
        written = _write(connection, crowd)
        theirs = chosen(to, besides, NOW, HEALTH)
        counted = count_bearings(connection, theirs, NOW)
        numbers: Counter[Bearing] = Counter()
        for one in counted:
            numbers[one.bearing] += one.number if one.in_audience else 0
        lists = [members(connection, theirs, [one], 0, 100, NOW) for one in numbers]
        assert [len(each) for each in lists] == list(numbers.values())
        outside = people_outside(connection, theirs, 0, 100)
        assert len(outside) == sum(one.number for one in counted if not one.in_audience)
        listed = sorted(one.id for each in (*lists, outside) for one in each)
        assert listed == sorted(written)


@pytest.mark.parametrize("to", [[], [Has("first_name", "Ann")]])
def test_lists_go_on_after_the_last_person_of_the_page_before(
    database: Database, monkeypatch: pytest.MonkeyPatch, to: list[Condition]
) -> None:
    monkeypatch.setattr(audience, "_LISTED_AT_ONCE", 2)
    ann = Facts(created_at=NOW, confirmed=True, first_name="Ann")
    with undone(database) as connection:
        numbers = write_down(connection, [ann] * 7)
        theirs = chosen(to, [], NOW, HEALTH)
        [only] = count_bearings(connection, theirs, NOW)
        pages = [
            [one.id for one in members(connection, theirs, [only.bearing], after, 3, NOW)]
            for after in (0, numbers[2], numbers[5], numbers[6])
        ]
        assert pages == [numbers[:3], numbers[3:6], numbers[6:], []]


@FEWER
@given(crowd=_crowds)
def test_an_erased_person_is_counted_as_nothing(
    database: Database, crowd: list[tuple[Facts, Rights]]
) -> None:
    with undone(database) as connection:
        numbers = list(_write(connection, crowd))
        empty_people(connection, numbers[:1])
        counted = count_bearings(connection, None, NOW)
        assert sum(one.number for one in counted) == len(numbers) - 1
        left = people_after(connection, None, 0, max(numbers), 100, NOW)
        assert [one.id for one in left] == numbers[1:]
