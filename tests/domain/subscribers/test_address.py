"""One person has one key, and an address is shown to nobody else."""

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
def test_one_person_has_one_key(typed: str) -> None:
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
def test_an_international_domain_has_one_key_however_it_is_spelt(spelt: str) -> None:
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
def test_a_domain_is_written_as_the_dns_knows_it(domain: str, key: str) -> None:
    assert domain_key(domain) == key
    assert domain_key(domain_in_letters(key)) == key


def test_a_sharp_s_and_two_plain_ones_are_two_domains() -> None:
    sharp, plain = "ann@straße.example", "ann@strasse.example"
    assert not set(address_keys(sharp)) & set(address_keys(plain))


@pytest.mark.parametrize("spelt", ["ann@bücher.example", "ann@xn--bcher-kva.example"])
def test_rows_from_before_are_found_under_the_key_that_they_were_written_under(spelt: str) -> None:
    assert address_keys(spelt) == ("ann@xn--bcher-kva.example", "ann@bücher.example")
    assert address_keys("Ann@Example.org") == ("ann@example.org",)


@given(st.text())
def test_the_first_of_the_keys_is_the_present_one(text: str) -> None:
    assert address_keys(text)[0] == address_key(text)


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert address_key(address_key(text)) == address_key(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("paul@example.org", "p•••@example.org"), ('"a@b"@example.org', '"•••@example.org')],
)
def test_a_masked_address_shows_its_first_letter_and_its_domain(address: str, shown: str) -> None:
    assert masked(address) == shown
