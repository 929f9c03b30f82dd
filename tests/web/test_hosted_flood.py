"""While many sign up through a form, its page sets a challenge that saves the wait."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from altcha import Challenge, Payload, solve_challenge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.door.waiting import WhyWaiting
from nurture.services.door import challenge
from nurture.store.tables.signups import signups
from nurture.store.tables.waiting_signups import waiting_signups
from nurture.tokens import Tokens
from tests.installation import Installation
from tests.web.hosting import ANN, THANKS, Visitor
from tests.web.reading import Page

#: So few an hour that one signup is many.
FEW = {"NURTURE_SIGNUPS_PER_FORM_HOUR": "1"}


@pytest.fixture
def late(home: Installation) -> Visitor:
    """A visitor whose neighbours have just signed up."""
    visitor = Visitor(home, settings=FEW)
    assert visitor.sends(email="first@example.org").location == THANKS
    return visitor


def solution_of(page: Page) -> str:
    """Solve the challenge of a page as a browser does."""
    [place] = page.all("div", **{"class": "challenge"})
    made = Challenge.from_dict(json.loads(place.attributes["data-challenge"]))
    solved = solve_challenge(made)
    assert solved is not None
    return Payload(made, solved).to_base64()


def reasons(home: Installation) -> list[str]:
    return [row["why"] for row in home.rows(waiting_signups)]


def test_a_page_sets_no_challenge_on_ordinary_days(sqlite_home: Installation) -> None:
    page = Visitor(sqlite_home).opens()
    assert page.all("script") == page.all("div", **{"class": "challenge"}) == []


def test_the_first_of_a_network_is_set_no_challenge_in_any_flood(
    home: Installation, late: Visitor
) -> None:
    elsewhere = Visitor(home, "198.51.100.3", settings=FEW)
    assert elsewhere.opens().all("div", **{"class": "challenge"}) == []
    assert elsewhere.sends(email=ANN).location == THANKS
    assert reasons(home) == []


def test_a_solved_challenge_is_taken_at_once_and_counts_once(
    home: Installation, late: Visitor
) -> None:
    page = late.opens()
    solution = solution_of(page)
    assert late.sends(page, email=ANN, solution=solution).location == THANKS
    assert (len(home.rows(signups)), reasons(home)) == (2, [])
    again = late.sends(page, email="eve@example.org", solution=solution)
    assert again.location == THANKS
    assert (len(home.rows(signups)), reasons(home)) == (2, [WhyWaiting.UNPROVEN])


def test_a_button_pressed_twice_spends_one_solution(home: Installation, late: Visitor) -> None:
    page = late.opens()
    solution = solution_of(page)
    for _ in range(2):
        assert late.sends(page, email=ANN, solution=solution).location == THANKS
    assert (len(home.rows(signups)), reasons(home)) == (2, [])


def test_a_mistake_in_the_address_spends_no_solution(home: Installation, late: Visitor) -> None:
    page = late.opens()
    solution = solution_of(page)
    assert late.sends(page, email="ann@", solution=solution).status_code == 422
    assert late.sends(page, email=ANN, solution=solution).location == THANKS
    assert reasons(home) == []


def test_without_a_solution_a_signup_is_accepted_and_waits(
    home: Installation, late: Visitor
) -> None:
    assert late.sends(email=ANN).location == THANKS
    assert reasons(home) == [WhyWaiting.UNPROVEN]


def test_a_solution_of_another_form_or_of_long_ago_does_not_count(
    sqlite_home: Installation,
) -> None:
    context, now = sqlite_home.context, sqlite_home.clock.now
    made = challenge.make_challenge(context.tokens, "pain-guide", now)
    read = Challenge.from_dict(json.loads(made))
    solved = solve_challenge(read)
    assert solved is not None
    solution = Payload(read, solved).to_base64()
    other = challenge.spend(context.database, context.tokens, "over-50-guide", solution, now)
    late = challenge.spend(
        context.database, context.tokens, "pain-guide", solution, now + timedelta(hours=3)
    )
    assert (other, late) == (False, False)
    assert challenge.spend(context.database, context.tokens, "pain-guide", solution, now)


def test_a_challenge_that_others_have_signed_does_not_count(sqlite_home: Installation) -> None:
    context, now = sqlite_home.context, sqlite_home.clock.now
    forged = challenge.make_challenge(Tokens(["another"]), "pain-guide", now)
    read = Challenge.from_dict(json.loads(forged))
    solved = solve_challenge(read)
    assert solved is not None
    solution = Payload(read, solved).to_base64()
    assert not challenge.spend(context.database, context.tokens, "pain-guide", solution, now)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
_PARAMETERS = st.fixed_dictionaries(
    {"algorithm": _VALUES, "nonce": _VALUES, "salt": _VALUES, "cost": _VALUES},
    optional={"keyLength": _VALUES, "keyPrefix": _VALUES, "expiresAt": _VALUES, "data": _VALUES},
)
_SOLUTIONS = st.fixed_dictionaries(
    {
        "challenge": st.fixed_dictionaries({"parameters": _PARAMETERS, "signature": _VALUES}),
        "solution": st.fixed_dictionaries({"counter": _VALUES, "derivedKey": _VALUES}),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_SOLUTIONS | _VALUES)
def test_no_solution_that_can_be_sent_is_an_error(sqlite_home: Installation, sent: Any) -> None:
    context, now = sqlite_home.context, sqlite_home.clock.now
    solution = b64encode(json.dumps(sent).encode()).decode()
    assert not challenge.spend(context.database, context.tokens, "pain-guide", solution, now)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_no_text_that_can_be_sent_is_an_error(sqlite_home: Installation, sent: str) -> None:
    context, now = sqlite_home.context, sqlite_home.clock.now
    assert not challenge.spend(context.database, context.tokens, "pain-guide", sent, now)
