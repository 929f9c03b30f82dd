"""Many rows about one address have one outcome, whatever their order."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.imports.outcomes import merge
from nurture.domain.imports.piles import Pile, pile_of
from nurture.domain.imports.row import AddressFault, ImportRow, RowState
from nurture.domain.imports.statement import NOTHING_SAID

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
EARLY, LATE = datetime(2019, 3, 4, tzinfo=UTC), datetime(2021, 3, 4, tzinfo=UTC)

ANN = ImportRow(2, "a.csv", email="ann@example.org", address="ann@example.org")
PROVEN = replace(ANN, opted_in_at=LATE, opted_in_ip="203.0.113.7")

ROWS = st.builds(
    ImportRow,
    line=st.integers(1, 5),
    sheet=st.sampled_from(["a.csv", "b.csv"]),
    email=st.just("x"),
    address=st.sampled_from(["ann@example.org", "Ann@Example.org", "bob@example.org"]),
    state=st.sampled_from(RowState),
    opted_in_at=st.sampled_from([None, EARLY, LATE]),
    opted_in_ip=st.sampled_from(["", "203.0.113.7"]),
    left_at=st.sampled_from([None, EARLY, LATE]),
    first_name=st.sampled_from(["", "Ann", "Annie"]),
    last_name=st.sampled_from(["", "Other"]),
)


@given(
    st.lists(ROWS, max_size=6).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows)))
)
def test_the_order_of_rows_and_files_never_matters(
    orders: tuple[list[ImportRow], list[ImportRow]],
) -> None:
    one, other = (merge(rows, NOTHING_SAID, NOW) for rows in orders)
    assert one == other


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_any_refusal_wins_and_is_kept(rows: list[ImportRow]) -> None:
    outcomes = merge(rows, NOTHING_SAID, NOW)
    refused = {row.address.casefold() for row in rows if row.state.is_refusal}
    suppressed = {key for key, one in outcomes.items() if one.sorted.pile is Pile.SUPPRESSED}
    assert suppressed == refused
    assert {key for key, one in outcomes.items() if one.refusals} == refused


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_row_named_is_one_that_alone_would_have_the_same_outcome(rows: list[ImportRow]) -> None:
    outcomes = merge(rows, NOTHING_SAID, NOW).values()
    assert all(pile_of(one.row, NOTHING_SAID, NOW) == one.sorted for one in outcomes)


def test_the_strongest_basis_counts_and_of_two_the_earlier() -> None:
    earlier = replace(PROVEN, opted_in_at=EARLY, sheet="b.csv")
    [outcome] = merge([ANN, PROVEN, earlier], NOTHING_SAID, NOW).values()
    assert (outcome.sorted.pile, outcome.row) == (Pile.EVIDENCE, earlier)


def test_all_refusals_are_kept_with_their_last_times() -> None:
    left = replace(PROVEN, state=RowState.UNSUBSCRIBED, left_at=EARLY)
    again = replace(left, left_at=LATE, sheet="b.csv")
    bounced = replace(ANN, state=RowState.BOUNCED, first_name="Ann")
    [outcome] = merge([left, PROVEN, bounced, again], NOTHING_SAID, NOW).values()
    assert outcome.sorted.pile is Pile.SUPPRESSED
    assert outcome.refusals == {RowState.UNSUBSCRIBED: LATE, RowState.BOUNCED: None}
    assert outcome.name_from == bounced


def test_a_mistake_costs_nobody_else_anything() -> None:
    mistake = replace(ANN, address="", fault=AddressFault.SEVERAL, state=RowState.UNSUBSCRIBED)
    assert merge([mistake, PROVEN], NOTHING_SAID, NOW) == merge([PROVEN], NOTHING_SAID, NOW)
