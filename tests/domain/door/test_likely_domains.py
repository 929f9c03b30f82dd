"""Slips in an address's domain: asked about where they are likely, and never pressed on anyone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.door.likely_domains import COMMON, did_you_mean

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmal.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("GMAIL.CO", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("hotmial.co.uk", "hotmail.co.uk"),
        ("yahooo.co.uk", "yahoo.co.uk"),
        ("iclod.com", "icloud.com"),
        ("outlok.com", "outlook.com"),
        ("btinernet.com", "btinternet.com"),
        ("sky.con", "sky.com"),
    ],
)
def test_a_slip_from_a_very_common_domain_is_asked_about(typed: str, meant: str) -> None:
    assert did_you_mean(f"Anna@{typed}") == f"Anna@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *("email.com", "mail.com", "ymail.com", "ge.com", "hey.com", "small.com", "nhs.net"),
        *("yahoo.ca", "live.nl", "hotmail.fr", "protonmail.ch", "outlook.de", "gmx.net"),
        *("human-movement.com", "example.org", "gmail.co.uk"),
    ],
)
def test_a_domain_of_its_own_is_never_asked_about(domain: str) -> None:
    assert did_you_mean(f"anna@{domain}") == ""


@pytest.mark.parametrize("domain", COMMON)
def test_a_common_domain_is_never_asked_about(domain: str) -> None:
    assert did_you_mean(f"anna@{domain}") == ""


@given(st.text(max_size=40))
def test_any_text_is_answered_with_nothing_or_a_common_domain(text: str) -> None:
    meant = did_you_mean(text)
    assert meant == "" or meant.rpartition("@")[2] in COMMON
    assert meant == "" or meant.rpartition("@")[0] == text.rpartition("@")[0]


@given(st.data())
def test_a_letter_left_out_of_a_long_common_name_is_noticed(data: st.DataObject) -> None:
    domain = data.draw(st.sampled_from(("hotmail.com", "btinternet.com", "virginmedia.com")))
    at = data.draw(st.integers(0, domain.index(".") - 1))
    assert did_you_mean(f"anna@{domain[:at]}{domain[at + 1 :]}") == f"anna@{domain}"


@given(st.sampled_from(COMMON), st.text(_LETTERS, min_size=4, max_size=8))
def test_what_was_suggested_is_not_asked_about_again(domain: str, more: str) -> None:
    meant = did_you_mean(f"anna@{domain[:3]}{more}.com")
    assert did_you_mean(meant) == ""
