"""The address in a cell is found as it was meant, and never made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.addresses import AddressError, plain_mailbox
from nurture.domain.imports.row import AddressFault
from nurture.sheets.addresses import address_in, valid


@pytest.mark.parametrize(
    "cell",
    [
        "ann@example.org",
        "Ann <ann@example.org>",
        '"Other, Ann" <ann@example.org>',
        "<ann@example.org>",
        "mailto:ann@example.org?subject=Hello",
        "ann@example.org.",
        "ann@example.org;",
        "'ann@example.org'",
        "'ann@example.org",
        '=HYPERLINK("mailto:ann@example.org","ann@example.org")',
        "ann@example.org, Ann@Example.ORG",
    ],
)
def test_one_address_is_found_in_what_is_around_it(cell: str) -> None:
    assert address_in(cell).address == "ann@example.org"


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", AddressFault.MISSING),
        ("ann at example.org", AddressFault.IMPOSSIBLE),
        ("ann@example", AddressFault.IMPOSSIBLE),
        ("ann@@example.org", AddressFault.IMPOSSIBLE),
        ("zoë@example.org", AddressFault.IMPOSSIBLE),
        ("ann(work)@example.org", AddressFault.IMPOSSIBLE),
        ("ann@example.org bob@example.org", AddressFault.SEVERAL),
        ("ann@example.org; bob@example.org", AddressFault.SEVERAL),
        ("Ann <ann@example.org>, Bob <bob@example.org>", AddressFault.SEVERAL),
        ("ann@example.org and bob@example.org", AddressFault.SEVERAL),
    ],
)
def test_a_cell_without_one_address_says_why(cell: str, fault: AddressFault) -> None:
    found = address_in(cell)
    assert (found.email, found.address, found.fault) == (cell, "", fault)


def test_a_name_beside_the_address_and_an_international_domain_are_kept() -> None:
    assert address_in("Ann Other <ann@example.org>").name == "Ann Other"
    assert address_in("ann@münchen.de").address == "ann@xn--mnchen-3ya.de"


LOCAL = st.text(alphabet="ab1.+-_'=!/\"( é", max_size=70)
DOMAIN = st.sampled_from(
    ["example.org", "Example.ORG", "x.invalid", "a..b", "-a.org", "münchen.de", "localhost"]
    + ["a.b", "example.org.", "sub.example.co.uk", "1.2.3.4", "xn--mnchen-3ya.de", "_a.org"]
)


@given(LOCAL, DOMAIN)
def test_the_quick_answer_is_the_one_that_signups_get(local: str, domain: str) -> None:
    email = f"{local}@{domain}"
    try:
        expected = plain_mailbox(email)
    except AddressError:
        expected = ""
    assert valid(email) == expected


@given(st.text())
def test_no_cell_breaks_the_search_for_an_address(text: str) -> None:
    found = address_in(text.strip())
    assert bool(found.address) is (found.fault is None)
