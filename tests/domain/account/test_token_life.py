"""An access token is renewed before it expires, and never used when it has."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.account.token_life import AT_LEAST, life_of

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)

lengths = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40000))


def test_a_token_of_an_hour_is_renewed_five_minutes_ahead() -> None:
    life = life_of(timedelta(hours=1), NOW)
    assert life.is_fresh(NOW + timedelta(minutes=54))
    assert not life.is_fresh(NOW + timedelta(minutes=55))
    assert life.is_usable(NOW + timedelta(minutes=59))
    assert not life.is_usable(NOW + timedelta(minutes=59, seconds=1))


def test_a_provider_that_names_no_lifetime_means_an_hour() -> None:
    assert life_of(None, NOW).expires_at == NOW + timedelta(hours=1)


@given(lengths, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2)))
def test_no_token_is_used_in_its_last_minute(length: timedelta, later: timedelta) -> None:
    life = life_of(length, NOW)
    assert NOW <= life.renew_at <= life.expires_at <= NOW + timedelta(days=1)
    remains = life.expires_at - (NOW + later)
    assert life.is_usable(NOW + later) is (remains >= AT_LEAST)
