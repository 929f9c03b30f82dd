"""Each person has one key, and an address is never shown to others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.address import (
    address_key,
    address_keys,
    domain_in_letters,
    domain_key,
    masked,
)


@pytest.mark.parametrize("typed", ["Ann@Example.org", " ann@example.org\n", "ANN@EXAMPLE.ORG"])
def test_every_spelling_of_an_address_has_the_same_key(typed: str) -> None:
    assert address_key(typed) == "ann@example.org"


@pytest.mark.parametrize(
    "spelt",
    [
        "ann@bücher.example",
        "Ann@BÜCHER.example",
        "ann@xn--bcher-kva.example",
        "ann@XN--BCHER-KVA.EXAMPLE",
        "ann@bu\u0308cher.example",
        "ann@bücher.example.",
        "ann@bücher。example",
        "ann＠bücher.example",
    ],
)
def test_an_international_domain_has_one_key_in_either_spelling(spelt: str) -> None:
    assert address_key(spelt) == "ann@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("ΟΔΟΣ.gr", "xn--pxavbq.gr"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("نامه\u200cای.com", "xn--mgba3gch31f060k.com"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("xn--a.example", "xn--a.example"),
    ],
)
def test_a_domain_key_is_its_dns_form(domain: str, key: str) -> None:
    assert domain_key(domain) == key
    assert domain_key(domain_in_letters(key)) == key


def test_a_sharp_s_and_a_double_s_make_two_different_domains() -> None:
    sharp, plain = "ann@straße.example", "ann@strasse.example"
    assert not set(address_keys(sharp)) & set(address_keys(plain))


@pytest.mark.parametrize("spelt", ["ann@bücher.example", "ann@xn--bcher-kva.example"])
def test_an_old_row_is_found_under_the_key_it_was_written_with(spelt: str) -> None:
    assert address_keys(spelt) == ("ann@xn--bcher-kva.example", "ann@bücher.example")
    assert address_keys("Ann@Example.org") == ("ann@example.org",)


@given(st.text())
def test_the_first_of_the_address_keys_is_the_current_one(text: str) -> None:
    assert address_keys(text)[0] == address_key(text)


@given(st.text())
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("paul@example.org", "p•••@example.org"), ('"a@b"@example.org', '"•••@example.org')],
)
def test_a_masked_address_shows_its_first_letter_and_its_domain(address: str, shown: str) -> None:
    assert masked(address) == shown
