"""Owners' passwords and how long a session lasts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.passwords import (
    IDLE_AT_MOST,
    SESSION_LASTS,
    PasswordRefusedError,
    SessionTimes,
    insist_on_good,
)

BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "",
        "aaaaaaaaaaaaaaaa",
        "abababababab",
        "PasswordPassword",
        "pass word 1234",
        "paul.smith@example.org",
        "Paul.Smith@Example.org",
        "paul.smithpaul.smith",
        "x" * 501,
    ],
)
def test_an_easily_guessed_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefusedError):
        insist_on_good(password, "paul.smith@example.org")


@pytest.mark.parametrize("password", ["horse staple battery", "šťastný deň veľký", "q8#Lw2!xPz7m"])
def test_a_good_password_is_accepted(password: str) -> None:
    insist_on_good(password, "paul@example.org")


@given(st.timedeltas(timedelta(), SESSION_LASTS * 2), st.timedeltas(timedelta(), SESSION_LASTS * 2))
def test_a_session_ends_after_idling_or_after_its_maximum_length(
    used: timedelta, idle: timedelta
) -> None:
    session = SessionTimes(BEGAN, BEGAN + used)
    over = session.is_over(BEGAN + used + idle)
    assert over == (idle >= IDLE_AT_MOST or used + idle >= SESSION_LASTS)
