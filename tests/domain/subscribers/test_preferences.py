"""What follows when a person stops, comes back or saves the preference page."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.scheduling.gate import Frequency, PausedBy
from nurture.domain.subscribers.consent import (
    EVERY_SERIES,
    STREAMS,
    ConsentChange,
    Consents,
    Purpose,
    Scope,
    consents_of,
)
from nurture.domain.subscribers.preferences import (
    PAUSE,
    STOPPED,
    Subscription,
    UnclearWishError,
    Wish,
    check_wish,
    come_back,
    is_only,
    is_ticked,
    keep_only,
    kept_open,
    prefer,
    prefer_less,
    stop,
    want_emails,
    wish_of,
)
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
UNSUBSCRIBED, BOUNCED = SuppressionReason.UNSUBSCRIBED, SuppressionReason.BOUNCED
BOXES = (Purpose.TRACKING, Purpose.HEALTH_TOPICS)
MOST_FIRST = (Wish.USUAL, Wish.FEWER, Wish.PAUSED, Wish.STOPPED)

moments = st.timedeltas(timedelta(days=-90), timedelta(days=90)).map(lambda by: NOW + by)
past = st.timedeltas(timedelta(0), timedelta(days=90)).map(lambda ago: NOW - ago)
SCOPES = [*map(Scope, Purpose), Scope(Purpose.SERIES, "knee"), Scope(Purpose.SERIES, "back")]
scopes = st.frozensets(st.sampled_from(SCOPES))
standing = st.lists(
    st.builds(Suppression, st.sampled_from(SuppressionReason), past),
    unique_by=lambda one: one.reason,
).map(tuple)
subscriptions = st.builds(
    Subscription,
    scopes.map(consents_of),
    standing,
    st.sampled_from(Frequency),
    st.none() | moments,
    st.sampled_from(PausedBy),
    scopes,
    scopes,
    may_as_client=st.booleans(),
)
wishes = st.sampled_from(Wish)
boxes = st.fixed_dictionaries(dict.fromkeys(map(Scope, BOXES), st.booleans()))


def reasons(present: Subscription) -> set[SuppressionReason]:
    return {one.reason for one in present.suppressions}


def after(present: Subscription, changes: tuple[ConsentChange, ...]) -> Subscription:
    """The same person once these changes are recorded."""
    return replace(present, consents=present.consents.after(changes))


def once_stopped(present: Subscription) -> Subscription:
    """The same person once they have stopped everything."""
    decided = stop(present)
    if decided is None:
        return present
    suppressions = (*present.suppressions, Suppression(UNSUBSCRIBED, NOW))
    withdrawn = frozenset(change.scope for change in decided.withdrawn)
    left = after(present, decided.withdrawn)
    return replace(left, suppressions=suppressions, withdrawn_by_stop=withdrawn)


@given(subscriptions)
def test_a_stop_withdraws_the_emails_alone_and_ends_everything_by_the_strongest_reason(
    present: Subscription,
) -> None:
    decided = stop(present)
    assert (decided is None) is (UNSUBSCRIBED in reasons(present))
    stopped = once_stopped(present)
    assert UNSUBSCRIBED in reasons(stopped)
    assert stop(stopped) is None
    assert stopped.consents.purposes >= present.consents.purposes - set(STOPPED)
    assert decided is None or decided.reason is stopped.suppressed
    assert decided is None or not set(STOPPED) & stopped.consents.purposes


@given(subscriptions.filter(lambda one: UNSUBSCRIBED not in reasons(one)))
def test_coming_back_gives_what_the_stop_withdrew_and_no_more(present: Subscription) -> None:
    stopped = once_stopped(present)
    back = come_back(stopped, NOW)
    assert back is not None
    assert after(stopped, back.granted).consents == present.consents
    assert back.left is present.suppressed


@given(subscriptions)
def test_coming_back_never_grants_what_no_stop_withdraws(present: Subscription) -> None:
    back = come_back(present, NOW)
    assert (back is None) is (UNSUBSCRIBED not in reasons(present))
    granted = {change.scope for change in back.granted} if back else set()
    assert granted <= present.withdrawn_by_stop
    assert all(scope.purpose in STOPPED for scope in granted)


def test_an_unsubscription_that_comes_later_is_not_taken_back() -> None:
    later = Suppression(UNSUBSCRIBED, NOW + timedelta(seconds=1))
    assert come_back(Subscription(Consents(), (later,)), NOW) is None


@given(subscriptions)
def test_wanting_the_emails_brings_back_what_was_stopped_or_lapsed_and_no_more(
    present: Subscription,
) -> None:
    wanted = want_emails(present, NOW)
    granted = (*(wanted.came_back.granted if wanted.came_back else ()), *wanted.agreed)
    saved = after(present, granted).consents
    assert all(scope in saved for scope in present.lapsed) or reasons(present) - {UNSUBSCRIBED}
    assert all(change.granted for change in granted)
    given = {change.scope for change in granted}
    assert len(given) == len(granted)
    assert given <= present.withdrawn_by_stop | present.lapsed


streams = st.fixed_dictionaries(
    {}, optional={scope: st.booleans() for scope in SCOPES if scope.purpose in STREAMS}
)


@given(subscriptions, wishes.filter(lambda wish: wish is not Wish.STOPPED), streams)
def test_a_box_for_a_kind_of_email_grants_or_withdraws_that_kind_alone(
    present: Subscription, wish: Wish, chosen: dict[Scope, bool]
) -> None:
    chosen = {scope: yes for scope, yes in chosen.items() if scope != EVERY_SERIES}
    decided = prefer(present, wish, {}, NOW, chosen)
    assert decided.wanted is not None
    back = decided.wanted.came_back.granted if decided.wanted.came_back else ()
    given = {change.scope for change in (*back, *decided.wanted.agreed) if change.granted}
    taken = {change.scope for change in decided.wanted.agreed if not change.granted}
    named = set(chosen) or present.withdrawn_by_stop | present.lapsed
    assert given <= named - {scope for scope, yes in chosen.items() if not yes}
    assert taken <= {scope for scope, yes in chosen.items() if not yes}
    assert decided.wanted.came_back is None or any(chosen.values()) or not chosen


@given(subscriptions, st.sampled_from(SCOPES))
def test_one_kind_of_email_can_be_kept_after_a_stop_and_no_other_comes_with_it(
    present: Subscription, kept: Scope
) -> None:
    stopped = once_stopped(replace(present, withdrawn_by_stop=frozenset()))
    back = keep_only(stopped, kept, NOW)
    assert (back is not None) is (kept in kept_open(stopped))
    granted = {change.scope for change in back.granted} if back else {kept}
    assert granted == {kept}


@given(subscriptions)
def test_a_page_that_is_saved_as_it_was_shown_changes_no_stream_and_no_right_as_a_client(
    present: Subscription,
) -> None:
    series = {one for one in present.consents.scopes if one.purpose is Purpose.SERIES}
    there = [*series, Scope(Purpose.ARTICLES), Scope(Purpose.NEWS)]
    shown = {scope: is_ticked(present, scope) for scope in there}
    wish = wish_of(present, NOW)
    decided = prefer(present, wish, {}, NOW, shown)
    check_wish(present, wish, shown, NOW)
    assert not decided.ends_client_basis
    wanted = decided.wanted
    assert wanted is None or (wanted.came_back, wanted.agreed) == (None, ())


@given(subscriptions, wishes, streams)
def test_a_person_who_gets_nothing_must_say_both_what_and_how_often(
    present: Subscription, wish: Wish, chosen: dict[Scope, bool]
) -> None:
    gets_nothing = wish_of(present, NOW) is Wish.STOPPED and bool(chosen)
    half = any(chosen.values()) is (wish is Wish.STOPPED)
    unclear = pytest.raises(UnclearWishError) if gets_nothing and half else nullcontext()
    with unclear:
        check_wish(present, wish, chosen, NOW)


@given(subscriptions, st.sampled_from(SCOPES))
def test_a_kind_of_email_that_is_kept_alone_is_the_only_one(
    present: Subscription, kept: Scope
) -> None:
    stopped = once_stopped(replace(present, suppressions=()))
    back = keep_only(stopped, kept, NOW)
    client = present.may_as_client and kept.purpose is Purpose.NEWS
    granted = back.granted if back else ()
    after_it = replace(after(stopped, granted), suppressions=(), may_as_client=client)
    assert is_only(after_it, kept) is (back is not None)


@given(subscriptions, wishes, boxes)
def test_a_saved_page_changes_the_boxes_that_were_changed_and_no_others(
    present: Subscription, wish: Wish, wanted: dict[Scope, bool]
) -> None:
    for decided in (prefer(present, wish, wanted, NOW), prefer_less(present, wish, wanted, NOW)):
        changed = {change.scope: change.granted for change in decided.boxes}
        assert changed.items() <= wanted.items()
        assert all(granted != (one in present.consents) for one, granted in changed.items())
    saved = after(present, prefer(present, wish, wanted, NOW).boxes)
    assert {one: one in saved.consents for one in wanted} == wanted


@given(subscriptions, wishes, boxes)
def test_a_page_that_may_only_make_it_less_gives_no_yes_and_takes_every_no(
    present: Subscription, wish: Wish, wanted: dict[Scope, bool]
) -> None:
    decided = prefer_less(present, wish, wanted, NOW)
    assert not any(change.granted for change in decided.boxes)
    assert decided.wanted is None
    refused = {one for one, yes in wanted.items() if not yes}
    assert not refused & after(present, decided.boxes).consents.scopes
    assert (decided.stopped is not None) is (
        wish is Wish.STOPPED and UNSUBSCRIBED not in reasons(present)
    )
    is_less = MOST_FIRST.index(wish) > MOST_FIRST.index(wish_of(present, NOW))
    assert (decided.often is not None) is (is_less and wish is not Wish.STOPPED)


@given(subscriptions)
def test_a_page_that_is_saved_as_it_was_shown_changes_no_consent_of_people_who_get_the_emails(
    present: Subscription,
) -> None:
    decided = prefer(present, wish_of(present, NOW), {}, NOW)
    assert decided.boxes == ()
    wanted = decided.wanted
    assert wanted is None or wanted.came_back is None
    assert wanted is None or {c.scope for c in wanted.agreed} <= present.lapsed
    assert decided.stopped is None or reasons(present) - {BOUNCED}
    assert (decided.often is None) is (wish_of(present, NOW) is Wish.STOPPED)


@given(subscriptions, st.sampled_from((Wish.USUAL, Wish.FEWER, Wish.PAUSED)))
def test_the_preference_page_shows_the_frequency_that_was_chosen(
    present: Subscription, wish: Wish
) -> None:
    free = replace(present, suppressions=(), consents=Consents(frozenset(Purpose)))
    often = prefer(free, wish, {}, NOW).often
    assert often is not None
    saved = replace(
        free,
        frequency=often.frequency,
        paused_until=often.paused_until,
        paused_by=often.paused_by,
    )
    assert wish_of(saved, NOW) is wish
    running = free.pause_at(NOW)
    assert often.paused_until == ((running or NOW + PAUSE) if wish is Wish.PAUSED else None)
    assert often.paused_by is (free.paused_by if running else PausedBy.PERSON)


@given(subscriptions, wishes.filter(lambda wish: wish is not Wish.STOPPED), streams)
def test_every_no_to_a_kind_of_email_is_taken_and_recorded_on_any_page(
    present: Subscription, wish: Wish, chosen: dict[Scope, bool]
) -> None:
    refused = {scope for scope, yes in chosen.items() if not yes and scope != EVERY_SERIES}
    chosen = dict.fromkeys(refused, False)
    had = present.consents.streams | {Scope(Purpose.NEWS) for _ in range(present.may_as_client)}
    for decide in (prefer, prefer_less):
        decided = decide(present, wish, {}, NOW, chosen)
        agreed = decided.wanted.agreed if decided.wanted else ()
        recorded = {change.scope for change in (*decided.boxes, *agreed) if not change.granted}
        assert {scope for scope in refused if scope in had} <= recorded
        says_no_as_client = present.may_as_client and Scope(Purpose.NEWS) in refused
        assert decided.ends_client_basis is says_no_as_client
