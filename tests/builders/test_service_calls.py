"""Services' calls at a site's address: what is signed is believed, what is wrong is refused."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from nurture.domain.subscribers.consent import Purpose
from nurture.library.folder import read_library
from nurture.services.door.site_keys import Site, add_site, keep_secret
from nurture.services.publishing import files
from nurture.signatures import sign_standard_webhook
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.builders.service_calls import SIGNERS, body_of, fields_of
from tests.installation import SHIPPED, Installation
from tests.vocabulary import ANN, SERIES

every_service = pytest.mark.parametrize("name", sorted(SIGNERS))


@pytest.fixture
def confirmed(home: Installation, tmp_path: Path) -> Installation:
    """An installation whose guide needs a confirmed address, and believes a proven website."""
    root = shutil.copytree(SHIPPED, tmp_path / "emails")
    sequence = root / "pain-guide" / "sequence.toml"
    changed = sequence.read_text().replace('opt_in  = "collect"', 'opt_in  = "confirmed"')
    sequence.write_text(changed)
    files.publish(home.context.database, read_library(root), home.clock.now)
    return home


def site_of(home: Installation) -> Site:
    """Return a website with a key and a secret."""
    return add_site(home.context.database, home.context.seal, "The practice", home.clock.now)


def send(
    home: Installation, site: Site, body: bytes, headers: dict[str, str] | None = None
) -> TestResponse:
    """Make a call at the site's address."""
    path = f"/webhooks/signup/pain-guide/{site.key}"
    return home.client.post(path, data=body, headers=headers, content_type="application/json")


def sent_now(home: Installation, name: str) -> bytes:
    """Return a captured form, filled in a minute ago by this installation's clock."""
    filled_in_at = home.clock.now - timedelta(minutes=1)
    return body_of(name).replace(
        b"2026-11-30T08:07:31", f"{filled_in_at:%Y-%m-%dT%H:%M:%S}".encode()
    )


@every_service
def test_a_signed_call_confirms_the_address_where_the_form_says_so(
    confirmed: Installation, name: str
) -> None:
    sign, payload = SIGNERS[name]
    site, body = site_of(confirmed), sent_now(confirmed, payload)
    answer = send(confirmed, site, body, sign(site.secret, body, confirmed.clock.now))
    assert answer.status_code // 100 == 2
    assert confirmed.person(ANN)["confirmed_at"] == confirmed.clock.now
    assert not confirmed.enrolment(ANN)["must_collect"]


@every_service
def test_an_unsigned_call_signs_up_and_confirms_nothing(confirmed: Installation, name: str) -> None:
    _, payload = SIGNERS[name]
    answer = send(confirmed, site_of(confirmed), sent_now(confirmed, payload))
    assert answer.status_code // 100 == 2
    assert confirmed.person(ANN)["confirmed_at"] is None
    assert confirmed.enrolment(ANN)["must_collect"]


@every_service
def test_a_wrong_signature_is_refused_and_nothing_is_stored(home: Installation, name: str) -> None:
    sign, payload = SIGNERS[name]
    site, body = site_of(home), sent_now(home, payload)
    other = site_of(home)
    answer = send(home, site, body, sign(other.secret, body, home.clock.now))
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert site.secret.encode() not in answer.data
    assert [home.rows(table) for table in (subscribers, signups, kept_calls)] == [[], [], []]


def test_a_stale_call_of_webflow_is_refused_and_nothing_is_stored(home: Installation) -> None:
    sign, payload = SIGNERS["webflow"]
    site, body = site_of(home), sent_now(home, payload)
    headers = sign(site.secret, body, home.clock.now - timedelta(minutes=6))
    assert send(home, site, body, headers).status_code == 401
    assert home.rows(subscribers) == []


def test_the_secret_that_webflow_issued_replaces_ours(sqlite_home: Installation) -> None:
    home, issued = sqlite_home, "2b4acfd1c5518bf03c73a4889d197d77251353857c22694bf150b9e3402ba15f"
    sign, payload = SIGNERS["webflow"]
    site, body = site_of(home), sent_now(home, payload)
    keep_secret(home.context.database, home.context.seal, site.id, issued)
    ours = sign(site.secret, body, home.clock.now)
    assert send(home, site, body, ours).status_code == 401
    theirs = sign(issued, body, home.clock.now)
    assert send(home, site, body, theirs).status_code // 100 == 2
    assert not home.enrolment(ANN)["must_collect"]


def test_the_script_of_google_forms_signs_as_standard_webhooks_say(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    site, body = site_of(home), sent_now(home, "google_forms/answers")
    headers = sign_standard_webhook(site.secret, "2_ABaOnud", home.clock.now, body)
    assert send(home, site, body, headers).status_code // 100 == 2
    person = home.person(ANN)
    assert (person["first_name"], Purpose.ARTICLES in person["purposes"]) == ("Ann", True)
    assert not home.enrolment(ANN)["must_collect"]


@pytest.mark.parametrize("name", ["typeform", "tally", "webflow"])
def test_a_call_that_a_service_makes_again_counts_once(home: Installation, name: str) -> None:
    sign, payload = SIGNERS[name]
    site, body = site_of(home), sent_now(home, payload)
    for _ in range(3):
        headers = sign(site.secret, body, home.clock.now)
        assert send(home, site, body, headers).status_code // 100 == 2
        home.clock.advance(timedelta(minutes=10))
    assert len(home.rows(signups)) == 1


def test_a_box_without_a_meaning_grants_nothing(sqlite_home: Installation) -> None:
    form = fields_of("framer/form") | {"tracking": "", "I agree to the terms": "on"}
    send(sqlite_home, site_of(sqlite_home), json.dumps(form).encode())
    assert sqlite_home.person(ANN)["purposes"] == {"guide", *SERIES}


def test_a_form_of_two_visitors_is_kept_for_the_owner(sqlite_home: Installation) -> None:
    form = {"you": {"address": ANN}, "friend": {"address": "bob@example.org"}}
    answer = send(sqlite_home, site_of(sqlite_home), json.dumps(form).encode())
    assert answer.status_code // 100 == 2
    assert sqlite_home.rows(subscribers) == []
    assert len(sqlite_home.rows(kept_calls)) == 1
