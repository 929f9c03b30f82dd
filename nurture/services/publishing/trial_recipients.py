"""Recipients of a test of an email: the owner, and at most one colleague at a time."""

from nurture.addresses import AddressError, plain_mailbox
from nurture.store.database import Database
from nurture.store.tables.suppressions import find_suppression, refusals_of_mailbox
from nurture.tokens import Tokens


def trial_recipients(database: Database, tokens: Tokens, owner: str, colleague: str) -> list[str]:
    """Return the addresses that get a test: the owner's, and the colleague's if one is given.

    Raise `AddressError` if the colleague's is several, is no address, or is not to be written to.
    """
    if not colleague.strip():
        return [owner]
    try:
        address = plain_mailbox(colleague.strip())
    except AddressError as error:
        raise AddressError(
            f"The test was not sent. Your colleague’s address cannot be used: {error}"
        ) from None
    with database.reading() as connection:
        suppressed = any(
            find_suppression(connection, one) for one in tokens.address_hashes(address)
        ) or bool(refusals_of_mailbox(connection, tokens.mailbox_hash(address)))
    if suppressed:
        raise AddressError(
            "The test was not sent. That address is not to be written to: they asked for no more "
            "emails, or an email came back."
        )
    return list(dict.fromkeys([owner, address]))
