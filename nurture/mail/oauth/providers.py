"""The providers whose accounts can be connected: where they answer, and what they are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from nurture.domain.errors import NurtureError
from nurture.settings import Settings


class NoClientError(NurtureError):
    """There is no client ID, or no such provider, to connect an account with."""


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """A provider's endpoints (RFC 6749 §3, RFC 8628 §3.1) and what permission is asked for.

    `loopback` is the host name for a redirect to this machine that the provider accepts with any
    port. `more` are further parameters of the authorisation request. `prefers_device` says which of
    the two ways is the usual one.
    """

    name: str
    title: str
    authorize_url: str
    token_url: str
    device_url: str
    scope: str
    loopback: str
    mail_server: str
    permissions_page: str
    prefers_device: bool
    more: Mapping[str, str]


#: The codes that a device shows are not accepted for the mail scope by Google, which lists the few
#: that are under “Allowed scopes” of its page on devices with limited input.
GOOGLE = OAuthProvider(
    name="google",
    title="Google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",
    device_url="https://oauth2.googleapis.com/device/code",
    scope="https://mail.google.com/",
    loopback="127.0.0.1",
    mail_server="smtp.gmail.com:587",
    permissions_page="https://myaccount.google.com/connections",
    prefers_device=False,
    # Without both, a second connection gets no refresh token.
    more=MappingProxyType({"access_type": "offline", "prompt": "consent"}),
)

_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"

MICROSOFT = OAuthProvider(
    name="microsoft",
    title="Microsoft",
    authorize_url=f"{_MICROSOFT}/authorize",
    token_url=f"{_MICROSOFT}/token",
    device_url=f"{_MICROSOFT}/devicecode",
    scope="https://outlook.office.com/SMTP.Send "
    "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    loopback="localhost",
    mail_server="smtp.office365.com:587",
    permissions_page="https://myapplications.microsoft.com",
    prefers_device=True,
    more=MappingProxyType({"prompt": "select_account"}),
)

#: What this program calls itself where no app has been registered.
_OWN_NAME = "nurture"

PROVIDERS: Mapping[str, OAuthProvider] = MappingProxyType(
    {one.name: one for one in (GOOGLE, MICROSOFT)}
)


@dataclass(frozen=True, slots=True)
class Client:
    """The app that is registered with the provider, without which it answers nobody."""

    client_id: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"Client({self.client_id!r})"

    @property
    def fields(self) -> dict[str, str]:
        """What identifies the app in a request (RFC 6749 §2.3.1)."""
        secret = {"client_secret": self.secret} if self.secret else {}
        return {"client_id": self.client_id} | secret


def provider_of(settings: Settings, name: str) -> OAuthProvider:
    """Return a provider, with the endpoints that the settings replace.

    Raise `NoClientError` if there is none of that name.
    """
    known = PROVIDERS.get(name)
    if known is None:
        raise NoClientError(
            "The account is connected to a provider that this version does not know.",
            remedy=f"Connect it again; known are {' and '.join(PROVIDERS)}.",
        )
    return replace(
        known,
        authorize_url=settings.oauth_authorize_url or known.authorize_url,
        token_url=settings.oauth_token_url or known.token_url,
        device_url=settings.oauth_device_url or known.device_url,
        prefers_device=known.prefers_device or bool(settings.oauth_device_url),
    )


def client_of(settings: Settings, client_id: str = "", secret: str = "") -> Client:
    """Return the app to connect with: as given, else as set; raise `NoClientError` without one.

    A login service of one's own, at another address, may well know no app but this program.
    """
    elsewhere = _OWN_NAME if settings.oauth_token_url else ""
    chosen = client_id or settings.oauth_client_id or elsewhere
    if not chosen:
        raise NoClientError(
            "There is no client ID to connect with.",
            remedy="Make one in the provider’s console, which docs/connecting-an-account.md walks "
            "you through, and set NURTURE_OAUTH_CLIENT_ID.",
        )
    is_set = chosen == settings.oauth_client_id
    return Client(chosen, secret or (settings.oauth_client_secret if is_set else ""))
