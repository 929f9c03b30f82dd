"""UTM parameters go behind links to the practice's website, once, and change nothing else."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.link_utm import LinkUtm, link_utm, without_link_utm
from nurture.domain.practice import Practice

PRACTICE = Practice(
    name="A practice",
    owner="Ann",
    address=("1 High Street", "London"),
    phone="",
    email="ann@example.org",
    website_url="https://www.practice.example",
    sender_name="Ann",
    sender_address="ann@example.org",
    reply_to="ann@example.org",
    booking_url="https://practice.example/book",
    link_utm=True,
)
OWN = ("https://practice.example/guide",)
UTM = link_utm(PRACTICE, "pain-guide", "first-letter", OWN)
ADDED = "utm_source=email&utm_medium=email&utm_campaign=pain-guide&utm_content=first-letter"

#: Pages of the website, and of others, with everything an address can have.
_TAILS = st.from_regex(r"\A(/[a-z%2.]{0,8}){0,3}/?(\?[a-z=&%+]{0,20})?(#[a-z?&=]{0,12})?\Z")
_HOSTS = st.sampled_from(
    ("practice.example", "www.practice.example", "PRACTICE.example", "blog.practice.example")
)
_SCHEMES = st.sampled_from(("https://", "http://"))
ADDRESSES = st.builds(lambda *parts: "".join(parts), _SCHEMES, _HOSTS, _TAILS)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://practice.example", f"https://practice.example?{ADDED}"),
        ("http://www.practice.example/a/", f"http://www.practice.example/a/?{ADDED}"),
        ("https://practice.example/a?b=c#d", f"https://practice.example/a?b=c&{ADDED}#d"),
        ("https://practice.example/#d?e", f"https://practice.example/?{ADDED}#d?e"),
        ("https://Practice.example./a", f"https://Practice.example./a?{ADDED}"),
        ("https://practice.example/bookshelf", f"https://practice.example/bookshelf?{ADDED}"),
    ],
)
def test_a_page_of_the_website_names_the_email(address: str, expected: str) -> None:
    assert UTM.added_to(address) == expected
    assert without_link_utm(expected) == address


@pytest.mark.parametrize(
    "address",
    [
        "https://blog.practice.example/a",
        "https://practice.example.org/a",
        "https://other.example/?to=https://practice.example",
        "https://practice.example:8443/a",
        "https://practice.example/a?UTM_Source=letter",
        "https://practice.example/a?b=c&utm%5fterm=knee#d",
        "https://practice.example/book",
        "https://www.practice.example/book/?day=1",
        "https://practice.example/book/session",
        "https://practice.example/guide/token",
        "mailto:ann@practice.example",
        "tel:+442071831164",
        "https://[practice.example/",
        "",
    ],
)
def test_other_links_stay_as_they_are(address: str) -> None:
    assert UTM.added_to(address) == address


def test_nothing_is_added_unless_the_owner_wants_it() -> None:
    off = link_utm(replace(PRACTICE, link_utm=False), "pain-guide", "first-letter", OWN)
    assert off.added_to("https://practice.example/a") == "https://practice.example/a"


def test_a_booking_page_that_is_the_whole_website_leaves_other_pages_alone() -> None:
    utm = link_utm(replace(PRACTICE, booking_url="https://practice.example/"), "a", "b", ())
    assert utm.added_to("https://practice.example") == "https://practice.example"
    assert "utm_source" in utm.added_to("https://practice.example/a")


def test_an_international_website_is_known_in_either_spelling() -> None:
    utm = LinkUtm("https://xn--bcher-kva.example", "email", "a", "b")
    assert "utm_source" in utm.added_to("https://bücher.example/a")


def test_what_is_named_cannot_break_out_of_its_parameter() -> None:
    utm = replace(UTM, source="", campaign="a&b=c#d", content="é ?")
    added = utm.added_to("https://practice.example/")
    assert dict(parse_qsl(urlsplit(added).query)) == {
        "utm_source": "email",
        "utm_medium": "email",
        "utm_campaign": "a&b=c#d",
        "utm_content": "é ?",
    }
    assert without_link_utm(added) == "https://practice.example/"


@given(address=ADDRESSES)
def test_adding_twice_is_adding_once(address: str) -> None:
    once = UTM.added_to(address)
    assert UTM.added_to(once) == once


@given(address=ADDRESSES)
def test_without_its_parameters_an_address_is_the_one_that_was_written(address: str) -> None:
    added = UTM.added_to(address)
    assert without_link_utm(added) == address
    before, after = urlsplit(address), urlsplit(added)
    assert after._replace(query="") == before._replace(query="")
    kept = [pair for pair in parse_qsl(after.query, True) if not pair[0].startswith("utm_")]
    assert kept == parse_qsl(before.query, True)


@given(address=st.text(max_size=80))
def test_anything_may_be_given_as_an_address(address: str) -> None:
    assert UTM.added_to(address) == address
    assert without_link_utm(address) == address
