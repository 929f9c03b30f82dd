"""The grant of a mail account: connecting it, in the studio or by command, and giving it up.

The refresh token and the app's secret are sealed; what is stored lets nobody into the mailbox who
does not also have NURTURE_SECRET_KEY.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nurture.clock import real_now
from nurture.domain.account.token_life import life_of
from nurture.domain.messages.refusal import Cause
from nurture.mail.oauth.authorization import AuthorizationRequest, exchange
from nurture.mail.oauth.providers import Client, OAuthProvider, provider_of
from nurture.mail.oauth.tokens import ConnectingFailedError, IssuedTokens
from nurture.mail.smtp.route import SmtpRoute
from nurture.sealing import Seal, SealBrokenError
from nurture.services.account.hold import try_now
from nurture.settings import Settings
from nurture.store.database import Connection, Database
from nurture.store.tables import account, grant_requests, grants
from nurture.store.tables.grant_requests import GrantRequest
from nurture.store.tables.grants import Grant

#: How long the owner may take on the provider's page.
_ANSWERED_WITHIN = timedelta(minutes=15)

#: Where the provider sends the owner's browser, behind the public address of these pages.
_REDIRECT_PATH = "/studio/account/mail/connected"


@dataclass(frozen=True, slots=True)
class GrantState:
    """Which account is connected at which provider, since when, and whether that has lapsed.

    `lapsed_because` says why and what to do, in sentences; it is empty while all is well.
    """

    provider: str
    account: str
    connected_at: datetime
    lapsed_at: datetime | None
    lapsed_because: str


def redirect_of(settings: Settings) -> str:
    """Return the address that the provider's console must allow for connecting in the studio."""
    return f"{settings.public_url}{_REDIRECT_PATH}"


def account_of(settings: Settings) -> str:
    """Return the account that email is sent from, which is the one to connect; "" if none is."""
    return (SmtpRoute.from_url(settings.smtp_url).user or "") if settings.smtp_url else ""


def begin(
    database: Database,
    seal: Seal,
    settings: Settings,
    provider: OAuthProvider,
    client: Client,
    owner: int,
    now: datetime,
) -> str:
    """Begin to connect an account; return the provider's page to send the owner's browser to."""
    asked = AuthorizationRequest.new(redirect_of(settings))
    request = GrantRequest(
        owner,
        provider.name,
        client.client_id,
        seal.seal(client.secret),
        seal.seal(asked.state),
        seal.seal(asked.verifier),
        asked.redirect_uri,
        now,
    )
    with database.writing() as connection:
        grant_requests.keep_request(connection, request)
    return asked.page(provider, client, account_of(settings))


def finish(
    database: Database,
    seal: Seal,
    settings: Settings,
    owner: int,
    answer: Mapping[str, str],
    now: datetime,
) -> GrantState:
    """Connect the account with the parameters that came with the redirect.

    It takes as long as the provider does. Only the owner who began can finish, once and in time:
    otherwise anyone could make an owner connect an account of theirs. Raise
    `ConnectingFailedError`, `NoClientError` or `AccessTokenUnavailableError`.
    """
    with database.writing() as connection:
        request = grant_requests.take_request(connection, owner)
    if request is None or now - request.begun_at > _ANSWERED_WITHIN:
        raise ConnectingFailedError(
            "This connection was not begun here, or took too long.", remedy="Connect again."
        )
    provider = provider_of(settings, request.provider)
    try:
        client = Client(request.client_id, seal.open(request.client_secret))
        asked = AuthorizationRequest(
            seal.open(request.state), seal.open(request.verifier), request.redirect_uri
        )
    except SealBrokenError:
        raise ConnectingFailedError(
            "The keys were changed while the connection was under way.", remedy="Connect again."
        ) from None
    tokens = exchange(provider, client, asked, answer)
    return connect(database, seal, provider, client, account_of(settings), tokens, now)


def connect(
    database: Database,
    seal: Seal,
    provider: OAuthProvider,
    client: Client,
    address: str,
    tokens: IssuedTokens,
    now: datetime,
) -> GrantState:
    """Store a new grant in place of any other, and let what waited for the login leave at once.

    Raise `ConnectingFailedError` if it does not last.
    """
    _insist_on_lasting(provider, tokens)
    life = life_of(tokens.lifetime, real_now())
    grant = Grant(
        provider=provider.name,
        account=address,
        client_id=client.client_id,
        client_secret=seal.seal(client.secret),
        refresh_token=seal.seal(tokens.refresh_token),
        access_token=seal.seal(tokens.access_token),
        renew_at=life.renew_at,
        expires_at=life.expires_at,
        connected_at=now,
    )
    with database.writing() as connection:
        grants.keep_grant(connection, grant)
        held = account.find_hold(connection)
    # Any other hold, such as one after many bounces, is not about the login.
    if held is not None and held.cause is Cause.LOGIN:
        try_now(database, now)
    return _state(grant)


def _insist_on_lasting(provider: OAuthProvider, tokens: IssuedTokens) -> None:
    if not tokens.refresh_token:
        raise ConnectingFailedError(
            f"{provider.title} gave a permission that ends within the hour.",
            remedy=f"Take this app away at {provider.permissions_page}, and connect again.",
        )


def disconnect(database: Database) -> bool:
    """Forget the grant; return whether there was one.

    Other processes notice within a minute. Email waits until an account is connected again.
    """
    with database.writing() as connection:
        return grants.drop_grant(connection)


def find_state(connection: Connection) -> GrantState | None:
    """Return the state of the connected account, or `None` if none is connected."""
    grant = grants.find_grant(connection)
    return None if grant is None else _state(grant)


def _state(grant: Grant) -> GrantState:
    return GrantState(
        grant.provider, grant.account, grant.connected_at, grant.lapsed_at, grant.lapsed_because
    )


def seal_grant(database: Database, seal: Seal) -> bool:
    """Seal the grant with the newest key; return whether it was sealed with an older one.

    A secret that cannot be opened stays as it is: its key may come back.
    """
    with database.reading() as connection:
        found = grants.find_grant(connection)
    if found is None or _resealed(seal, found) == found:
        return False
    with database.writing() as connection:
        if (found := grants.find_grant(connection, lock=True)) is not None:
            grants.keep_grant(connection, _resealed(seal, found))
    return found is not None


def _resealed(seal: Seal, grant: Grant) -> Grant:
    kept = (grant.client_secret, grant.refresh_token, grant.access_token)
    try:
        secret, refresh, access = (_afresh(seal, each) for each in kept)
    except SealBrokenError:
        return grant
    return replace(grant, client_secret=secret, refresh_token=refresh, access_token=access)


def _afresh(seal: Seal, kept: str) -> str:
    return kept if not kept or seal.is_newest(kept) else seal.seal(seal.open(kept))
