"""A box counts where it is named; what cannot be understood is no consent and is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.domain.subscribers.tick_boxes import read_ticks

TRACKING, HEALTH = Purpose.TRACKING, Purpose.HEALTH_TOPICS


@pytest.mark.parametrize(
    "sent",
    [
        "tracking",
        " Tracking ",
        "TRACKING.",
        OWN_WORDINGS[TRACKING],
        ["tracking"],
        ["", "tracking"],
        {"0": "tracking"},
        {"tracking": True},
        {"tracking": "on"},
        {"tracking": 1},
        {"tracking": "tracking"},
        {"tracking": ["0", "1"]},
        {"tracking": True, "health_topics": "off", "newsletters": False},
        ["tracking", {"health_topics": "no"}],
    ],
)
def test_a_box_that_is_named_and_ticked_is_understood(sent: object) -> None:
    ticks = read_ticks(sent)
    assert (ticks.purposes, ticks.not_understood) == ((TRACKING,), ())


@pytest.mark.parametrize("sent", ["tracking, health_topics", "tracking health-topics", "a|b"])
def test_several_boxes_may_stand_in_one_text(sent: str) -> None:
    sent = sent.replace("a|b", "Tracking|Health topics")
    assert read_ticks(sent).purposes == (TRACKING, HEALTH)


@pytest.mark.parametrize(
    "sent",
    [None, "", " ", "off", "No", "0", 0, False, [], {}, [""], [None, False], {"tracking": None}]
    + [{"tracking": "false"}, {"tracking": []}, {"anything": ""}],
)
def test_a_box_that_is_not_ticked_is_nothing_to_tell(sent: object) -> None:
    ticks = read_ticks(sent)
    assert (ticks.purposes, ticks.not_understood) == ((), ())


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("on", "“on”"),
        (True, "“True”"),
        (1, "“1”"),
        ("newsletters", "“newsletters”"),
        ({"newsletters": True}, "“newsletters”"),
        ("I agree to tracking", "a text of 4 words"),
        ("no, tracking", "a text of 2 words"),
        ("I do not agree, tracking", "a text of 5 words"),
        ({"tracking": "I would rather not"}, "“tracking”"),
        ("ann@example.org", "a text"),
        ("07700 900123", "a text of 2 words"),
        (1.5, "a number"),
    ],
)
def test_what_cannot_be_understood_is_no_consent_and_is_told_without_what_a_visitor_wrote(
    sent: object, told: str
) -> None:
    ticks = read_ticks(sent)
    assert (ticks.purposes, ticks.not_understood) == ((), (told,))


def test_what_is_understood_counts_beside_what_is_not() -> None:
    ticks = read_ticks(["tracking", "newsletters", "on"])
    assert ticks.purposes == (TRACKING,)
    assert ticks.not_understood == ("“newsletters”", "“on”")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(ANYTHING)
def test_anything_is_read_and_no_more_is_told_than_a_line_holds(sent: object) -> None:
    ticks = read_ticks(sent)
    assert len(ticks.purposes) + len(ticks.not_understood) <= 20
    assert all(len(one) <= 40 for one in ticks.not_understood)


def test_a_page_of_text_or_a_deep_nest_costs_nothing() -> None:
    deep: object = "tracking"
    for _ in range(200):
        deep = [deep]
    for sent in ("tracking " * 100_000, deep, ["x"] * 100_000, {"tracking": "y" * 10**6}):
        read_ticks(sent)
