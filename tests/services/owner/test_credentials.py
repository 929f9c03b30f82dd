"""Credentials: the cost of guessing one."""

from nurture.services.owner.credentials import hash_password, is_password


def test_a_password_hash_costs_memory_and_time() -> None:
    kept = hash_password("gently moving again")
    # No less than RFC 9106 and OWASP ask for where memory is short: 19 MiB and two passes.
    assert kept.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert is_password("gently moving again", kept)
    assert not is_password("gently moving", kept)


def test_two_owners_with_the_same_password_have_different_hashes() -> None:
    assert hash_password("gently moving again") != hash_password("gently moving again")
