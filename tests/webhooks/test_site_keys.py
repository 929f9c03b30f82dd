"""A website's key: what it opens, what it does not confirm, and what is kept of odd forms."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from nurture.library.folder import read_library
from nurture.services.door.site_keys import Site, add_site, list_sites, revoke_site
from nurture.services.publishing import files
from nurture.services.subscribers import erasure
from nurture.signatures import sign_standard_webhook
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.refused_calls import refused_calls
from nurture.store.tables.site_keys import site_keys
from nurture.store.tables.subscribers import subscribers
from tests.installation import SHIPPED, SIGNUP_TOKEN, Installation, as_json
from tests.vocabulary import ANN


def site(home: Installation) -> Site:
    return add_site(home.context.database, home.context.seal, "Our website", home.clock.now)


def post(home: Installation, key: str, fields: dict[str, str], **headers: str) -> TestResponse:
    path = f"/webhooks/signup/pain-guide/{key}"
    body = urlencode(fields)
    kind = "application/x-www-form-urlencoded"
    return home.client.post(path, data=body, headers=headers, content_type=kind)


def signed(home: Installation, one: Site, body: bytes) -> TestResponse:
    return home.client.post(
        f"/webhooks/signup/pain-guide/{one.key}",
        data=body,
        headers=sign_standard_webhook(one.secret, "msg_1", home.clock.now, body),
        content_type="application/json",
    )


@pytest.fixture
def confirming(home: Installation, tmp_path: Path) -> Installation:
    """An installation whose website vouches for the addresses of one form."""
    folder = tmp_path / "emails"
    shutil.copytree(SHIPPED, folder)
    file = folder / "pain-guide/sequence.toml"
    file.write_text(file.read_text().replace('opt_in  = "collect"', 'opt_in  = "confirmed"'))
    context = home.context
    files.publish(context.database, read_library(folder), home.clock.now)
    return home


def test_a_form_with_a_key_and_nothing_else_signs_its_visitor_up(home: Installation) -> None:
    answer = post(home, site(home).key, {"email": ANN, "name": "Ann Smith"})
    assert (answer.status_code, answer.data) == (202, b'{"status":"accepted"}\n')
    assert home.person(ANN)["first_name"] == "Ann"
    assert home.deliver() == 1


def test_a_form_that_vouches_for_addresses_does_so_only_if_the_call_is_signed(
    confirming: Installation,
) -> None:
    one = site(confirming)
    post(confirming, one.key, {"email": ANN})
    assert confirming.person(ANN)["confirmed_at"] is None
    confirming.deliver()
    confirming.live(days=20)
    assert {step for step, _ in confirming.statuses(ANN)} <= {"your-guide", "guide-reminder"}
    signed(confirming, one, as_json({"email": "bob@example.org"}))
    assert confirming.person("bob@example.org")["confirmed_at"] is not None


def test_the_series_of_an_unsigned_signup_begins_once_the_guide_is_collected(
    confirming: Installation,
) -> None:
    post(confirming, site(confirming).key, {"email": ANN})
    confirming.deliver()
    confirming.collect()
    confirming.live(days=20)
    assert len(confirming.statuses(ANN)) > 2


def test_an_unsigned_call_cannot_speak_for_another_time_or_another_visitor(
    home: Installation,
) -> None:
    long_ago = (home.clock.now - timedelta(days=100)).isoformat()
    fields = {"email": ANN, "signed_up_at": long_ago, "client_ip": "203.0.113.9"}
    assert post(home, site(home).key, fields).status_code == 202
    assert home.person(ANN)["created_at"] == home.clock.now


def test_a_signature_that_is_not_the_websites_is_refused(home: Installation) -> None:
    one, other = site(home), site(home)
    body = as_json({"email": ANN})
    headers = sign_standard_webhook(other.secret, "msg_1", home.clock.now, body)
    path = f"/webhooks/signup/pain-guide/{one.key}"
    answer = home.client.post(path, data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 401
    assert home.rows(subscribers) == []


def test_a_bearer_token_counts_behind_a_key_as_well(home: Installation) -> None:
    key = site(home).key
    bearer = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}
    assert post(home, key, {"email": ANN}, **bearer).status_code == 202
    wrong = {"Authorization": "Bearer wrong"}
    assert post(home, key, {"email": "bob@example.org"}, **wrong).status_code == 401


@pytest.mark.parametrize("key", ["x", "..", "%00", "A" * 300, "é"])
def test_an_unknown_key_opens_nothing(sqlite_home: Installation, key: str) -> None:
    assert post(sqlite_home, key, {"email": ANN}).status_code in (404, 405)
    assert sqlite_home.rows(subscribers) == []


def test_a_revoked_key_opens_nothing(home: Installation) -> None:
    one = site(home)
    revoke_site(home.context.database, one.id, home.clock.now)
    assert post(home, one.key, {"email": ANN}).status_code == 404
    assert signed(home, one, as_json({"email": ANN})).status_code == 404


def test_neither_key_nor_secret_is_stored_in_clear(home: Installation) -> None:
    one = site(home)
    assert [(s.key, s.secret) for s in list_sites(home.context.database, home.context.seal)] == [
        (one.key, one.secret)
    ]
    stored = json.dumps(home.rows(site_keys), default=str)
    assert one.key not in stored and one.secret not in stored
    assert one.key not in repr(one) and one.secret not in repr(one)


def test_a_form_that_nothing_can_read_is_accepted_and_kept_sealed(home: Installation) -> None:
    odd = {"q7": f"write to {ANN} or bob@example.org", "q8": "yes"}
    for _ in range(2):
        assert post(home, site(home).key, odd).status_code == 202
    [kept] = home.rows(kept_calls)
    assert ANN not in json.dumps(kept, default=str)
    assert home.rows(subscribers) == home.rows(refused_calls) == []


def test_a_kept_form_goes_with_the_person_it_names(home: Installation) -> None:
    post(home, site(home).key, {"q7": f"write to {ANN} or bob@example.org"})
    home.subscribe(ANN)
    context = home.context
    erasure.forget(context.database, context.files, home.person(ANN)["id"], home.clock.now)
    assert home.rows(kept_calls) == []


def test_a_form_without_anything_in_it_is_refused(home: Installation) -> None:
    assert post(home, site(home).key, {}).status_code == 422
    assert post(home, site(home).key, {"name": "Ann", "q7": ""}).status_code == 422


def test_an_unknown_form_is_refused_whatever_it_sends(home: Installation) -> None:
    path = f"/webhooks/signup/no-such-form/{site(home).key}"
    assert home.client.post(path, data={"email": ANN}).status_code == 404
    assert home.client.post(path, data={"q7": "a@example.org b@example.org"}).status_code == 404


@pytest.mark.parametrize("path", ["/f/pain-guide/", "/f/", "/F/pain-guide"])
def test_a_visitor_who_mistypes_the_address_of_a_form_sees_a_page(
    sqlite_home: Installation, path: str
) -> None:
    browser = sqlite_home.client.get(path, headers={"Accept": "text/html"})
    assert (browser.status_code, browser.mimetype) == (404, "text/html")
    assert sqlite_home.client.get(path).mimetype == "application/problem+json"


def test_a_visitor_who_opens_the_keyed_address_sees_a_page(sqlite_home: Installation) -> None:
    path = f"/webhooks/signup/pain-guide/{site(sqlite_home).key}"
    assert sqlite_home.client.get(path, headers={"Accept": "text/html"}).mimetype == "text/html"
    assert sqlite_home.client.get(path).status_code == 405


@pytest.mark.parametrize("kind", [None, "application/json"])
def test_json_without_its_name_and_a_list_of_one_form_are_understood(
    sqlite_home: Installation, kind: str | None
) -> None:
    path = f"/webhooks/signup/pain-guide/{site(sqlite_home).key}"
    body = as_json([{"email": ANN}])
    assert sqlite_home.client.post(path, data=body, content_type=kind).status_code == 202
    assert sqlite_home.person(ANN)
