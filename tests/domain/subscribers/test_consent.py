"""Consent is recorded by purpose, with the wording that was shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.consent import (
    MARKETING,
    OWN_WORDINGS,
    ConsentChange,
    Purpose,
    Scope,
    changed,
    consents_of,
    granted_at_signup,
    read_consents,
    read_scope,
    scope_of,
    wording_hash,
    words_of,
)

PURPOSES = st.sampled_from(Purpose)


@given(st.lists(PURPOSES), st.lists(PURPOSES))
def test_a_signup_grants_each_purpose_of_the_form_and_the_ticked_boxes_once(
    grants: list[Purpose], ticked: list[Purpose]
) -> None:
    found = granted_at_signup(grants, ticked, "Yes, please.", "knee", {})
    assert len(found) == len(set(grants + ticked))
    scopes = {scope_of(purpose, "knee") for purpose in grants + ticked}
    assert {(change.scope, change.granted, change.wording) for change in found} == {
        (scope, True, "Yes, please.") for scope in scopes
    }


def test_unticked_tracking_is_not_granted() -> None:
    found = granted_at_signup([Purpose.GUIDE, Purpose.SERIES], [], "Yes, please.", "", {})
    assert [change.purpose for change in found] == [Purpose.GUIDE, Purpose.SERIES]


FORMS = [Scope(Purpose.SERIES, form) for form in ("knee", "back", "the guide", "50%: über")]
SCOPES = st.sampled_from([*(Scope(p) for p in Purpose if p is not Purpose.SERIES), *FORMS])
EVERY_SCOPE = st.sampled_from([*map(Scope, Purpose), *FORMS])


@given(st.frozensets(SCOPES), st.dictionaries(SCOPES, st.booleans()))
def test_consent_changes_reach_exactly_the_wanted_state(
    agreed: frozenset[Scope], wanted: dict[Scope, bool]
) -> None:
    present = consents_of(agreed)
    found = changed(present, wanted, OWN_WORDINGS)
    granted = {change.scope for change in found if change.granted}
    withdrawn = {change.scope for change in found} - granted
    after = present.after(found)
    assert after.scopes == (agreed | granted) - withdrawn
    assert not granted & agreed
    assert withdrawn <= agreed
    assert all((scope in after) is wanted.get(scope, scope in present) for scope in wanted)


@given(st.frozensets(EVERY_SCOPE))
def test_stored_words_mean_the_same_to_this_program_and_no_more_to_an_older_one(
    agreed: frozenset[Scope],
) -> None:
    consents = consents_of(agreed)
    words = words_of(consents)
    assert read_consents(words) == consents
    assert read_consents(" ".join(words).split()) == consents  # Stored with spaces between them.
    assert (MARKETING in words) is (Purpose.SERIES in consents)
    stopped_by_an_older_program = words - {MARKETING}
    assert Purpose.SERIES not in read_consents(stopped_by_an_older_program)


@given(st.frozensets(EVERY_SCOPE), EVERY_SCOPE)
def test_a_withdrawal_always_counts(agreed: frozenset[Scope], withdrawn: Scope) -> None:
    after = consents_of(agreed).after([ConsentChange(withdrawn.purpose, False, "", withdrawn.form)])
    assert withdrawn not in after
    others = {scope for scope in agreed if scope.purpose is not withdrawn.purpose}
    assert all(scope in after for scope in others)


def test_the_word_from_before_there_were_streams_goes_on_meaning_the_series() -> None:
    assert Purpose(MARKETING) is Purpose.SERIES
    assert read_scope(MARKETING) == Scope(Purpose.SERIES)
    with pytest.raises(ValueError, match="newsletter"):
        Purpose("newsletter")


def test_every_purpose_has_a_wording_for_our_pages() -> None:
    assert all(OWN_WORDINGS[purpose] for purpose in Purpose)


def test_a_line_break_does_not_change_the_wording_hash_but_a_word_does() -> None:
    same = wording_hash("Send me the\n  guide.")
    assert (
        same
        == wording_hash(" Send me the guide. ")
        == ConsentChange(Purpose.GUIDE, True, "Send me the guide.").wording_hash
    )
    assert same != wording_hash("Send me a guide.")
