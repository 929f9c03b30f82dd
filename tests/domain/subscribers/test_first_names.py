"""An email greets people by what is certainly their first name, and otherwise without a name."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.domain.subscribers.first_names import first_name_in, plain_first_name
from tests.domain.subscribers.names_typed import NAMES, SENTENCES


@pytest.mark.parametrize(
    "name",
    ["Ann", "Anne-Marie", "O’Brien", "D'Arcy", "Zoë", "Мария", "李", "محمد", "Mary Jane", "Ann M."],
)
def test_names_in_any_script_are_accepted(name: str) -> None:
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
def test_text_that_does_not_look_like_a_name_is_not_printed(typed: str | None) -> None:
    assert plain_first_name(typed) == ""


@given(st.text())
def test_a_printed_name_contains_nothing_that_breaks_markup_or_headers(text: str) -> None:
    name = plain_first_name(text)
    assert len(name) <= 40
    assert not set(name) & set('<>&"@:/\\{}%=?\r\n\t\0')


@pytest.mark.parametrize(
    ("full", "first"),
    [
        ("Ann Other", "Ann"),
        ("  Ann Other", "Ann"),
        ("Ann", "Ann"),
        ("", ""),
        (None, ""),
        ("  ", ""),
        ("Dr. Anna Bell", "Anna"),
        ("dr Anna Bell", "Anna"),
        ("DR. ANNA BELL", "Anna"),
        ("Dr.Anna Bell", "Anna"),
        ("Prof. Dr. Anna Bell", "Anna"),
        ("Herr Dr. Bernd Maier", "Bernd"),
        ("Mr Paul Smith", "Paul"),
        ("Mx. Sam Smith", "Sam"),
        ("Señora María López", "María"),
        ("Mme Anne-Marie Blanc", "Anne-Marie"),
        ("Sir Paul", "Paul"),
        ("Dame Judi Dench", "Judi"),
        ("Rev. John Brown", "John"),
        ("Fr. Tom Kelly", "Tom"),
        ("Dr. med. Anna Bell", "Anna"),
        ("Dipl.-Ing. Anna Bell", "Anna"),
        ("Dra. Ana López", "Ana"),
        ("The Rev Anna Bell", "Anna"),
        ("Rt Hon Anna Bell", "Anna"),
        ("Prof.Dr. Anna Bell", "Anna"),
        ("van der Berg", ""),
        ("Van Morrison", "Van"),
        ("Mr.Smith", ""),
        ("Anna,,Bell", ""),
        ("Mr Smith", ""),
        ("Frau Müller", ""),
        ("Dr. Bell", ""),
        ("Dr.", ""),
        ("Mrs", ""),
        ("J. Smith", ""),
        ("J Smith", ""),
        ("J.P. Smith", ""),
        ("Mr J. Smith", ""),
        ("Smith, Anna", "Anna"),
        ("Smith, Dr. Anna Maria", "Anna"),
        ("Smith, J.", ""),
        ("Anna Smith, PhD", "Anna"),
        ("Maria del Carmen Garcia Lopez", "Maria"),
        ("李 小龙", "李"),
        ("anna bell", "Anna"),
        ("Hello Claim your prize now", ""),
        ("Claim your prize", ""),
        ("one two three four five six seven", ""),
        ("ann@example.org", ""),
        ("null", ""),
        ("test", ""),
        ("-", ""),
    ],
)
def test_the_first_name_is_found_in_a_full_name(full: str | None, first: str) -> None:
    assert first_name_in(full) == first


TITLES = [
    "Dr",
    "Mr",
    "Mrs",
    "Ms",
    "Miss",
    "Mx",
    "Prof",
    "Sir",
    "Dame",
    "Rev",
    "Herr",
    "Frau",
    "Señora",
]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("stop", ["", "."])
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_a_title_is_never_a_name(title: str, stop: str, case: type[str]) -> None:
    said = case(title + stop)
    assert first_name_in(f"{said} Anna Bell") == "Anna"
    assert plain_first_name(f"{said} Anna Bell") == "Anna"
    assert first_name_in(said) == plain_first_name(said) == ""


@pytest.mark.parametrize(
    ("typed", "greeted"),
    [
        ("Dr. Anna", ""),
        ("Dr. Anna Bell", "Anna"),
        ("Mr J Smith", ""),
        ("J Smith", ""),
        ("Anna B.", "Anna B."),
        ("J.", ""),
        ("J", ""),
        ("Anna, ", "Anna"),
        ("Bell, Anna", "Anna"),
        ("Don", "Don"),
        ("Ing", "Ing"),
        ("ANNA", "Anna"),
        ("anne-marie", "Anne-Marie"),
        ("o'brien", "O'Brien"),
        ("D’ARCY", "D’Arcy"),
        ("JP", "JP"),
        ("McKenna", "McKenna"),
        ("deShawn", "deShawn"),
        ("мария", "Мария"),
        ("Anna PhD", "Anna"),
        ("Mary Ann Sue", "Mary Ann Sue"),
        ("one two three four", ""),
        ("Click here now", ""),
        ("You won", ""),
        ("...", ""),
        ("'", ""),
        ("Undefined", ""),
    ],
)
def test_a_typed_first_name_is_greeted_in_its_usual_spelling(typed: str, greeted: str) -> None:
    assert plain_first_name(typed) == greeted


@given(st.text())
@example("ǅ ǅ")
@example("ß")
def test_cleaning_a_cleaned_name_changes_nothing(text: str) -> None:
    for name in (plain_first_name(text), first_name_in(text)):
        assert plain_first_name(name) == name


@pytest.mark.parametrize("name", NAMES)
def test_a_real_name_of_any_language_is_greeted_as_it_was_typed(name: str) -> None:
    assert plain_first_name(name) == name


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence_is_never_greeted(line: str) -> None:
    assert plain_first_name(line) == ""


def test_the_lists_of_names_and_sentences_are_long_and_repeat_nothing() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200
    assert len(set(SENTENCES)) == len(SENTENCES) >= 100


@given(st.sampled_from(NAMES), st.sampled_from(["Click", "Bitcoin", "Visit", "prize", "казино"]))
def test_a_name_beside_an_advertisement_is_a_sentence(name: str, advertised: str) -> None:
    assert (
        plain_first_name(f"{advertised} {name}") == plain_first_name(f"{name} {advertised}") == ""
    )
