"""Connecting in the browser: the authorisation code with proof of possession (RFC 7636)."""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import urlencode

from nurture.mail.oauth.endpoint import post
from nurture.mail.oauth.providers import Client, OAuthProvider
from nurture.mail.oauth.tokens import (
    ConnectingFailedError,
    EndpointRefusedError,
    IssuedTokens,
    issued,
    refusal_in,
)

_CODE = re.compile(r"[\x20-\x7e]{1,8000}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One request for permission: `state` comes back with the answer, `verifier` stays here."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str

    @classmethod
    def new(cls, redirect_uri: str) -> "AuthorizationRequest":
        """Draw a request that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48), redirect_uri)

    def at(self, redirect_uri: str) -> "AuthorizationRequest":
        """Return the same request with the address that the answer is to come to."""
        return replace(self, redirect_uri=redirect_uri)

    def page(self, provider: OAuthProvider, client: Client, account: str = "") -> str:
        """Return the provider's page on which the owner agrees; `account` is suggested there."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": client.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": provider.scope,
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        hint = {"login_hint": account} if "@" in account else {}
        joined = "&" if "?" in provider.authorize_url else "?"
        return f"{provider.authorize_url}{joined}{urlencode(asked | dict(provider.more) | hint)}"

    def is_answered_by(self, answer: Mapping[str, str]) -> bool:
        """Return whether the provider's redirect belongs to this request."""
        return secrets.compare_digest(answer.get("state", "").encode(), self.state.encode())


def exchange(
    provider: OAuthProvider,
    client: Client,
    request: AuthorizationRequest,
    answer: Mapping[str, str],
) -> IssuedTokens:
    """Exchange the code that came with the redirect (RFC 6749 §4.1.3).

    Raise `ConnectingFailedError` or `AccessTokenUnavailableError`.
    """
    code = answer.get("code", "")
    if not request.is_answered_by(answer):
        raise ConnectingFailedError(
            "This answer belongs to no connection that was begun here.", remedy="Connect again."
        )
    if answer.get("error") or not _CODE.fullmatch(code):
        raise ConnectingFailedError(
            f"The permission was refused on the provider’s page. {refusal_in(answer).message}",
            remedy="Connect again, and agree there.",
        )
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": request.redirect_uri,
        "code_verifier": request.verifier,
    }
    try:
        return issued(post(provider.token_url, client.fields | fields))
    except EndpointRefusedError as refusal:
        raise ConnectingFailedError(
            f"{provider.title} gave no permission ({refusal.words}).",
            remedy="Check the client ID and its secret, and connect again.",
        ) from None
