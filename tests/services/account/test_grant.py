"""An account is connected by the owner who began it, and what waited for it leaves."""

from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlsplit

import pytest

from nurture.clock import real_now
from nurture.domain.messages.refusal import Cause
from nurture.mail.oauth.providers import client_of, provider_of
from nurture.mail.oauth.tokens import ConnectingFailedError, IssuedTokens
from nurture.sealing import Seal
from nurture.services.account import grant, hold
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.store.tables import account
from nurture.store.tables.grant_requests import grant_requests
from tests.grants import PAUL, SEAL, SECRET_KEY, connect, process, settings_for, stored
from tests.servers.oauth import OAuthServer

NOW = real_now()
OWNER, OTHER = 1, 2


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture
def settings(service: OAuthServer) -> Settings:
    return settings_for(
        service,
        base_url="https://mail.practice.example",
        smtp_url="smtp://paul%40practice.example@127.0.0.1:25?auth=xoauth2",
    )


def agreed(page: str) -> dict[str, str]:
    """Agree on the provider's page; return the parameters of the redirect."""
    parts = urlsplit(page)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    to = connection.getresponse().getheader("Location") or ""
    connection.close()
    assert to.startswith("https://mail.practice.example/studio/account/mail/connected?")
    return dict(parse_qsl(urlsplit(to).query))


def begun(database: Database, settings: Settings, owner: int = OWNER) -> str:
    chosen, client = provider_of(settings, "google"), client_of(settings)
    return grant.begin(database, SEAL, settings, chosen, client, owner, NOW)


def test_the_owner_who_began_connects_the_account(
    database: Database, settings: Settings, service: OAuthServer
) -> None:
    answer = agreed(begun(database, settings))
    state = grant.finish(database, SEAL, settings, OWNER, answer, NOW)
    assert (state.provider, state.account, state.connected_at) == ("google", PAUL, NOW)
    with database.reading() as connection:
        assert grant.find_state(connection) == state
    assert service.accepts(process(database, service).current())


def test_no_other_owner_can_be_made_to_finish_it(database: Database, settings: Settings) -> None:
    begun(database, settings, OTHER)
    answer = agreed(begun(database, settings, OWNER))
    with pytest.raises(ConnectingFailedError, match="belongs to no connection"):
        grant.finish(database, SEAL, settings, OTHER, answer, NOW)


def test_an_answer_counts_once_and_in_time(database: Database, settings: Settings) -> None:
    answer = agreed(begun(database, settings))
    grant.finish(database, SEAL, settings, OWNER, answer, NOW)
    late = NOW + timedelta(minutes=16)
    with pytest.raises(ConnectingFailedError, match="not begun here"):
        grant.finish(database, SEAL, settings, OWNER, answer, NOW)
    answer = agreed(begun(database, settings))
    with pytest.raises(ConnectingFailedError, match="took too long"):
        grant.finish(database, SEAL, settings, OWNER, answer, late)


@pytest.mark.parametrize("answer", [{}, {"code": "x"}, {"code": "x", "state": "ü"}])
def test_an_answer_to_nothing_connects_nothing(
    database: Database, settings: Settings, answer: dict[str, str]
) -> None:
    begun(database, settings)
    with pytest.raises(ConnectingFailedError):
        grant.finish(database, SEAL, settings, OWNER, answer, NOW)
    with database.reading() as connection:
        assert grant.find_state(connection) is None


def test_what_is_kept_while_the_owner_is_away_is_sealed(
    database: Database, settings: Settings
) -> None:
    asked = dict(parse_qsl(urlsplit(begun(database, settings)).query))
    with database.reading() as connection:
        [row] = connection.execute(grant_requests.select()).mappings()
    assert asked["state"] not in str(dict(row))
    assert {row[name][:5] for name in ("state", "verifier", "client_secret")} == {"gAAAA"}


def test_a_permission_that_does_not_last_is_refused(database: Database, settings: Settings) -> None:
    tokens = IssuedTokens("access", "", None)
    with pytest.raises(ConnectingFailedError, match=r"myaccount\.google\.com"):
        grant.connect(
            database,
            SEAL,
            provider_of(settings, "google"),
            client_of(settings),
            PAUL,
            tokens,
            NOW,
        )


@pytest.mark.parametrize(("cause", "opens"), [(Cause.LOGIN, True), (Cause.BOUNCES, False)])
def test_connecting_tries_an_account_again_that_was_held_for_its_login(
    database: Database, service: OAuthServer, cause: Cause, opens: bool
) -> None:
    with database.writing() as connection:
        hold.hold(connection, cause, "it said no", real_now() + timedelta(minutes=5))
    connect(database, service)
    with database.reading() as connection:
        held = account.find_hold(connection)
    assert held is not None
    assert held.is_over(real_now()) is opens


def test_the_newest_key_seals_a_grant_that_an_older_one_sealed(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    newest = Seal(["a newer key", SECRET_KEY])
    before = SEAL.open(stored(database).refresh_token)
    assert grant.seal_grant(database, newest)
    assert not grant.seal_grant(database, newest)
    found = stored(database)
    alone = Seal(["a newer key"])
    assert alone.open(found.refresh_token) == before
    assert alone.open(found.client_secret) == ""
    assert not grant.seal_grant(database, Seal(["a key of somewhere else"]))
    assert stored(database) == found


def test_giving_up_the_grant_forgets_its_secrets(database: Database, service: OAuthServer) -> None:
    connect(database, service)
    assert grant.disconnect(database)
    assert not grant.disconnect(database)
    with database.reading() as connection:
        assert grant.find_state(connection) is None
