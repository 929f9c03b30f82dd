"""A token carries one meaning, for one purpose, and cannot be altered to carry another."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.errors import NurtureError
from nurture.domain.keys import Keys
from nurture.tokens import OutdatedTokenError, TokenRefusedError, Tokens
from tests.presence import at_least_one

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
    "why": TOKENS.read_why,
}
MADE = {
    "guide": TOKENS.guide(7),
    "preferences": TOKENS.preferences(7),
    "unsubscribe": TOKENS.unsubscribe(7, 8),
    "open": TOKENS.opened(7),
    "confirm": TOKENS.confirm(7),
    "why": TOKENS.why(7),
    "click": TOKENS.click(7, "https://example.org/an-article?a=1"),
}


def flipped(token: str) -> list[str]:
    """Yield the token with each of its bits flipped, one at a time."""
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    number, bits = int.from_bytes(raw), 8 * len(raw)
    changed = ((number ^ 1 << bit).to_bytes(len(raw)) for bit in range(bits))
    return [urlsafe_b64encode(one).rstrip(b"=").decode() for one in changed]


@given(NUMBERS, NUMBERS, URLS)
def test_a_signed_value_is_read_back(one: int, other: int, url: str) -> None:
    assert TOKENS.read_guide(TOKENS.guide(one)) == one
    assert TOKENS.read_preferences(TOKENS.preferences(one)) == one
    assert TOKENS.read_opened(TOKENS.opened(one)) == one
    assert TOKENS.read_confirm(TOKENS.confirm(one)) == one
    assert TOKENS.read_why(TOKENS.why(one)) == one
    assert TOKENS.read_unsubscribe(TOKENS.unsubscribe(one, other)) == (one, other)
    assert TOKENS.read_click(TOKENS.click(one, url)) == (one, url)


@given(st.integers(0, 10**18 - 1))
def test_a_message_id_is_read_with_and_without_its_domain_and_brackets(message: int) -> None:
    left = TOKENS.message_id(message)
    for spelling in (left, f"{left}@example.org", f"<{left}@example.org>"):
        assert TOKENS.read_message_id(spelling) == message


@pytest.mark.parametrize("purpose", MADE)
def test_a_token_with_any_bit_changed_is_refused(purpose: str) -> None:
    for token in flipped(MADE[purpose]):
        with pytest.raises(TokenRefusedError):
            READERS[purpose](token)


@pytest.mark.parametrize("purpose", MADE)
def test_a_token_in_another_spelling_is_refused(purpose: str) -> None:
    token = MADE[purpose]
    others = (token + "=", token + "A", token[:-1], " " + token, token + "\n", "." + token, "é")
    for other in (*others, "", "A", "AAAA", token.swapcase()):
        with pytest.raises(TokenRefusedError):
            READERS[purpose](other)


@pytest.mark.parametrize("made_for", MADE)
@pytest.mark.parametrize("purpose", READERS)
def test_a_token_works_only_for_its_own_purpose(purpose: str, made_for: str) -> None:
    if purpose == made_for:
        READERS[purpose](MADE[made_for])
    else:
        with pytest.raises(TokenRefusedError):
            READERS[purpose](MADE[made_for])


@given(st.text())
def test_invented_text_is_not_a_token(text: str) -> None:
    for read in READERS.values():
        with pytest.raises(TokenRefusedError):
            read(text)


@given(URLS)
def test_the_destination_of_a_click_cannot_be_changed(url: str) -> None:
    token = TOKENS.click(7, "https://example.org/")
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    forged = raw[:9] + url.encode() + raw[-12:]
    with pytest.raises(TokenRefusedError):
        TOKENS.read_click(urlsafe_b64encode(forged).rstrip(b"=").decode())


def test_older_secrets_still_verify_and_only_the_newest_signs() -> None:
    old, both = Tokens(["old"]), Tokens(["new", "old"])
    assert both.read_guide(old.guide(7)) == 7
    assert both.read_message_id(old.message_id(7)) == 7
    assert both.guide(7) == Tokens(["new"]).guide(7)
    with pytest.raises(TokenRefusedError):
        old.read_guide(both.guide(7))


def test_the_hash_of_a_suppressed_address_survives_a_change_of_secrets() -> None:
    hashed = Tokens(["old"]).address_hash("ann@example.org")
    assert Tokens(["new", "old"]).address_hash("ann@example.org") == hashed
    assert Tokens(["other"]).address_hash("ann@example.org") != hashed
    assert "ann" not in hashed


# --- Keys that change ------------------------------------------------------------------------

#: What each rotation is: of keys that have leaked, or of keys that are only old.
ROTATIONS = st.lists(st.booleans(), max_size=6)
FIRST = st.sampled_from([Keys.of("a", "b"), Keys.of("a"), Keys.of("a,b,c"), Keys.of("a", "a")])


def every_token(tokens: Tokens) -> dict[str, str]:
    return {
        "guide": tokens.guide(7),
        "preferences": tokens.preferences(7),
        "unsubscribe": tokens.unsubscribe(7, 8),
        "open": tokens.opened(7),
        "confirm": tokens.confirm(7),
        "click": tokens.click(7, "https://example.org/an-article?a=1"),
    }


def every_reader(tokens: Tokens) -> dict[str, Callable[[str], object]]:
    return {name: getattr(tokens, reader.__name__) for name, reader in READERS.items()}


@given(FIRST, ROTATIONS)
def test_a_links_rights_depend_only_on_the_keys_it_was_made_with(
    keys: Keys, rotations: list[bool]
) -> None:
    first, states = Tokens.of(keys), [keys]
    for number, leaked in enumerate(rotations):
        states.append(states[-1].rotated(f"new {number}", leaked))
    now = Tokens.of(states[-1])
    for made, state in at_least_one(enumerate(states)):
        outdated = any(rotations[made:])
        assert now.address_hash("ann@example.org") == first.address_hash("ann@example.org")
        assert now.key_mark == first.key_mark
        assert Tokens.of(state).message_id(7) == first.message_id(7)
        assert now.read_message_id(Tokens.of(state).message_id(7)) == 7
        links = every_token(Tokens.of(state))
        for purpose, token in at_least_one(links.items()):
            read = every_reader(now)[purpose]
            if outdated and purpose not in ("preferences", "unsubscribe"):
                with pytest.raises(OutdatedTokenError):
                    read(token)
            else:
                assert read(token) == READERS[purpose](MADE[purpose])
        assert now.is_outdated(links["preferences"]) is outdated
        assert now.is_outdated(links["unsubscribe"]) is outdated


@given(FIRST, ROTATIONS)
def test_keys_are_read_back_as_written(keys: Keys, rotations: list[bool]) -> None:
    for number, leaked in enumerate(rotations):
        keys = keys.rotated(f"new {number}", leaked)
    written = (",".join(keys.signing), keys.address, ",".join(keys.leaked))
    assert Keys.of(*written) == keys
    assert "new" not in repr(keys) + str(keys)


def test_dropping_an_old_key_after_a_rotation_changes_no_hash() -> None:
    before = Tokens.of(Keys.of("newer,oldest"))
    rotated = Keys.of("newer,oldest").rotated("new", leaked=False)
    dropped = Tokens.of(Keys.of("new", rotated.address))
    assert dropped.address_hash("ann@example.org") == before.address_hash("ann@example.org")
    assert dropped.read_message_id(before.message_id(7)) == 7


def test_a_key_named_as_leaked_is_trusted_for_nothing_else() -> None:
    keys = Keys.of("new,old", "", "old")
    assert keys.signing == ("new",)
    assert keys.address == "old"
    with pytest.raises(NurtureError, match="secrets rotate --leaked"):
        Tokens.of(Keys.of("old", "", "old"))


def test_a_message_id_made_with_an_earlier_newest_key_is_still_read() -> None:
    """As made by a program from before the key for addresses had a setting."""
    once = Tokens(["newer"]).message_id(7)
    for keys in (Keys.of("newer,older"), Keys.of("new", "older", "newer,older")):
        assert Tokens.of(keys).read_message_id(once) == 7


@pytest.mark.parametrize("purpose", MADE)
def test_an_altered_token_of_a_leaked_key_is_refused_as_forged(purpose: str) -> None:
    tokens = Tokens(["new"], "address", ["a secret for tests"])
    for token in at_least_one(flipped(MADE[purpose])):
        with pytest.raises(TokenRefusedError) as refused:
            every_reader(tokens)[purpose](token)
        assert not isinstance(refused.value, OutdatedTokenError)


def test_a_token_contains_only_numbers_and_a_code() -> None:
    """It contains only a subscriber's number, so there is no room for personal data."""
    raw = urlsafe_b64decode(MADE["guide"] + "==")
    assert raw[1:-12] == (7).to_bytes(8)
    assert len(raw) == 1 + 8 + 12


@pytest.mark.parametrize(
    "other",
    ["", "7", "7.", "7.00", "-7.aa", "7.é", "é.7", "²." + "0" * 24, "9" * 40 + ".00", "<@>"],
)
def test_a_foreign_message_id_is_refused(other: str) -> None:
    with pytest.raises(TokenRefusedError):
        TOKENS.read_message_id(f"<{other}@example.org>")


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""]])
def test_nothing_is_signed_without_a_secret(secrets: list[str]) -> None:
    with pytest.raises(NurtureError, match="Set NURTURE_SECRET_KEY"):
        Tokens(secrets)
