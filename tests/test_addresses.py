"""An address is stored so that any email can carry it, or refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.addresses import AddressError, plain_mailbox, plain_page


@pytest.mark.parametrize(
    ("typed", "carried"),
    [
        ("paul@example.org", "paul@example.org"),
        ("paul+news@mail.example.org", "paul+news@mail.example.org"),
        ("paul@prüfung.example", "paul@xn--prfung-4ya.example"),
        ("paul@xn--prfung-4ya.example", "paul@xn--prfung-4ya.example"),
        ("paul@straße.example", "paul@xn--strae-oqa.example"),
    ],
)
def test_a_mailbox_gets_an_ascii_domain(typed: str, carried: str) -> None:
    assert plain_mailbox(typed) == carried


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "paul",
        "päul@example.org",
        "Paul <paul@example.org>",
        "a@example.org, b@example.org",
        "a@example.org;b@example.org",
        "paul@example.org\n",
        "paul@example.org ",
        "paul@",
        "@example.org",
        "mailto:paul@example.org",
        "paul@exa mple.org",
        "paul@example..org",
    ],
)
def test_an_undeliverable_address_is_refused_in_one_sentence(typed: str) -> None:
    with pytest.raises(AddressError, match=r"^[A-Z].*\.$"):
        plain_mailbox(typed)


@pytest.mark.parametrize(
    ("typed", "carried"),
    [
        ("https://example.org", "https://example.org"),
        ("http://example.org:8080/a?b=c&d#e", "http://example.org:8080/a?b=c&d#e"),
        ("HTTPS://Example.org/A", "HTTPS://Example.org/A"),
        (
            "https://prüfung.example/straße?ü=1",
            "https://xn--prfung-4ya.example/stra%C3%9Fe?%C3%BC=1",
        ),
        ("https://example.org/%C3%BC/ü", "https://example.org/%C3%BC/%C3%BC"),
        ("https://192.0.2.1/a", "https://192.0.2.1/a"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://localhost:8000", "https://localhost:8000"),
        ("https://a_b.example.org", "https://a_b.example.org"),
    ],
)
def test_a_page_url_is_converted_to_ascii(typed: str, carried: str) -> None:
    assert plain_page(typed) == carried
    assert plain_page(carried) == carried


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "calendly.com/paul/session",
        "www.example.org",
        "//example.org/a",
        "javascript:alert(1)",
        "mailto:paul@example.org",
        "ftp://example.org",
        "https://",
        "https:/example.org",
        "https:///a",
        "https://[",
        "https://[::g]/",
        "https://a..b/",
        "https://-a.example/",
        "https://999.1.1.1/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://paul@example.org/",
        "https://example.org/a b",
        " https://example.org",
        "https://example.org\n",
        "https://example.org/a\tb",
        'https://example.org/"a"',
        "https://example.org/<a>",
        "https://example.org/{{ first_name }}",
        "https://exam\u200bple.org/",
        "https://" + "a" * 64 + ".example/",
    ],
)
def test_an_unusable_page_url_is_refused(typed: str) -> None:
    with pytest.raises(AddressError, match="beginning with https://"):
        plain_page(typed)


@given(st.text(max_size=30))
def test_an_accepted_page_url_is_ascii_and_stays_unchanged(text: str) -> None:
    for typed in (text, f"https://{text}", f"https://example.org/{text}"):
        try:
            carried = plain_page(typed)
        except AddressError:
            continue
        assert carried.isascii()
        assert plain_page(carried) == carried
