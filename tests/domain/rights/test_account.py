"""The account of a message tells the right that was there when it was sent, and no later one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.rights.account import Account, ClientRight, Ground, account_of, ground_now
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import Permission, may_write
from nurture.domain.subscribers.consent import (
    STREAMS,
    ConsentRecord,
    Evidence,
    Purpose,
    Scope,
    consents_of,
    covers,
    latest_said,
)

SENT_AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KNEES, NEWS = Scope(Purpose.SERIES, "knees"), Scope(Purpose.NEWS)
SCOPES = (KNEES, Scope(Purpose.SERIES, "backs"), Scope(Purpose.SERIES), NEWS, Scope(Purpose.GUIDE))
SOURCES = ("form:knees", "preferences", "evidence:4", "stated:4")
NEEDED = {
    Mailing.GUIDE: Scope(Purpose.GUIDE),
    Mailing.REMINDER: Scope(Purpose.GUIDE),
    Mailing.SERIES: KNEES,
    Mailing.INVITATION: KNEES,
    Mailing.ARTICLES: Scope(Purpose.ARTICLES),
    Mailing.NEWS: NEWS,
    Mailing.STILL_THERE: KNEES,
}


def record(
    scope: Scope, days: int, *, granted: bool = True, source: str = "form:knees"
) -> ConsentRecord:
    """Return what was said that number of days after the message was sent."""
    at = SENT_AT + days * DAY
    purpose, form = scope
    return ConsentRecord(purpose, granted, at, source, "Yes.", "", "1", Evidence(), None, form)


records = st.lists(
    st.builds(
        lambda scope, days, granted, source: record(scope, days, granted=granted, source=source),
        st.sampled_from(SCOPES),
        st.integers(-5, 5),
        st.booleans(),
        st.sampled_from(SOURCES),
    ),
    max_size=8,
).map(lambda said: sorted(said, key=lambda one: one.recorded_at))
mailings = st.sampled_from(Mailing)


def told(mailing: Mailing, said: Sequence[ConsentRecord], client: bool = False) -> Account:
    right = ClientRight(SENT_AT - DAY) if client else None
    return account_of(mailing, NEEDED.get(mailing), said, SENT_AT, right)


@given(mailings, records, st.booleans())
def test_the_record_was_there_before_the_message_and_not_withdrawn_by_then(
    mailing: Mailing, said: list[ConsentRecord], client: bool
) -> None:
    account = told(mailing, said, client)
    found = [account.record] if account.record else []
    earlier = [one for one in said if one.recorded_at < SENT_AT]
    assert all(one.granted and one.recorded_at <= SENT_AT for one in found)
    assert all(
        latest_said(earlier)[one.scope].granted for one in found if one.recorded_at < SENT_AT
    )


@given(mailings, records, st.booleans())
def test_nothing_that_is_said_later_changes_why_a_message_was_sent(
    mailing: Mailing, said: list[ConsentRecord], client: bool
) -> None:
    before = [one for one in said if one.recorded_at <= SENT_AT]
    then, now = told(mailing, before, client), told(mailing, said, client)
    assert (then.ground, then.record) == (now.ground, now.record)
    assert now.later[: len(then.later)] == then.later


@given(mailings, records, st.booleans())
def test_what_the_right_to_write_allows_has_a_ground_on_record(
    mailing: Mailing, said: list[ConsentRecord], client: bool
) -> None:
    before = [one for one in said if one.recorded_at < SENT_AT]
    given = consents_of(scope for scope, one in latest_said(before).items() if one.granted)
    allowed = may_write(mailing, NEEDED.get(mailing), given, (), is_client_basis=client)
    ground = told(mailing, before, client).ground
    assert allowed.answer is Permission.NO or ground is not Ground.UNRECORDED


@given(mailings, records, st.booleans())
def test_the_footer_and_the_account_name_the_same_ground(
    mailing: Mailing, said: list[ConsentRecord], client: bool
) -> None:
    before = [one for one in said if one.recorded_at < SENT_AT and one.scope != (STREAMS[0], "")]
    latest = latest_said(before)
    given = consents_of(scope for scope, one in latest.items() if one.granted)
    brought = {s for s, one in latest.items() if one.granted and one.source[:2] in ("ev", "st")}
    scope = NEEDED.get(mailing)
    footer = ground_now(mailing, scope, given, brought)
    allowed = may_write(mailing, scope, given, (), is_client_basis=client)
    account = told(mailing, before, client).ground
    several = mailing is Mailing.STILL_THERE and len(given.streams) > 1
    assert allowed.answer is Permission.NO or several or footer is account


def test_a_withdrawal_and_a_new_consent_afterwards_are_both_told() -> None:
    no, yes = record(KNEES, 2, granted=False), record(KNEES, 3)
    stopped = told(Mailing.SERIES, [record(KNEES, -3), no])
    assert stopped.ground is Ground.CONSENT
    assert stopped.withdrawn == no
    again = told(Mailing.SERIES, [record(KNEES, -3), no, yes])
    assert again.later == (no, yes)
    assert again.withdrawn is None


def test_what_was_said_of_another_series_is_not_told() -> None:
    other = record(Scope(Purpose.SERIES, "backs"), 1, granted=False)
    account = told(Mailing.SERIES, [record(KNEES, -3), other])
    assert account.later == ()
    assert not covers(other.scope, KNEES)


def test_a_client_who_has_said_no_since_was_still_a_client_when_the_news_was_sent() -> None:
    ended = ClientRight(None, client_since=SENT_AT - DAY)
    assert account_of(Mailing.NEWS, NEWS, [], SENT_AT, ended).ground is Ground.CLIENT


def test_a_right_as_a_client_that_began_later_does_not_count() -> None:
    later = ClientRight(SENT_AT + DAY)
    assert account_of(Mailing.NEWS, NEWS, [], SENT_AT, later).ground is Ground.UNRECORDED
    assert account_of(Mailing.SERIES, KNEES, [], SENT_AT + 2 * DAY, later).ground is (
        Ground.UNRECORDED
    )


def test_a_consent_of_a_list_is_told_as_such() -> None:
    of_list = replace(record(KNEES, -3), source="evidence:7", said_at=SENT_AT - 400 * DAY)
    account = told(Mailing.SERIES, [of_list])
    assert (account.ground, account.record) == (Ground.LIST, of_list)
