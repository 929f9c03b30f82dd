"""Consent is recorded by purpose, with the wording that was shown."""

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Consents,
    Purpose,
    changed,
    granted_at_signup,
    wording_hash,
)

PURPOSES = st.sampled_from(Purpose)


@given(st.lists(PURPOSES), st.lists(PURPOSES))
def test_a_signup_grants_each_purpose_of_the_form_and_the_ticked_boxes_once(
    grants: list[Purpose], ticked: list[Purpose]
) -> None:
    found = granted_at_signup(grants, ticked, "Yes, please.")
    assert len(found) == len(set(grants + ticked))
    assert set(found) == {ConsentChange(p, True, "Yes, please.") for p in grants + ticked}


def test_unticked_tracking_is_not_granted() -> None:
    found = granted_at_signup([Purpose.GUIDE, Purpose.MARKETING], [], "Yes, please.")
    assert [change.purpose for change in found] == [Purpose.GUIDE, Purpose.MARKETING]


@given(st.frozensets(PURPOSES), st.dictionaries(PURPOSES, st.booleans()))
def test_consent_changes_reach_exactly_the_wanted_state(
    present: frozenset[Purpose], wanted: dict[Purpose, bool]
) -> None:
    found = changed(Consents(present), wanted, OWN_WORDINGS)
    granted = {change.purpose for change in found if change.granted}
    withdrawn = {change.purpose for change in found} - granted
    after = Consents((present | granted) - withdrawn)
    assert not granted & present
    assert withdrawn <= present
    assert all((purpose in after) is wanted.get(purpose, purpose in present) for purpose in Purpose)


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
