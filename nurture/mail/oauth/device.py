"""Connecting with a code that is typed on any other device (RFC 8628)."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from nurture.mail.login import AccessTokenUnavailableError
from nurture.mail.oauth.endpoint import post
from nurture.mail.oauth.providers import Client, OAuthProvider
from nurture.mail.oauth.tokens import (
    ConnectingFailedError,
    EndpointRefusedError,
    IssuedTokens,
    issued,
    refusal_in,
)

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

#: How many seconds to wait between two questions, unless the provider says (RFC 8628 §3.2), and how
#: many more once it asks for that (§3.5).
_USUAL_PAUSE, _SLOWER = 5.0, 5.0

#: The longest that a provider's own numbers are believed.
_LONGEST_PAUSE, _LONGEST = 60.0, 3600.0

#: Microsoft names an expired code in its own way.
_EXPIRED = ("expired_token", "code_expired")


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the owner does: open `page` and type `user_code`; times are in seconds."""

    page: str
    user_code: str
    device_code: str = field(repr=False)
    pause: float
    lasts: float


def begin_device(provider: OAuthProvider, client: Client) -> DeviceCode:
    """Ask for a code.

    Raise `ConnectingFailedError` or `AccessTokenUnavailableError`.
    """
    fields = {"client_id": client.client_id, "scope": provider.scope}
    answer = post(provider.device_url, fields)
    said = answer.document
    if answer.status >= 500:
        raise AccessTokenUnavailableError(
            f"{provider.title}’s login service is out of order (status {answer.status}).",
            remedy="Try again later.",
        )
    # Google calls the page verification_url.
    page = _text(said.get("verification_uri", said.get("verification_url")), 500)
    user_code, device_code = _text(said.get("user_code"), 40), _text(said.get("device_code"), 8000)
    if answer.status >= 400 or urlsplit(page).scheme not in ("https", "http") or not user_code:
        raise ConnectingFailedError(
            f"{provider.title} gave no code for this client ID. {refusal_in(said).message}",
            remedy="Check the client ID, and that its app allows codes for devices: at Microsoft, "
            "“Allow public client flows”. Google gives none for email: use --browser there.",
        )
    return DeviceCode(
        page,
        user_code,
        device_code,
        _seconds(said.get("interval"), _USUAL_PAUSE, _LONGEST_PAUSE),
        _seconds(said.get("expires_in"), 900.0, _LONGEST),
    )


def wait_for_device(
    provider: OAuthProvider,
    client: Client,
    code: DeviceCode,
    sleep: Callable[[float], None] = time.sleep,
) -> IssuedTokens:
    """Wait until the owner has typed the code and agreed.

    A provider that is briefly unavailable is asked half as often. Raise `ConnectingFailedError`.
    """
    pause, waited = code.pause, 0.0
    fields = client.fields | {"grant_type": _GRANT_TYPE, "device_code": code.device_code}
    while waited < code.lasts:
        sleep(pause)
        waited += pause
        try:
            return issued(post(provider.token_url, fields))
        except AccessTokenUnavailableError:
            pause = min(2 * pause, _LONGEST_PAUSE)
        except EndpointRefusedError as refusal:
            if refusal.code not in ("authorization_pending", "slow_down"):
                raise _why_not(provider, refusal) from None
            pause += _SLOWER if refusal.code == "slow_down" else 0.0
    raise _too_late()


def _why_not(provider: OAuthProvider, refusal: EndpointRefusedError) -> ConnectingFailedError:
    if refusal.code in _EXPIRED:
        return _too_late()
    if refusal.code in ("access_denied", "authorization_declined"):
        return ConnectingFailedError(
            "The permission was refused on the provider’s page.",
            remedy="Connect again, and agree there.",
        )
    return ConnectingFailedError(
        f"{provider.title} gave no permission ({refusal.words}).",
        remedy="Check the client ID and its secret, and that its app allows codes for devices.",
    )


def _too_late() -> ConnectingFailedError:
    return ConnectingFailedError(
        "The code was not used in time.", remedy="Connect again, and type the new code."
    )


def _text(said: Any, longest: int) -> str:
    """Return a provider's text if it is short and safe to print, else an empty one."""
    fits = isinstance(said, str) and len(said) <= longest and said.isascii() and said.isprintable()
    return said if fits else ""


def _seconds(said: Any, usual: float, longest: float) -> float:
    try:
        number = float(said)
    except (TypeError, ValueError, OverflowError):
        return usual
    return min(number, longest) if math.isfinite(number) and number > 0 else usual
