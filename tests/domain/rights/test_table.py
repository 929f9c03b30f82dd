"""The one table of the right to write: as documented, and with the cells that the law fixes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.rights.basis import Basis
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import (
    Permission,
    Permitted,
    SubscriberState,
    may_write,
    table_rows,
)
from nurture.domain.subscribers.consent import Consents, Purpose, Scope, consents_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "right-to-write.md"
NO, YES, LATER = Permission.NO, Permission.YES, Permission.LATER

SERIES = Scope(Purpose.SERIES, "pain-guide")
NEEDED = {
    Mailing.GUIDE: Scope(Purpose.GUIDE),
    Mailing.REMINDER: Scope(Purpose.GUIDE),
    Mailing.SERIES: SERIES,
    Mailing.INVITATION: SERIES,
    Mailing.ARTICLES: Scope(Purpose.ARTICLES),
    Mailing.NEWS: Scope(Purpose.NEWS),
    Mailing.STILL_THERE: SERIES,
}
EVERYTHING = consents_of(NEEDED.values())
NOTHING = Consents()

states = st.sets(st.sampled_from(SubscriberState))
mailings = st.sampled_from(Mailing)


def asked(
    mailing: Mailing,
    *states: SubscriberState,
    consents: Consents = EVERYTHING,
    is_client_basis: bool = False,
) -> Permitted:
    needed = NEEDED.get(mailing)
    return may_write(mailing, needed, consents, states, is_client_basis=is_client_basis)


def documented() -> Iterator[list[str]]:
    lines = DOCUMENT.read_text().partition("<!-- the table of states -->")[2].strip().splitlines()
    for line in lines[: next(n for n, one in enumerate(lines) if not one)]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not set(line) <= set("|-"):
            yield cells


def test_the_documented_table_is_the_one_in_force() -> None:
    assert list(documented()) == table_rows()


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (SubscriberState.COMPLAINED, {Mailing.OWN_DATA}),
        (SubscriberState.ERASED, set()),
        (SubscriberState.IMPORTED_UNKNOWN, set()),
        (SubscriberState.UNCONFIRMED, {Mailing.GUIDE, Mailing.REMINDER, Mailing.OWN_DATA}),
        (SubscriberState.UNSUBSCRIBED, {Mailing.ANSWER, Mailing.OWN_DATA}),
        (SubscriberState.PAUSED, {Mailing.GUIDE, Mailing.ANSWER, Mailing.OWN_DATA}),
        (SubscriberState.BOUNCED, set()),
    ],
)
def test_the_law_fixes_what_people_in_a_state_may_be_sent(
    state: SubscriberState, allowed: set[Mailing]
) -> None:
    assert {mailing for mailing in Mailing if asked(mailing, state).answer is YES} == allowed


def test_only_a_guide_asked_for_after_a_bounce_goes_to_an_address_that_bounced() -> None:
    bounced = [SubscriberState.BOUNCED]
    on_trial = {
        mailing
        for mailing in Mailing
        if may_write(mailing, NEEDED.get(mailing), EVERYTHING, bounced, guide_on_trial=True).answer
        is not NO
    }
    assert on_trial == {Mailing.GUIDE}


def test_a_client_without_consent_gets_news_and_invitations_and_no_series() -> None:
    own = {
        mailing
        for mailing in NEEDED
        if asked(mailing, consents=NOTHING, is_client_basis=True).basis is Basis.CLIENT
    }
    assert own == {Mailing.NEWS, Mailing.INVITATION}


@pytest.mark.parametrize("state", [SubscriberState.CLIENT, SubscriberState.BOOKED])
def test_being_a_client_or_having_booked_keeps_back_invitations_alone(
    state: SubscriberState,
) -> None:
    kept_back = {mailing for mailing in Mailing if asked(mailing, state).answer is not YES}
    assert kept_back == {Mailing.INVITATION}


@given(mailings, states, states)
def test_one_more_state_never_allows_more(
    mailing: Mailing, some: set[SubscriberState], more: set[SubscriberState]
) -> None:
    strictness = [YES, LATER, NO]
    fewer, all_of_them = asked(mailing, *some).answer, asked(mailing, *some, *more).answer
    assert strictness.index(all_of_them) >= strictness.index(fewer)


@given(mailings, states, st.sets(st.sampled_from([*NEEDED.values()])), st.booleans())
def test_marketing_always_has_a_basis_and_a_refusal_always_a_reason(
    mailing: Mailing, some: set[SubscriberState], scopes: set[Scope], is_client_basis: bool
) -> None:
    consents = consents_of(scopes)
    found = asked(mailing, *some, consents=consents, is_client_basis=is_client_basis)
    assert (found.why is None) is (found.answer is YES)
    assert found.answer is NO or found.basis is not None or mailing not in NEEDED


def test_the_series_of_one_form_is_not_that_of_another() -> None:
    consents = consents_of([Scope(Purpose.SERIES, "over-50-guide")])
    assert asked(Mailing.SERIES, consents=consents).answer is NO
