"""What logging in to a mail account needs besides a password: access tokens (RFC 6749)."""

from typing import Protocol

from nurture.domain.errors import NurtureError


class GrantLapsedError(NurtureError):
    """The grant was revoked or has expired: someone must connect the account again."""


class AccessTokenUnavailableError(NurtureError):
    """No access token can be had at this moment, through no fault of the grant."""


class AccessTokens(Protocol):
    """The access tokens of one account, renewed before they expire."""

    def current(self) -> str:
        """Return an access token that is valid for at least a minute.

        It may be called from any thread, and may ask the provider, which takes seconds. Raise
        `GrantLapsedError` or `AccessTokenUnavailableError`.
        """
