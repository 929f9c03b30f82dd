"""Tokens from a provider's token endpoint (RFC 6749 §5), and what its refusals mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError
from nurture.mail.oauth.endpoint import EndpointAnswer, post
from nurture.mail.oauth.providers import Client, OAuthProvider


class ClientRefusedError(GrantLapsedError):
    """The provider does not know the app, or not with this secret; the grant itself may be fine."""


class ConnectingFailedError(NurtureError):
    """No grant came of it; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What the endpoint issued; without a `refresh_token` the one in use stays valid (§6)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lifetime: timedelta | None


class EndpointRefusedError(NurtureError):
    """An error document of the endpoint: `code` is its `error`, `detail` a provider's number."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"The login service refused: {self.words}.")

    @property
    def words(self) -> str:
        """The code and the number, which may be shown."""
        return f"{self.code}, {self.detail}" if self.detail else self.code


#: Somebody has to give the permission again.
_LAPSED = frozenset(
    {"invalid_grant", "access_denied", "interaction_required", "consent_required"}
    | {"login_required"}
)
#: The app itself is refused; the last two are Google's.
_CLIENT = frozenset(
    {"invalid_client", "unauthorized_client"} | {"deleted_client", "disabled_client"}
)

_CODE = re.compile(r"[a-z_]{1,40}")
_DETAIL = re.compile(r"\bAADSTS\d{1,9}\b")

#: Printable ASCII without spaces (RFC 6750 §2.1); anything else could add to what a login sends.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


def refresh(provider: OAuthProvider, client: Client, refresh_token: str) -> IssuedTokens:
    """Return a new access token (RFC 6749 §6).

    Raise `GrantLapsedError`, `ClientRefusedError` or `AccessTokenUnavailableError`.
    """
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    try:
        return issued(post(provider.token_url, client.fields | fields))
    except EndpointRefusedError as refusal:
        raise _why_not_refreshed(provider, refusal) from None


def _why_not_refreshed(provider: OAuthProvider, refusal: EndpointRefusedError) -> NurtureError:
    if refusal.code in _LAPSED:
        return GrantLapsedError(
            f"{provider.title} no longer lets this program use the mail account ({refusal.words}).",
            remedy=connect_again(provider),
        )
    if refusal.code in _CLIENT:
        return ClientRefusedError(
            f"{provider.title} does not accept the client ID or its secret ({refusal.words}).",
            remedy="Check NURTURE_OAUTH_CLIENT_ID and NURTURE_OAUTH_CLIENT_SECRET in the "
            f"provider’s console. {connect_again(provider)}",
        )
    return AccessTokenUnavailableError(
        f"{provider.title}’s login service gave no access token ({refusal.words}).",
        remedy="It is asked again soon; emails wait until then.",
    )


def connect_again(provider: OAuthProvider) -> str:
    """Return what to do about a grant that has lapsed."""
    return (
        f"Connect the account again: “nurture account connect {provider.name}”, or Your mail "
        "account in the studio."
    )


def issued(answer: EndpointAnswer) -> IssuedTokens:
    """Return the tokens of an answer.

    Raise `EndpointRefusedError` for an error document, and `AccessTokenUnavailableError` for
    anything else that holds no token.
    """
    document = answer.document
    if answer.status >= 500:
        raise _senseless(f"is out of order (status {answer.status})")
    if answer.status >= 400 or "error" in document:
        raise refusal_in(document)
    kind = document.get("token_type", "bearer")
    access = _token(document, "access_token")
    if not access or not isinstance(kind, str) or kind.casefold() != "bearer":
        raise _senseless("answered with something else than tokens")
    return IssuedTokens(
        access,
        _token(document, "refresh_token"),
        _lifetime(document.get("expires_in")),
    )


def _senseless(trouble: str) -> AccessTokenUnavailableError:
    return AccessTokenUnavailableError(
        f"The login service {trouble}.", remedy="It is asked again soon; emails wait until then."
    )


def refusal_in(
    document: Mapping[str, Any],
) -> EndpointRefusedError | AccessTokenUnavailableError:
    """Return the refusal in an error document, of which nothing is kept but its two codes."""
    code, said = document.get("error"), document.get("error_description")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return _senseless("refused without saying why")
    detail = _DETAIL.search(said) if isinstance(said, str) else None
    return EndpointRefusedError(code, detail[0] if detail else "")


def _token(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) and _TOKEN.fullmatch(found) else ""


def _lifetime(seconds: Any) -> timedelta | None:
    """Return the lifetime of a token; some providers write the number as text."""
    try:
        return timedelta(seconds=max(0, min(int(seconds), 10**9)))
    except (TypeError, ValueError, OverflowError):
        return None
