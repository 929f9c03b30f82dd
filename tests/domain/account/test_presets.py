"""Presets and numbers: whatever is typed is a limit, or an error that says what to write."""

from dataclasses import astuple
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.account.limits import NO_LIMITS, NUMBERS, Limits
from nurture.domain.account.presets import (
    NO_CHOICES,
    PRESETS,
    UNLIMITED,
    AccountChoices,
    LimitError,
    find_preset,
    limits_in_force,
    read_number,
)

MOST = 1_000_000_000

chosen_numbers = st.none() | st.just(UNLIMITED) | st.integers(1, MOST)
keys = st.none() | st.sampled_from(sorted(PRESETS))
choices = st.builds(AccountChoices, keys, *[chosen_numbers] * len(NUMBERS))


def read(text: str) -> int | LimitError | None:
    """Return the number, or the error."""
    try:
        return read_number(text)
    except LimitError as error:
        return error


# --- Numbers -------------------------------------------------------------------------------------


@given(st.integers(1, MOST), st.sampled_from(["{}", " {} ", "{:,}", "{}\n", "0{}", "\t{}"]))
def test_a_whole_number_is_read_however_it_is_spaced(number: int, form: str) -> None:
    assert read_number(form.format(number)) == number


@given(st.text() | st.from_regex(r"[0-9 ,]{0,30}", fullmatch=True))
@example("0" * 11 + "9" * 20)
@example("0" * 10 + "1" + "9" * 20)
@example("1" + "0" * 5000)
@example("0" * 5000 + "1")
def test_whatever_is_typed_is_within_bounds_or_an_error_that_says_what_to_write(text: str) -> None:
    found = read(text)
    if isinstance(found, LimitError):
        assert str(found) == "write a whole number from 1 to 1,000,000,000, or none"
    else:
        assert found is None or 0 <= found <= MOST
        assert found is not UNLIMITED or text.strip().lower() == "none"


@pytest.mark.parametrize(
    "text",
    ["0", "-5", "1e3", "ten", "1.5", "+5", "0x10", "٣", "²", "1000000001", "unlimited", "5/h"],
)
def test_what_is_no_limit_is_not_taken_for_one(text: str) -> None:
    assert isinstance(read(text), LimitError)


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_nothing_leaves_the_number_to_the_preset(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize("text", ["none", "None", " NONE "])
def test_none_lifts_a_limit(text: str) -> None:
    assert read_number(text) == UNLIMITED


# --- Which are in force --------------------------------------------------------------------------


@given(choices, choices)
def test_the_environment_comes_before_the_owner_and_the_owner_before_the_preset(
    fixed: AccountChoices, own: AccountChoices
) -> None:
    found = limits_in_force(fixed, own)
    preset = PRESETS[fixed.preset or own.preset or "own-server"].limits
    for name in NUMBERS:
        said = [getattr(one, name) for one in (fixed, own, preset)]
        [number, *_] = [*(one for one in said if one is not None), UNLIMITED]
        assert getattr(found, name) == (number or None)


@given(choices, choices)
def test_a_limit_in_force_is_never_nothing_at_all(
    fixed: AccountChoices, own: AccountChoices
) -> None:
    assert all(one is None or one >= 1 for one in astuple(limits_in_force(fixed, own)))


def test_without_choices_nothing_is_limited() -> None:
    assert limits_in_force(NO_CHOICES, NO_CHOICES) == NO_LIMITS


def test_a_preset_that_only_another_release_knows_limits_nothing() -> None:
    own = AccountChoices("of-tomorrow", hour=7)
    assert limits_in_force(NO_CHOICES, own) == Limits(hour=7)


# --- Presets -------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(PRESETS)), st.sampled_from([" ", "_", "-"]), st.data())
def test_a_preset_is_found_however_it_is_spelt(key: str, between: str, data: st.DataObject) -> None:
    spelt = key.replace("-", between * data.draw(st.integers(1, 1 if between == "-" else 3)))
    name = data.draw(st.sampled_from([spelt, spelt.upper(), spelt.title(), f"  {spelt}\n"]))
    assert find_preset(name) is PRESETS[key]


@given(st.text())
def test_any_other_name_is_no_preset_and_no_error(name: str) -> None:
    found = find_preset(name)
    assert found is None or PRESETS[found.key] is found


@pytest.mark.parametrize(
    ("said", "key"),
    [("google", "google-workspace"), ("Office 365", "microsoft-365"), ("Postmark", "relay")],
)
def test_a_provider_is_found_by_its_usual_names(said: str, key: str) -> None:
    assert find_preset(said) is PRESETS[key]


def test_presets_have_the_numbers_that_their_notes_speak_of() -> None:
    for preset, (name, number) in product(PRESETS.values(), [("minute", 30), ("connections", 3)]):
        assert getattr(preset.limits, name) in (None, number)
    assert PRESETS["gmail"].limits.day == 500
    assert PRESETS["google-workspace"].limits.day == 1500
    assert PRESETS["microsoft-365"].limits.day == 10_000
