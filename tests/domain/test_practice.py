"""The practice states who writes, and what its owner has yet to complete."""

from dataclasses import replace

from nurture.domain.practice import Practice

PRACTICE = Practice(
    name="A practice",
    owner="Ann",
    address=("1 High Street", "London EC1A 1AA"),
    phone="020",
    email="ann@example.org",
    website_url="https://example.org",
    sender_name="Ann",
    sender_address="ann@mail.example.org",
    reply_to="ann@example.org",
)


def test_the_postal_address_is_one_line_and_the_domain_is_the_senders() -> None:
    assert PRACTICE.address_line == "1 High Street, London EC1A 1AA"
    assert PRACTICE.sender_domain == "mail.example.org"


def test_each_empty_setting_is_named_with_its_consequence() -> None:
    booking, privacy = PRACTICE.to_fill_in()[1:]
    assert booking.startswith("booking_url is empty. ")
    assert privacy.startswith("privacy_url is empty. ")
    filled = replace(
        PRACTICE, blog_url="https://b", booking_url="https://b", privacy_url="https://p"
    )
    assert filled.to_fill_in() == []
