"""A tick box counts if it is named; an unclear value is no consent and is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.consent import OWN_BOXES, OWN_WORDINGS, Purpose
from nurture.domain.subscribers.tick_boxes import Ticks, read_ticks

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
def test_a_named_and_ticked_box_is_understood(sent: object) -> None:
    ticks = read_ticks(sent)
    assert (ticks.purposes, ticks.not_understood) == ((TRACKING,), ())


@pytest.mark.parametrize("sent", ["tracking, health_topics", "tracking health-topics", "a|b"])
def test_one_text_may_name_several_boxes(sent: str) -> None:
    sent = sent.replace("a|b", "Tracking|Health topics")
    assert read_ticks(sent).purposes == (TRACKING, HEALTH)


@pytest.mark.parametrize(
    "sent",
    [None, "", " ", "off", "No", "0", 0, False, [], {}, [""], [None, False], {"tracking": None}]
    + [{"tracking": "false"}, {"tracking": []}, {"anything": ""}],
)
def test_an_unticked_box_is_not_reported(sent: object) -> None:
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
def test_an_unreadable_box_grants_nothing_and_is_reported_without_visitor_text(
    sent: object, told: str
) -> None:
    ticks = read_ticks(sent)
    assert (ticks.purposes, ticks.not_understood) == ((), (told,))


def test_boxes_that_are_understood_count_beside_those_that_are_not() -> None:
    ticks = read_ticks(["tracking", "newsletters", "on"])
    assert ticks.purposes == (TRACKING,)
    assert ticks.not_understood == ("“newsletters”", "“on”")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(ANYTHING)
def test_any_input_is_read_and_the_report_stays_short(sent: object) -> None:
    ticks = read_ticks(sent)
    assert len(ticks.purposes) + len(ticks.not_understood) <= 20
    assert all(len(one) <= 40 for one in ticks.not_understood)


def test_a_very_long_or_deeply_nested_input_is_read_quickly() -> None:
    deep: object = "tracking"
    for _ in range(200):
        deep = [deep]
    for sent in ("tracking " * 100_000, deep, ["x"] * 100_000, {"tracking": "y" * 10**6}):
        read_ticks(sent)


@pytest.mark.parametrize("purpose", OWN_BOXES)
def test_a_box_that_is_named_by_its_words_is_proved_by_them(purpose: Purpose) -> None:
    words = OWN_WORDINGS[purpose]
    expected = Ticks((purpose,), (), {purpose: words})
    assert read_ticks([words]) == read_ticks({words: "on"}) == expected
    assert read_ticks({purpose: words}) == read_ticks({"0": [f" {words.upper()} "]}) == expected
    assert read_ticks([purpose]) == Ticks((purpose,))
    assert read_ticks({words: "off"}) == Ticks()
