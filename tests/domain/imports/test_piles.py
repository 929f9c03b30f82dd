"""What a row is worth follows the law: evidence of when and how, or the owner’s word."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.imports.piles import SENTENCES, Pile, PileReason, names_network, pile_of
from nurture.domain.imports.row import AddressFault, ImportRow, RowState
from nurture.domain.imports.statement import NOTHING_SAID, Statement

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
THEN = datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)
IP = "203.0.113.7"

ANN = ImportRow(2, "list.csv", email="ann@example.org", address="ann@example.org")
AGREED = Statement(
    wording="Yes, send me the letter.",
    where="The form on our page",
    since=date(2019, 1, 1),
    until=date(2019, 12, 31),
)
CLIENTS = Statement(
    client=True,
    bought="Discovery Session",
    since=date(2018, 1, 1),
    until=date(2020, 1, 1),
    way_out_offered=True,
)


def pile(statement: Statement = NOTHING_SAID, **cells: Any) -> Pile:
    """Return the pile of a row about Ann with these cells."""
    return pile_of(replace(ANN, **cells), statement, NOW).pile


@pytest.mark.parametrize(
    "how",
    [
        {"opted_in_ip": IP},
        {"opted_in_ip": "2001:db8::7"},
        {"wording": "Yes, send me the letter."},
        {"page_url": "https://example.org/letter"},
        {"form": "Letter, footer"},
    ],
)
def test_a_row_that_says_when_and_how_is_evidence(how: dict[str, Any]) -> None:
    assert pile(opted_in_at=THEN, **how) is Pile.EVIDENCE
    assert pile(**how) is Pile.UNKNOWN


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"confirmed_at": THEN},
        {"confirmed_at": THEN, "confirmed_ip": IP},
        {"opted_in_ip": "127.0.0.1"},
        {"opted_in_ip": "10.1.2.3"},
        {"opted_in_ip": "::1"},
        {"opted_in_ip": "::ffff:192.168.0.1"},
        {"opted_in_ip": "imported"},
        {"wording": "Yes"},
        {"form": "CSV import"},
        {"page_url": "none"},
    ],
)
def test_a_time_without_a_how_is_none(how: dict[str, Any]) -> None:
    assert pile(opted_in_at=THEN, **how) is Pile.UNKNOWN


def test_a_confirmation_is_evidence_only_with_the_networks_of_signup_and_click() -> None:
    both: dict[str, Any] = {"opted_in_ip": IP, "confirmed_ip": IP}
    assert pile(confirmed_at=THEN, **both) is Pile.EVIDENCE
    assert pile(confirmed_at=THEN, confirmed_ip=IP) is Pile.UNKNOWN
    assert pile(confirmed_at=THEN, opted_in_ip=IP) is Pile.UNKNOWN
    assert pile(confirmed_at=THEN) is Pile.UNKNOWN
    assert pile(**both) is Pile.UNKNOWN


@pytest.mark.parametrize(
    "moment",
    [datetime(1994, 12, 31, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), NOW + timedelta(2)],
)
def test_a_time_that_cannot_be_right_proves_nothing(moment: datetime) -> None:
    assert pile(opted_in_at=moment, opted_in_ip=IP) is Pile.UNKNOWN
    assert pile(confirmed_at=moment, opted_in_ip=IP, confirmed_ip=IP) is Pile.UNKNOWN
    forever = replace(AGREED, since=date(1, 1, 1), until=date(9999, 12, 31))
    assert pile(forever, joined_at=moment) is Pile.UNKNOWN
    assert pile(bought="Session", bought_at=moment, way_out_offered=True) is Pile.UNKNOWN


def test_the_owners_word_counts_for_rows_with_a_date_between_its_days() -> None:
    assert pile(AGREED, joined_at=THEN) is Pile.STATED
    assert pile(AGREED, opted_in_at=THEN) is Pile.STATED
    assert pile(AGREED) is Pile.UNKNOWN
    assert pile(AGREED, joined_at=datetime(2018, 12, 31, 23, 59, tzinfo=UTC)) is Pile.UNKNOWN
    assert (
        pile(AGREED, opted_in_at=datetime(2020, 6, 1, tzinfo=UTC), joined_at=THEN) is Pile.UNKNOWN
    )


def test_the_days_of_a_statement_are_those_of_london_and_both_count() -> None:
    summer = replace(AGREED, since=date(2019, 7, 4), until=date(2019, 7, 4))
    assert pile(summer, joined_at=datetime(2019, 7, 3, 23, tzinfo=UTC)) is Pile.STATED
    assert pile(summer, joined_at=datetime(2019, 7, 4, 23, tzinfo=UTC)) is Pile.UNKNOWN


@pytest.mark.parametrize(
    "lacking",
    [
        {"wording": " "},
        {"where": ""},
        {"since": None},
        {"until": None},
        {"until": date(2018, 1, 1)},
    ],
)
def test_a_statement_that_lacks_anything_counts_for_nobody(lacking: dict[str, Any]) -> None:
    assert pile(replace(AGREED, **lacking), joined_at=THEN) is Pile.UNKNOWN


def test_a_client_needs_a_sale_a_date_and_a_way_out() -> None:
    sale: dict[str, Any] = {"bought": "Session", "bought_at": THEN}
    assert pile(**sale, way_out_offered=True) is Pile.CLIENT
    assert pile(**sale) is Pile.UNKNOWN
    assert pile(CLIENTS, **sale) is Pile.CLIENT
    assert pile(CLIENTS) is Pile.CLIENT
    assert pile(CLIENTS, **sale, way_out_offered=False) is Pile.UNKNOWN
    assert pile(replace(CLIENTS, bought=" ")) is Pile.UNKNOWN
    assert pile(replace(CLIENTS, since=None)) is Pile.UNKNOWN
    assert pile(replace(CLIENTS, way_out_offered=False)) is Pile.UNKNOWN
    assert pile(replace(CLIENTS, client=False)) is Pile.UNKNOWN


@pytest.mark.parametrize(
    "state", [RowState.NONSUBSCRIBED, RowState.UNCONFIRMED, RowState.UNREADABLE]
)
def test_nobody_who_never_agreed_gets_better_by_anything(state: RowState) -> None:
    everything: dict[str, Any] = {
        "opted_in_at": THEN,
        "opted_in_ip": IP,
        "bought": "x",
        "bought_at": THEN,
    }
    assert pile(AGREED, state=state, way_out_offered=True, **everything) is Pile.UNKNOWN


@pytest.mark.parametrize("fault", list(AddressFault))
def test_a_row_without_an_address_is_a_mistake(fault: AddressFault) -> None:
    assert pile(address="", fault=fault, state=RowState.UNSUBSCRIBED) is Pile.MISTAKES


MOMENTS = st.none() | st.datetimes(
    datetime(1990, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)
)
TEXTS = st.sampled_from(["", IP, "Yes", "https://example.org/", "a b c"])
ROWS = st.builds(
    ImportRow,
    line=st.integers(1, 9),
    sheet=st.sampled_from(["a.csv", "b.csv"]),
    email=st.just("ann@example.org"),
    address=st.just("ann@example.org"),
    state=st.sampled_from(RowState),
    **dict.fromkeys(("opted_in_at", "confirmed_at", "joined_at", "bought_at"), MOMENTS),
    **dict.fromkeys(("opted_in_ip", "confirmed_ip", "wording", "form", "bought"), TEXTS),
    way_out_offered=st.sampled_from([None, True, False]),
)
STATEMENTS = st.sampled_from([NOTHING_SAID, AGREED, CLIENTS, replace(AGREED, client=True)])


@given(ROWS, STATEMENTS)
def test_a_refusal_always_wins_and_every_reason_has_words(
    row: ImportRow, statement: Statement
) -> None:
    found = pile_of(row, statement, NOW)
    assert (found.pile is Pile.SUPPRESSED) is row.state.is_refusal
    assert found.sentence.endswith(".")


@given(ROWS, STATEMENTS)
def test_saying_nothing_makes_nobody_worth_more(row: ImportRow, statement: Statement) -> None:
    silent = pile_of(row, NOTHING_SAID, NOW).pile
    assert silent is not Pile.STATED
    assert silent is not Pile.EVIDENCE or pile_of(row, statement, NOW).pile is Pile.EVIDENCE


def test_each_reason_has_its_own_sentence() -> None:
    assert set(SENTENCES) == set(PileReason)
    assert len(set(SENTENCES.values())) == len(SENTENCES)


@given(st.text())
def test_no_text_breaks_the_question_for_a_network(text: str) -> None:
    assert names_network(text) in (True, False)
