"""Connected mail accounts, as tests need them: at a login service of their own."""

from datetime import timedelta

from nurture.clock import real_now
from nurture.mail.oauth.endpoint import EndpointAnswer
from nurture.mail.oauth.providers import client_of, provider_of
from nurture.mail.oauth.tokens import issued
from nurture.sealing import Seal
from nurture.services.account import grant
from nurture.services.account.access_tokens import GrantedTokens
from nurture.services.account.grant import GrantState
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.tables import grants
from tests.servers.oauth import OAuthServer

SECRET_KEY = "a-secret-that-signs-in-tests-only"
SEAL = Seal([SECRET_KEY])
PAUL = "paul@practice.example"


def settings_for(service: OAuthServer, **more: str) -> Settings:
    """Return the settings of a program that connects accounts at this service."""
    given = {"NURTURE_SECRET_KEY": SECRET_KEY} | service.device_settings
    fields = {key.removeprefix("NURTURE_").lower(): value for key, value in given.items()}
    return Settings.model_validate(fields | more)


def connect(database: Database, service: OAuthServer, provider: str = "google") -> GrantState:
    """Connect an account, as the owner does."""
    settings = settings_for(service)
    tokens = issued(EndpointAnswer(200, service.issue()))
    return grant.connect(
        database,
        SEAL,
        provider_of(settings, provider),
        client_of(settings),
        PAUL,
        tokens,
        real_now(),
    )


def process(database: Database, service: OAuthServer, **more: str) -> GrantedTokens:
    """Return what one process gets its access tokens from."""
    return GrantedTokens(database, SEAL, settings_for(service, **more), real_now)


def age(database: Database, seconds_left: float) -> None:
    """Let so much time pass that the stored token has only a while left, and should be renewed."""
    now = real_now()
    until = now + timedelta(seconds=seconds_left)
    with database.writing() as connection:
        grants.change_grant(connection, renew_at=now - timedelta(seconds=1), expires_at=until)


def stored(database: Database) -> grants.Grant:
    """Return the grant as it is stored."""
    with database.reading() as connection:
        found = grants.find_grant(connection)
    assert found is not None
    return found
