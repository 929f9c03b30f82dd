"""How long a session lasts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.sessions import IDLE_AT_MOST, SESSION_LASTS, SessionTimes

BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@given(st.timedeltas(timedelta(), SESSION_LASTS * 2), st.timedeltas(timedelta(), SESSION_LASTS * 2))
def test_a_session_ends_after_idling_or_after_its_maximum_length(
    used: timedelta, idle: timedelta
) -> None:
    session = SessionTimes(BEGAN, BEGAN + used)
    over = session.is_over(BEGAN + used + idle)
    assert over == (idle >= IDLE_AT_MOST or used + idle >= SESSION_LASTS)
