"""Owners' passwords."""

import pytest

from nurture.domain.passwords import PasswordRefusedError, insist_on_good


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "",
        "aaaaaaaaaaaaaaaa",
        "abababababab",
        "PasswordPassword",
        "pass word 1234",
        "paul.smith@example.org",
        "Paul.Smith@Example.org",
        "paul.smithpaul.smith",
        "x" * 501,
    ],
)
def test_an_easily_guessed_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefusedError):
        insist_on_good(password, "paul.smith@example.org")


@pytest.mark.parametrize("password", ["horse staple battery", "šťastný deň veľký", "q8#Lw2!xPz7m"])
def test_a_good_password_is_accepted(password: str) -> None:
    insist_on_good(password, "paul@example.org")
