"""A token says one thing, to one purpose, and cannot be made to say another."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import NurtureError
from nurture.tokens import TokenRefusedError, Tokens

TOKENS = Tokens(["a secret for tests"])
NUMBERS = st.integers(0, 2**63 - 1)
URLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80).map("https://a.org/{}".format)
READERS: dict[str, Callable[[str], object]] = {
    "guide": TOKENS.read_guide,
    "preferences": TOKENS.read_preferences,
    "unsubscribe": TOKENS.read_unsubscribe,
    "open": TOKENS.read_opened,
    "click": TOKENS.read_click,
    "confirm": TOKENS.read_confirm,
}
MADE = {
    "guide": TOKENS.guide(7),
    "preferences": TOKENS.preferences(7),
    "unsubscribe": TOKENS.unsubscribe(7, 8),
    "open": TOKENS.opened(7),
    "confirm": TOKENS.confirm(7),
    "click": TOKENS.click(7, "https://example.org/an-article?a=1"),
}


def flipped(token: str) -> list[str]:
    """The token with each of its bits the other way round, one at a time."""
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    number, bits = int.from_bytes(raw), 8 * len(raw)
    changed = ((number ^ 1 << bit).to_bytes(len(raw)) for bit in range(bits))
    return [urlsafe_b64encode(one).rstrip(b"=").decode() for one in changed]


@given(NUMBERS, NUMBERS, URLS)
def test_what_was_signed_is_read_back(one: int, other: int, url: str) -> None:
    assert TOKENS.read_guide(TOKENS.guide(one)) == one
    assert TOKENS.read_preferences(TOKENS.preferences(one)) == one
    assert TOKENS.read_opened(TOKENS.opened(one)) == one
    assert TOKENS.read_confirm(TOKENS.confirm(one)) == one
    assert TOKENS.read_unsubscribe(TOKENS.unsubscribe(one, other)) == (one, other)
    assert TOKENS.read_click(TOKENS.click(one, url)) == (one, url)


@given(st.integers(0, 10**18 - 1))
def test_a_message_id_is_read_back_with_and_without_its_frame(message: int) -> None:
    left = TOKENS.message_id(message)
    for spelling in (left, f"{left}@example.org", f"<{left}@example.org>"):
        assert TOKENS.read_message_id(spelling) == message


@pytest.mark.parametrize("purpose", MADE)
def test_a_token_with_any_bit_changed_is_refused(purpose: str) -> None:
    for token in flipped(MADE[purpose]):
        with pytest.raises(TokenRefusedError):
            READERS[purpose](token)


@pytest.mark.parametrize("purpose", MADE)
def test_a_token_spelt_otherwise_is_refused(purpose: str) -> None:
    token = MADE[purpose]
    others = (token + "=", token + "A", token[:-1], " " + token, token + "\n", "." + token, "é")
    for other in (*others, "", "A", "AAAA", token.swapcase()):
        with pytest.raises(TokenRefusedError):
            READERS[purpose](other)


@pytest.mark.parametrize("made_for", MADE)
@pytest.mark.parametrize("purpose", READERS)
def test_a_token_opens_what_it_was_made_for_and_nothing_else(purpose: str, made_for: str) -> None:
    if purpose == made_for:
        READERS[purpose](MADE[made_for])
    else:
        with pytest.raises(TokenRefusedError):
            READERS[purpose](MADE[made_for])


@given(st.text())
def test_nothing_made_up_is_a_token(text: str) -> None:
    for read in READERS.values():
        with pytest.raises(TokenRefusedError):
            read(text)


@given(URLS)
def test_a_click_cannot_be_made_to_lead_elsewhere(url: str) -> None:
    token = TOKENS.click(7, "https://example.org/")
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged = raw[:9] + url.encode() + raw[-12:]
    with pytest.raises(TokenRefusedError):
        TOKENS.read_click(urlsafe_b64encode(forged).rstrip(b"=").decode())


def test_older_secrets_still_read_and_the_newest_signs() -> None:
    old, both = Tokens(["old"]), Tokens(["new", "old"])
    assert both.read_guide(old.guide(7)) == 7
    assert both.read_message_id(old.message_id(7)) == 7
    assert both.guide(7) == Tokens(["new"]).guide(7)
    with pytest.raises(TokenRefusedError):
        old.read_guide(both.guide(7))


def test_the_hash_of_a_suppressed_address_outlives_a_change_of_secrets() -> None:
    hashed = Tokens(["old"]).address_hash("ann@example.org")
    assert Tokens(["new", "old"]).address_hash("ann@example.org") == hashed
    assert Tokens(["other"]).address_hash("ann@example.org") != hashed
    assert "ann" not in hashed


def test_a_token_is_numbers_and_a_code_only() -> None:
    """Nothing but a subscriber's number is in it, so there is no room for personal data."""
    raw = urlsafe_b64decode(MADE["guide"] + "==")
    assert raw[1:-12] == (7).to_bytes(8)
    assert len(raw) == 1 + 8 + 12


@pytest.mark.parametrize(
    "other",
    ["", "7", "7.", "7.00", "-7.aa", "7.é", "é.7", "²." + "0" * 24, "9" * 40 + ".00", "<@>"],
)
def test_a_message_id_of_somebody_else_is_refused(other: str) -> None:
    with pytest.raises(TokenRefusedError):
        TOKENS.read_message_id(f"<{other}@example.org>")


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""]])
def test_nothing_is_signed_without_a_secret(secrets: list[str]) -> None:
    with pytest.raises(NurtureError, match="Set NURTURE_SECRET_KEY"):
        Tokens(secrets)
