"""Where a signup came from is counted alike, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.door.sources import SignupSource, first_touch, host_of, source_of

GOOGLE = {"utm_source": "Google", "utm_medium": "cpc", "utm_campaign": "Spring-Pain"}
PAGE = "https://www.Human-Movement.com/Free-Guide/?utm_source=google&name=ann#form"


def test_capitals_blanks_and_parameters_make_no_difference() -> None:
    expected = SignupSource("google", "cpc", "spring-pain", "human-movement.com/free-guide")
    assert source_of(GOOGLE, PAGE) == expected
    odd = {name: f"  {value.upper()}\t" for name, value in GOOGLE.items()}
    assert source_of(odd, "http://human-movement.com./free-guide") == expected


def test_a_visit_without_parameters_counts_as_the_first_one() -> None:
    first = {"utm_first_source": "instagram", "utm_first_medium": "social"}
    assert source_of(first, "") == SignupSource("instagram", "social")
    assert source_of(first | {"utm_source": "letter"}, "") == SignupSource("letter")


def test_the_first_visit_is_told_only_if_it_differs() -> None:
    same = {"utm_source": "letter", "utm_first_source": "letter"}
    assert first_touch(same) == {}
    assert first_touch(same | {"utm_medium": "email"}) == {"source": "letter"}


@pytest.mark.parametrize(
    ("utm", "page"),
    [
        ({"utm_source": "ann@example.org"}, ""),
        ({"utm_campaign": " \x1b "}, "https://[nowhere/"),
        ({}, "https://site.example/of/ann@example.org"),
        ({"utm_term": "knee"}, ""),
    ],
)
def test_addresses_and_nonsense_are_not_known(utm: dict[str, str], page: str) -> None:
    assert source_of(utm, page) == SignupSource()


def test_a_page_without_a_path_is_its_host() -> None:
    assert source_of({}, "https://www.site.example/?a=b").page == "site.example"
    assert host_of("https://WWW.site.example:8443/a") == "site.example"


@given(
    utm=st.dictionaries(
        st.sampled_from((*GOOGLE, "utm_first_source", "utm_x")), st.text(max_size=200)
    ),
    page=st.text(max_size=300)
    | st.text(max_size=300).map(lambda path: f"https://a.example/{path}"),
)
def test_whatever_was_sent_becomes_short_printable_words(utm: dict[str, str], page: str) -> None:
    found = source_of(utm, page)
    assert max(map(len, found)) <= 80
    assert all(word.isprintable() and word == word.strip() for word in found)
    assert "@" not in "".join(found)
