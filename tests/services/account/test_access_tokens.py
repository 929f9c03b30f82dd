"""Access tokens are renewed by one process for all, in time, and never lost unnoticed."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nurture.clock import real_now
from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError
from nurture.mail.oauth.providers import client_of, provider_of
from nurture.mail.oauth.tokens import ClientRefusedError, refresh
from nurture.sealing import Seal
from nurture.services.account import access_tokens, grant
from nurture.services.account.access_tokens import GrantedTokens
from nurture.store.database import Database
from nurture.store.tables import grants
from tests import grants as given
from tests.grants import SEAL, age, connect, process, settings_for, stored
from tests.servers import oauth
from tests.servers.oauth import OAuthServer

REFRESH = "refresh_token"


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


def test_the_stored_token_is_used_without_asking_anyone(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    tokens, statements = process(database, service), []
    assert service.accepts(tokens.current())
    sa.event.listen(database.engine, "before_cursor_execute", lambda *_: statements.append(1))
    assert service.accepts(tokens.current())
    assert statements == []
    assert service.calls[REFRESH] == 0


def test_neither_tokens_nor_the_secret_can_be_read_in_the_database(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    token = process(database, service).current()
    found = stored(database)
    for sealed in (found.refresh_token, found.access_token, found.client_secret):
        assert sealed.startswith("gAAAA")
        assert sealed not in repr(found)
    assert SEAL.open(found.access_token) == token


def test_many_processes_renew_a_token_once(database: Database, service: OAuthServer) -> None:
    connect(database, service)
    age(database, 0)
    service.replaces = service.strict = True
    service.delay = 0.5
    others = [Database(database.url) for _ in range(6)]
    with ThreadPoolExecutor(12) as at_once:
        each = [process(one, service) for one in others] * 2
        got = set(at_once.map(GrantedTokens.current, each))
    for one in others:
        one.close()
    assert len(got) == 1 and service.accepts(got.pop())
    assert service.calls[REFRESH] == 1


def test_nobody_waits_for_the_database_while_the_provider_is_asked(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.delay = 1.5
    asking = threading.Thread(target=process(database, service).current)
    asking.start()
    deadline = time.monotonic() + 5
    while not stored(database).is_leased(real_now()):
        assert time.monotonic() < deadline
    began = time.monotonic()
    with database.writing() as connection:
        connection.execute(sa.text("INSERT INTO journals (name, folded) VALUES ('x', 1)"))
    assert time.monotonic() - began < 1
    asking.join()
    assert service.calls[REFRESH] == 1


def test_a_token_that_still_works_is_used_while_another_process_renews_it(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 200)
    with database.writing() as connection:
        grants.change_grant(connection, leased_until=real_now() + timedelta(seconds=10))
    began = time.monotonic()
    assert service.accepts(process(database, service).current())
    assert time.monotonic() - began < 2
    assert service.calls[REFRESH] == 0


def test_a_killed_process_blocks_the_others_no_longer_than_its_lease(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    with database.writing() as connection:
        grants.change_grant(connection, leased_until=real_now() + timedelta(seconds=1))
    began = time.monotonic()
    assert service.accepts(process(database, service).current())
    assert 0.5 < time.monotonic() - began < 5
    assert timedelta(seconds=12) >= access_tokens._LEASE


def killed_before_it_stored(database: Database, service: OAuthServer) -> None:
    """Renew the token like a process that is killed before it can store the answer."""
    settings = settings_for(service)
    used = SEAL.open(stored(database).refresh_token)
    assert refresh(provider_of(settings, "google"), client_of(settings), used).refresh_token


def test_a_killed_renewal_is_repeated_with_the_old_token_where_that_still_works(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.replaces = True
    killed_before_it_stored(database, service)
    assert service.accepts(process(database, service).current())


def test_a_killed_renewal_at_a_strict_provider_is_told_and_not_lost_silently(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.replaces = service.strict = True
    killed_before_it_stored(database, service)
    with pytest.raises(GrantLapsedError, match="nurture account connect google"):
        process(database, service).current()
    with database.reading() as connection:
        state = grant.find_state(connection)
    assert state is not None and state.lapsed_at is not None
    assert "Connect the account again" in state.lapsed_because


def test_a_replaced_refresh_token_is_stored_before_it_is_used(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    service.replaces = service.strict = True
    tokens = process(database, service)
    for _ in range(3):
        age(database, 0)
        assert service.accepts(process(database, service).current())
    assert service.accepts(tokens.renewed(tokens.current()))
    used = [form[REFRESH] for form in service.asked]
    assert len(set(used)) == 4


def test_an_answer_that_the_database_did_not_take_is_stored_later(
    sqlite_database: Database, service: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sqlite_database
    connect(database, service)
    age(database, 0)
    service.replaces = service.strict = True
    service.delay = 0.5
    monkeypatch.setattr(access_tokens, "_STORE_AGAIN", (0.01,))
    path = Path(database.engine.url.database or "")
    tokens = process(database, service)
    got: list[str] = []
    asking = threading.Thread(target=lambda: got.append(tokens.current()))
    asking.start()
    while not service.calls[REFRESH]:
        time.sleep(0.01)
    path.rename(path.with_name("away"))
    asking.join()
    path.with_name("away").rename(path)
    assert [service.accepts(token) for token in got] == [True]
    tokens.renewed(got[0])
    assert service.calls[REFRESH] == 2
    assert service.accepts(process(database, service).current())


def test_a_new_key_in_the_middle_of_a_renewal_loses_no_token(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.replaces = service.strict = True
    service.delay = 0.5
    both = Seal(["a new key, newer than the other", given.SECRET_KEY])
    tokens = GrantedTokens(database, both, settings_for(service), real_now)
    asking = threading.Thread(target=tokens.current)
    asking.start()
    while not service.calls[REFRESH]:
        time.sleep(0.01)
    grant.seal_grant(database, both)
    asking.join()
    age(database, 0)
    again = GrantedTokens(database, both, settings_for(service), real_now)
    assert service.accepts(again.current())
    assert service.calls[REFRESH] == 2


def test_an_account_connected_in_the_middle_of_a_renewal_stays(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.replaces, service.delay = True, 0.5
    asking = threading.Thread(target=process(database, service).current)
    asking.start()
    while not service.calls[REFRESH]:
        time.sleep(0.01)
    connect(database, service, "microsoft")
    before = stored(database)
    asking.join()
    assert stored(database) == before


def test_a_refused_token_is_replaced_once_for_everyone(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    one, other = process(database, service), process(database, service)
    refused = one.current()
    assert other.current() == refused
    service.withdraw_access()
    assert service.accepts(one.renewed(refused))
    assert other.renewed(refused) == one.current()
    assert service.calls[REFRESH] == 1


def test_a_login_service_that_is_away_does_not_matter_while_the_token_works(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 200)
    service.answers = oauth.OUT_OF_ORDER
    tokens = process(database, service)
    assert service.accepts(tokens.current())
    assert service.accepts(tokens.current())
    assert service.calls[REFRESH] == 1
    age(database, 30)
    with database.writing() as connection:
        grants.change_grant(connection, leased_until=None)
    with pytest.raises(AccessTokenUnavailableError):
        process(database, service).current()
    service.answers = None
    assert service.accepts(process(database, service).current())


def test_threads_that_waited_for_a_failure_do_not_each_wait_again(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.answers, service.delay = oauth.GARBAGE, 0.5
    tokens, failed = process(database, service), []

    def ask() -> None:
        try:
            tokens.current()
        except AccessTokenUnavailableError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 20
    assert service.calls[REFRESH] <= 2


def test_a_revoked_grant_is_noted_and_the_provider_left_alone(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.revoke()
    for _ in range(5):
        with pytest.raises(GrantLapsedError, match="Connect the account again"):
            process(database, service).current()
    assert service.calls[REFRESH] == 1
    connect(database, service)
    assert service.accepts(process(database, service).current())
    assert stored(database).lapsed_at is None


def test_a_lapse_that_the_provider_takes_back_heals(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.answers = (400, b'{"error": "invalid_grant"}')
    with pytest.raises(GrantLapsedError):
        process(database, service).current()
    service.answers = None
    with database.writing() as connection:
        grants.change_grant(connection, leased_until=real_now() - timedelta(seconds=1))
    assert service.accepts(process(database, service).current())
    assert stored(database).lapsed_because == ""


def test_a_wrong_client_secret_is_told_and_right_as_soon_as_it_is_set(
    database: Database, service: OAuthServer
) -> None:
    connect(database, service)
    age(database, 0)
    service.client_secret = "changed in the console"
    with pytest.raises(ClientRefusedError, match="NURTURE_OAUTH_CLIENT_SECRET"):
        process(database, service).current()
    assert stored(database).lapsed_at is None
    right = process(database, service, oauth_client_secret="changed in the console")
    assert service.accepts(right.current())


def test_without_a_connected_account_the_command_is_named(
    database: Database, service: OAuthServer
) -> None:
    with pytest.raises(GrantLapsedError, match="nurture account connect google"):
        process(database, service).current()


def test_giving_up_the_grant_is_noticed_by_other_processes(
    database: Database, service: OAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(database, service)
    tokens = process(database, service)
    tokens.current()
    assert access_tokens._LOOK_AGAIN_SECONDS <= 60
    monkeypatch.setattr(access_tokens, "_LOOK_AGAIN_SECONDS", 0.0)
    assert grant.disconnect(database)
    with pytest.raises(GrantLapsedError, match="No mail account is connected"):
        tokens.current()


def test_a_lost_key_asks_for_connecting_again(database: Database, service: OAuthServer) -> None:
    connect(database, service)
    other = GrantedTokens(database, Seal(["another key"]), settings_for(service), real_now)
    with pytest.raises(GrantLapsedError, match="connect the account again"):
        other.current()


def test_a_database_that_is_away_is_no_fault_of_the_grant(
    sqlite_database: Database, service: OAuthServer
) -> None:
    connect(sqlite_database, service)
    path = Path(sqlite_database.engine.url.database or "")
    path.rename(path.with_name("away"))
    with pytest.raises(AccessTokenUnavailableError):
        process(sqlite_database, service).current()
    path.with_name("away").rename(path)


def test_looking_renews_nothing(sqlite_database: Database, service: OAuthServer) -> None:
    connect(sqlite_database, service)
    looking = Database(sqlite_database.url, looking=True)
    assert service.accepts(process(looking, service).current())
    age(sqlite_database, 0)
    with pytest.raises(AccessTokenUnavailableError, match="looking renews none"):
        process(looking, service).current()
    looking.close()
    assert service.calls[REFRESH] == 0
