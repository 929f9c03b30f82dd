"""Spellings of one mailbox have one key; addresses of unknown providers are left as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.mailboxes import is_foldable, mailbox_key

letters = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
tags = st.text("abcxyz0123.+-_", max_size=10)
plus_domains = st.sampled_from(
    ["outlook.com", "hotmail.co.uk", "live.com", "msn.com", "icloud.com", "me.com", "mac.com"]
    + ["fastmail.com", "proton.me", "protonmail.com", "pm.me"]
)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Anna.B+guides@Gmail.com", "annab@gmail.com"),
        ("a.n.n.a@googlemail.com", "anna@gmail.com"),
        ("anna@gmail.com", "anna@gmail.com"),
        ("anna.b+x+y@outlook.com", "anna.b@outlook.com"),
        ("anna+x@icloud.com", "anna@icloud.com"),
        ("anna+x@example.org", "anna+x@example.org"),
        ("anna+x@mail.gmail.com", "anna+x@mail.gmail.com"),
        ("+x@gmail.com", "+x@gmail.com"),
        ("...+x@gmail.com", "...+x@gmail.com"),
    ],
)
def test_an_address_has_the_key_of_its_mailbox(address: str, key: str) -> None:
    assert mailbox_key(address) == key
    assert is_foldable(address) is (address_key(address) != key)


@given(letters, tags, st.data())
def test_every_spelling_of_a_gmail_address_has_one_key(
    name: str, tag: str, data: st.DataObject
) -> None:
    dots = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelt = "".join(f"{c}." if dot else c for c, dot in zip(name, dots, strict=True))
    domain = data.draw(st.sampled_from(["gmail.com", "googlemail.com", "GMAIL.COM"]))
    assert mailbox_key(f"{spelt.upper()}+{tag}@{domain}") == f"{name}@gmail.com"


@given(letters, tags, plus_domains)
def test_a_tag_is_ignored_where_the_provider_says_so_and_dots_are_not(
    name: str, tag: str, domain: str
) -> None:
    assert mailbox_key(f"{name}.b+{tag}@{domain}") == f"{name}.b@{domain}"


@given(letters, tags, letters.map(lambda one: f"{one}.example.org"))
def test_an_unknown_domain_never_folds(name: str, tag: str, domain: str) -> None:
    address = f"{name}.b+{tag}@{domain}"
    assert mailbox_key(address) == address_key(address)
    assert not is_foldable(address)


@given(st.emails())
def test_the_key_of_a_mailbox_is_its_own_key(address: str) -> None:
    assert mailbox_key(mailbox_key(address)) == mailbox_key(address)
