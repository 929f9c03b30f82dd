"""The login service of a provider: asking for tokens, and believing nothing it says unchecked."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError
from nurture.mail.oauth import endpoint
from nurture.mail.oauth.authorization import AuthorizationRequest, exchange
from nurture.mail.oauth.device import begin_device, wait_for_device
from nurture.mail.oauth.endpoint import EndpointAnswer, post
from nurture.mail.oauth.providers import (
    PROVIDERS,
    Client,
    NoClientError,
    OAuthProvider,
    client_of,
    provider_of,
)
from nurture.mail.oauth.redirect import answer_in, listening
from nurture.mail.oauth.tokens import (
    ClientRefusedError,
    ConnectingFailedError,
    EndpointRefusedError,
    issued,
    refresh,
)
from nurture.settings import Settings, SettingsError, load_settings
from tests.presence import at_least_one
from tests.servers import oauth
from tests.servers.oauth import OAuthServer

CLIENT = Client("client-1", "s3cret")


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


def provider(service: OAuthServer, name: str = "google") -> OAuthProvider:
    given = service.device_settings | {"NURTURE_SECRET_KEY": "x" * 20}
    fields = {key.removeprefix("NURTURE_").lower(): value for key, value in given.items()}
    return provider_of(Settings.model_validate(fields), name)


def first_refresh_token(service: OAuthServer) -> str:
    return str(service.issue()["refresh_token"])


def test_a_refresh_token_gives_an_access_token(service: OAuthServer) -> None:
    tokens = refresh(provider(service), CLIENT, first_refresh_token(service))
    assert service.accepts(tokens.access_token)
    assert tokens.lifetime == timedelta(hours=1)
    assert tokens.refresh_token == ""
    assert service.asked[-1]["client_secret"] == "s3cret"


def test_a_replaced_refresh_token_comes_along(service: OAuthServer) -> None:
    service.replaces = service.strict = True
    first = first_refresh_token(service)
    second = refresh(provider(service), CLIENT, first).refresh_token
    assert second not in ("", first)
    refresh(provider(service), CLIENT, second)
    with pytest.raises(GrantLapsedError):
        refresh(provider(service), CLIENT, first)


def test_a_revoked_grant_says_what_to_do_and_quotes_no_token(service: OAuthServer) -> None:
    token = first_refresh_token(service)
    service.revoke()
    with pytest.raises(GrantLapsedError) as raised:
        refresh(provider(service), CLIENT, token)
    assert not isinstance(raised.value, ClientRefusedError)
    assert "invalid_grant, AADSTS700082" in str(raised.value)
    assert "nurture account connect google" in raised.value.remedy
    assert token not in str(raised.value)


def test_a_wrong_client_id_has_a_sentence_of_its_own(service: OAuthServer) -> None:
    with pytest.raises(ClientRefusedError) as raised:
        refresh(provider(service), Client("client-2"), first_refresh_token(service))
    assert "NURTURE_OAUTH_CLIENT_ID" in raised.value.remedy


@pytest.mark.parametrize(
    "answers",
    [
        oauth.OUT_OF_ORDER,
        oauth.GARBAGE,
        oauth.A_LIST,
        oauth.NESTED,
        oauth.ENDLESS,
        oauth.NO_TOKEN,
        oauth.INJECTED,
        oauth.OTHER_TYPE,
        oauth.REDIRECT,
        (400, b'{"error": "temporarily_unavailable"}'),
        (400, b'{"error": {"code": 1}}'),
        (400, b'{"error": "Two words\\r\\n"}'),
    ],
    ids=lambda answer: str(answer[1][:20]),
)
def test_anything_but_tokens_means_that_there_are_none_just_now(
    service: OAuthServer, answers: tuple[int, bytes]
) -> None:
    token = first_refresh_token(service)
    service.answers = answers
    with pytest.raises(AccessTokenUnavailableError) as raised:
        refresh(provider(service), CLIENT, token)
    assert raised.value.remedy
    assert service.calls["refresh_token"] == 1


def test_a_login_service_that_is_away_is_named(service: OAuthServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(AccessTokenUnavailableError, match=r"127\.0\.0\.1 could not be reached"):
        post(f"http://127.0.0.1:{port}/token", {})


@pytest.mark.parametrize("drips", [False, True])
def test_a_slow_login_service_is_left_in_time(service: OAuthServer, drips: bool) -> None:
    service.drips, service.delay = drips, 0.0 if drips else 5.0
    began = time.monotonic()
    with pytest.raises(AccessTokenUnavailableError, match=r"within 0\.5 seconds"):
        post(f"{service.url}/token", {}, patience=0.5)
    assert time.monotonic() - began < 3
    deadline = time.monotonic() + 5
    while any(thread.name == "oauth-request" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ten_seconds_are_the_limit() -> None:
    assert endpoint.PATIENCE_SECONDS == 10.0


documents = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
names = st.sampled_from(
    ["access_token", "refresh_token", "expires_in", "token_type", "scope", "error"]
    + ["error_description"]
)


@given(st.integers(200, 599), st.dictionaries(names, documents, max_size=7))
def test_any_document_gives_clean_tokens_or_a_known_error(
    status: int, document: dict[str, object]
) -> None:
    try:
        tokens = issued(EndpointAnswer(status, document))
    except (AccessTokenUnavailableError, EndpointRefusedError):
        return
    both = tokens.access_token + tokens.refresh_token
    assert both.isascii() and both.isprintable() and " " not in both


def test_tokens_and_secrets_appear_in_no_repr(service: OAuthServer) -> None:
    tokens = refresh(provider(service), CLIENT, first_refresh_token(service))
    request = AuthorizationRequest.new("http://127.0.0.1/")
    said = f"{tokens!r} {CLIENT!r} {request!r} {EndpointAnswer(200, {'a': 's3cret'})!r}"
    for secret in (tokens.access_token, "s3cret", request.state, request.verifier):
        assert secret not in said


# --- A code on another device -------------------------------------------------------------------


def test_a_device_code_waits_until_the_owner_agrees(service: OAuthServer) -> None:
    service.pending, service.slow_down = 2, 1
    pauses: list[float] = []
    code = begin_device(provider(service), CLIENT)
    assert code.user_code == "WDJB-MJHT" and code.page.endswith("/activate")
    tokens = wait_for_device(provider(service), CLIENT, code, pauses.append)
    assert service.accepts(tokens.access_token)
    assert pauses == [0.05, 5.05, 5.05, 5.05]


def test_a_login_service_that_fails_meanwhile_is_asked_half_as_often(service: OAuthServer) -> None:
    code = begin_device(provider(service), CLIENT)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        service.answers = oauth.OUT_OF_ORDER if len(pauses) < 3 else None

    assert wait_for_device(provider(service), CLIENT, code, pause).access_token
    assert pauses == [0.05, 0.1, 0.2]


@pytest.mark.parametrize(
    ("refuses", "says"),
    [
        ("access_denied", "refused on the provider’s page"),
        ("authorization_declined", "refused on the provider’s page"),
        ("expired_token", "not used in time"),
        ("invalid_scope", "invalid_scope"),
    ],
)
def test_a_device_code_that_comes_to_nothing_says_why(
    service: OAuthServer, refuses: str, says: str
) -> None:
    service.refuses = refuses
    code = begin_device(provider(service), CLIENT)
    with pytest.raises(ConnectingFailedError, match=says):
        wait_for_device(provider(service), CLIENT, code, lambda _: None)


def test_a_device_code_is_not_waited_for_without_end(service: OAuthServer) -> None:
    service.pending = 10**9
    code = begin_device(provider(service), CLIENT)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        service.slow_down = 1

    with pytest.raises(ConnectingFailedError, match="not used in time"):
        wait_for_device(provider(service), CLIENT, code, pause)
    assert code.lasts == 600 and len(pauses) < 20


def test_no_code_is_given_to_an_unknown_client(service: OAuthServer) -> None:
    with pytest.raises(ConnectingFailedError, match="invalid_client") as raised:
        begin_device(provider(service, "microsoft"), Client("other"))
    assert "Allow public client flows" in raised.value.remedy


# --- A redirect in the browser ------------------------------------------------------------------


def get(url: str) -> tuple[int, str]:
    """Fetch a page as a browser does, without following where it leads."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", f"{parts.path or '/'}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Location") or ""


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_the_browser_brings_a_code_that_only_we_can_exchange(
    service: OAuthServer, name: str
) -> None:
    at, request = provider(service, name), AuthorizationRequest.new("")
    with listening(at.loopback, request.is_answered_by) as redirects:
        request = request.at(redirects.uri)
        status, back = get(request.page(at, CLIENT, "paul@practice.example"))
        assert status == 302
        assert get(back.replace("localhost", "127.0.0.1"))[0] == 200
        answer = redirects.wait(5)
    assert answer is not None
    assert service.accepts(exchange(at, CLIENT, request, answer).access_token)
    with pytest.raises(ConnectingFailedError, match="invalid_grant"):
        exchange(at, CLIENT, request, answer)


def test_another_verifier_exchanges_nothing(service: OAuthServer) -> None:
    request = AuthorizationRequest.new("http://127.0.0.1:1/")
    _, back = get(request.page(provider(service), CLIENT))
    other = AuthorizationRequest(request.state, "guessed" * 8, request.redirect_uri)
    with pytest.raises(ConnectingFailedError):
        exchange(provider(service), CLIENT, other, answer_in(back))


def test_an_answer_to_another_request_is_passed_over(service: OAuthServer) -> None:
    request = AuthorizationRequest.new("")
    with listening("127.0.0.1", request.is_answered_by) as redirects:
        for path in ("?code=x&state=guessed", "?code=x", "/other?state=" + request.state, ""):
            assert get(f"{redirects.uri}{path}")[0] == 404
        assert redirects.wait(0.05) is None
    with pytest.raises(ConnectingFailedError, match="belongs to no connection"):
        exchange(provider(service), CLIENT, request, {"code": "x", "state": "guessed"})
    assert service.calls == {}


def test_a_browser_that_connects_and_says_nothing_does_not_block_the_answer() -> None:
    request = AuthorizationRequest.new("")
    with listening("127.0.0.1", request.is_answered_by) as redirects:
        port = urlsplit(redirects.uri).port
        with socket.create_connection(("127.0.0.1", port or 0)):
            assert get(f"{redirects.uri}?code=x&state={request.state}")[0] == 200
        assert redirects.wait(5) == {"code": "x", "state": request.state}


def test_a_refusal_on_the_providers_page_is_told(service: OAuthServer) -> None:
    service.refuses = "access_denied"
    request = AuthorizationRequest.new("http://127.0.0.1:1/")
    _, back = get(request.page(provider(service), CLIENT))
    with pytest.raises(ConnectingFailedError, match=r"provider’s page.*access_denied"):
        exchange(provider(service), CLIENT, request, answer_in(back))


def test_the_page_suggests_the_account_and_asks_for_a_lasting_permission() -> None:
    request = AuthorizationRequest.new("http://127.0.0.1:1/")
    for one in at_least_one(PROVIDERS.values()):
        asked = parse_qs(urlsplit(request.page(one, CLIENT, "paul@practice.example")).query)
        assert asked["login_hint"] == ["paul@practice.example"]
        assert asked["code_challenge_method"] == ["S256"]
        assert request.verifier not in str(asked) and "s3cret" not in str(asked)
        lasting = asked.get("access_type") == ["offline"] or "offline_access" in asked["scope"][0]
        assert lasting


# --- Settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://login.example.org/token", "ftp://127.0.0.1/", "token", "https://", "http://[/"]
)
def test_a_login_service_is_reached_encrypted_or_on_this_machine(url: str) -> None:
    given = {"NURTURE_SECRET_KEY": "x" * 20, "NURTURE_OAUTH_TOKEN_URL": url}
    with pytest.raises(SettingsError, match=r"NURTURE_OAUTH_TOKEN_URL: write .* https://"):
        load_settings(given)


def test_a_client_id_is_needed_and_its_secret_belongs_to_it() -> None:
    none = Settings(secret_key="x" * 20)
    with pytest.raises(NoClientError, match="no client ID"):
        client_of(none)
    elsewhere = Settings(secret_key="x" * 20, oauth_token_url="https://login.example.org/token")
    assert client_of(elsewhere) == Client("nurture")
    both = Settings(secret_key="x" * 20, oauth_client_id="client-1", oauth_client_secret="s3cret")
    assert client_of(both) == Client("client-1", "s3cret")
    assert client_of(both, "client-2") == Client("client-2", "")
    assert "s3cret" not in repr(both)


def test_a_device_endpoint_of_ones_own_makes_codes_the_usual_way(service: OAuthServer) -> None:
    assert not PROVIDERS["google"].prefers_device
    assert PROVIDERS["microsoft"].prefers_device
    assert provider(service, "google").prefers_device
