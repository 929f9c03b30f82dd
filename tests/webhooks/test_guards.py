"""What every answer carries, and what strangers are not told."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from nurture.domain.sessions import FAILURES_PER_CLIENT
from nurture.store.database import Database
from nurture.store.shape import whole_schema
from nurture.store.tables.consents import consents
from tests.installation import Installation
from tests.servers.clock import ClockFile
from webhooks import create_app

ANY_PAGES = ("/healthz", "/c/x", "/nowhere", "/docs", "/unsubscribe/x", "/studio/", "/studio")


def client_of(home: Installation, **settings: str) -> FlaskClient:
    return create_app(home.another(**settings)).test_client()


@pytest.mark.parametrize("path", ANY_PAGES)
def test_every_response_has_the_security_headers(sqlite_home: Installation, path: str) -> None:
    answer = client_of(sqlite_home, NURTURE_BASE_URL="https://mail.example.org").get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cache-Control"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_no_strict_transport_security_is_sent_without_tls(sqlite_home: Installation) -> None:
    answer = client_of(sqlite_home, NURTURE_BASE_URL="http://127.0.0.1:8000").get("/healthz")
    assert "Strict-Transport-Security" not in answer.headers


def test_a_redirect_never_contains_a_forged_host(sqlite_home: Installation) -> None:
    client = client_of(sqlite_home)
    for path in ("/studio", "/studio/", "/studio/people"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert 300 <= answer.status_code < 400
        assert "evil" not in answer.location


def test_the_evidence_of_a_choice_names_our_own_page(sqlite_home: Installation) -> None:
    home = sqlite_home
    home.subscribe("ann@example.org")
    client = client_of(home, NURTURE_BASE_URL="https://mail.example.org")
    token = home.context.tokens.unsubscribe(1, 1)
    answer = client.post(
        f"/unsubscribe/{token}", headers={"Host": "evil.example", "User-Agent": "x" * 300_000}
    )
    assert answer.status_code == 200
    proof = home.rows(consents)[-1]
    assert proof["page_url"] == "https://mail.example.org/unsubscribe"
    assert len(proof["user_agent"]) == 300


def test_an_unavailable_database_reveals_nothing_to_a_stranger(sqlite_home: Installation) -> None:
    away = "postgresql://somebody:geheim@127.0.0.1:1/nobody"
    client = client_of(sqlite_home, NURTURE_DATABASE_URL=away)
    far = {"REMOTE_ADDR": "203.0.113.9"}
    for path, said in {
        path: client.get(path, environ_base=far) for path in ("/readyz", "/metrics", "/studio/")
    }.items():
        assert said.status_code in (303, 404, 503), path
        for telling in ("127.0.0.1", "nobody", "geheim", "NURTURE_DATABASE", "refused"):
            assert telling not in said.text, path
    proxied = client.get("/readyz", headers={"X-Forwarded-For": "203.0.113.9"})
    assert "NURTURE_DATABASE_URL" not in proxied.text
    ours = client.get("/readyz", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert ours.status_code == 503
    assert "NURTURE_DATABASE_URL" in ours.get_json()["detail"]


def test_metrics_are_served_to_this_machine_and_to_token_holders(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    client = client_of(home, NURTURE_METRICS_TOKEN="a-long-token-for-prometheus")
    here, far = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.9"}
    good, bad = "Bearer a-long-token-for-prometheus", "Bearer x"
    assert client.get("/metrics", environ_base=here).status_code == 200
    assert client.get("/metrics", environ_base=far).status_code == 404
    proxied = {"X-Forwarded-For": "127.0.0.1"}
    assert client.get("/metrics", environ_base=here, headers=proxied).status_code == 404
    assert (
        client.get("/metrics", environ_base=far, headers={"Authorization": good}).status_code == 200
    )
    assert (
        client.get("/metrics", environ_base=far, headers={"Authorization": bad}).status_code == 404
    )


def test_the_metrics_are_cached_for_simultaneous_readers(sqlite_home: Installation) -> None:
    home = sqlite_home
    client = client_of(home)
    here = {"REMOTE_ADDR": "127.0.0.1"}
    before = client.get("/metrics", environ_base=here).text
    home.subscribe("ann@example.org")
    assert client.get("/metrics", environ_base=here).text == before


def test_an_untrusted_proxy_is_reported_and_locks_nobody_out(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    client = client_of(home)
    assert home.another().proxy_trouble == ""
    for n in range(FAILURES_PER_CLIENT + 5):
        form = {"email": f"guess{n}@example.org", "password": "wrong"}
        headers = {"X-Forwarded-For": f"203.0.113.{n}"}
        browser = create_app(home.another()).test_client() if n % 10 == 0 else client
        page = browser.get("/studio/sign-in", headers=headers).text
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        answer = browser.post("/studio/sign-in", data=form | {"csrf_token": token}, headers=headers)
        assert "Too many" not in answer.text
    assert "NURTURE_TRUSTED_PROXIES=1" in home.another().proxy_trouble
    assert home.another(NURTURE_TRUSTED_PROXIES="1").proxy_trouble == ""
    home.clock.advance(timedelta(days=8))
    assert home.another().proxy_trouble == ""


def test_no_client_address_is_recorded_behind_an_untrusted_proxy(sqlite_home: Installation) -> None:
    home = sqlite_home
    home.subscribe("ann@example.org")
    client = client_of(home)
    path = f"/unsubscribe/{home.context.tokens.unsubscribe(1, 1)}"
    client.post(path, headers={"X-Forwarded-For": "203.0.113.9"})
    assert home.rows(consents)[-1]["client"] == ""
    client.post(path, data={"undo": "1"}, environ_base={"REMOTE_ADDR": "198.51.100.4"})
    assert home.rows(consents)[-1]["client"] == "198.51.100.4"


_EVERYWHERE = (
    *("/readyz", "/metrics", "/docs", "/openapi.json", "/studio/", "/studio/sign-in"),
    *("/guide/{guide}", "/preferences/{preferences}", "/unsubscribe/{unsubscribe}", "/guide/x"),
)


def test_every_url_says_that_nothing_is_published_yet(
    database_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    home = Installation(database_url, tmp_path, clock_file, "")
    emptied = Database(database_url)
    with emptied.writing() as connection:
        whole_schema().drop_all(connection)
    emptied.close()
    tokens, client = home.context.tokens, client_of(home)
    given = {
        "guide": tokens.guide(1),
        "preferences": tokens.preferences(1),
        "unsubscribe": tokens.unsubscribe(1, 1),
    }
    for path in _EVERYWHERE:
        answer = client.get(path.format(**given))
        assert answer.status_code != 500 and answer.data, path
        assert "check that it is running" not in answer.text.lower(), path
    assert "nurture publish" in client.get("/readyz").get_json()["detail"]
    signed = home.fill_in_form("ann@example.org")
    assert signed.status_code == 503
    assert "nurture publish" in signed.get_json()["detail"]
    home.close()


def test_an_overload_is_reported_for_a_week(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    context = home.another()
    assert context.crowd_trouble == ""
    context.crowded.note(home.clock.now, who="callers")
    assert "asked to try again (callers)" in home.another().crowd_trouble
    home.clock.advance(timedelta(days=8))
    assert home.another().crowd_trouble == ""
