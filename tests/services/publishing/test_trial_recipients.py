"""Recipients of a test of an email."""

import pytest

from nurture.addresses import AddressError
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.publishing.trial_recipients import trial_recipients
from nurture.store.tables.suppressions import suppress
from tests.installation import Installation

OWNER = "paul@example.org"


def to(home: Installation, colleague: str) -> list[str]:
    """Return who gets a test of the owner."""
    return trial_recipients(home.context.database, home.context.tokens, OWNER, colleague)


def test_a_test_goes_to_the_owner_and_to_at_most_one_colleague(home: Installation) -> None:
    assert to(home, " ") == [OWNER]
    assert to(home, " anna@example.com ") == [OWNER, "anna@example.com"]
    assert to(home, OWNER) == [OWNER]


@pytest.mark.parametrize("wrong", ["anna", "a@b.org,c@d.org", "a@b.org c@d.org", "a@b.org\nBcc: c"])
def test_what_is_not_one_address_is_refused(home: Installation, wrong: str) -> None:
    with pytest.raises(AddressError, match="cannot be used"):
        to(home, wrong)


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppressed_address_gets_no_test(home: Installation, reason: SuppressionReason) -> None:
    hashed = home.context.tokens.address_hashes("anna@example.com")[0]
    with home.context.database.writing() as connection:
        suppress(connection, hashed, reason, home.clock.now)
    with pytest.raises(AddressError, match="not to be written to"):
        to(home, "Anna@example.com")
