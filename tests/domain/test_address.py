"""One person has one key, and nothing but a name is printed as a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.address import address_key, first_word, masked, plain_first_name


@pytest.mark.parametrize("typed", ["Ann@Example.org", " ann@example.org\n", "ANN@EXAMPLE.ORG"])
def test_one_person_has_one_key(typed: str) -> None:
    assert address_key(typed) == "ann@example.org"


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("paul@example.org", "p•••@example.org"), ('"a@b"@example.org', '"•••@example.org')],
)
def test_a_masked_address_shows_its_first_letter_and_its_domain(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize(
    "name",
    ["Ann", "Anne-Marie", "O’Brien", "D'Arcy", "Zoë", "Мария", "李", "محمد", "Mary Jane", "Ann M."],
)
def test_names_of_any_script_are_names(name: str) -> None:
    assert plain_first_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        "www.example.org",
        "example.org/win",
        "Ann@example.org",
        "<b>Ann</b>",
        "{{ practice }}",
        "Ann\u202e",
        "Ann 😀",
        "Win 1000",
        "A" * 41,
    ],
)
def test_what_does_not_look_like_a_name_is_not_printed(typed: str | None) -> None:
    assert plain_first_name(typed) == ""


@given(st.text())
def test_a_printed_name_holds_nothing_that_markup_or_a_header_could_stumble_over(text: str) -> None:
    name = plain_first_name(text)
    assert len(name) <= 40
    assert not set(name) & set('<>&"@:/\\{}%=?\r\n\t\0')


@pytest.mark.parametrize(
    ("full", "first"), [("Ann Other", "Ann"), ("Ann", "Ann"), ("", ""), (None, ""), ("  ", "")]
)
def test_the_first_word_of_a_full_name(full: str | None, first: str) -> None:
    assert first_word(full) == first


def test_blanks_before_a_full_name_are_no_word() -> None:
    assert first_word("  Ann Other") == "Ann"
