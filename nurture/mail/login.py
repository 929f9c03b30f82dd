"""What logging in to a mail account needs besides a password: access tokens (RFC 6749)."""

from enum import StrEnum
from typing import Protocol

from nurture.domain.errors import NurtureError


class LoginMethod(StrEnum):
    """How to log in, as `?auth=` in the URL of a mail server or a mailbox says."""

    PASSWORD = "password"
    XOAUTH2 = "xoauth2"
    OAUTHBEARER = "oauthbearer"

    @property
    def needs_token(self) -> bool:
        """Whether an access token takes the place of a password."""
        return self is not LoginMethod.PASSWORD


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


class RenewableTokens(AccessTokens, Protocol):
    """Access tokens that can be renewed early, because a server may refuse a valid one."""

    def renewed(self, refused: str) -> str:
        """Return another token than the one that a server `refused`, if there can be another.

        Raise the same errors as `current`.
        """
