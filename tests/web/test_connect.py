"""The page for a website’s builder: by key, without a login, and about no person."""

import pytest
from flask.testing import FlaskClient

from nurture.services.door.site_keys import Site, add_site, revoke_site
from nurture.store.tables.site_calls import site_calls
from tests.installation import Installation
from tests.presence import at_least_one


@pytest.fixture
def site(sqlite_home: Installation) -> Site:
    """A website with a key."""
    context = sqlite_home.context
    return add_site(context.database, context.seal, "The shop", sqlite_home.clock.now)


def calls(home: Installation, site: Site) -> str:
    page = home.client.get(f"/connect/{site.key}")
    assert page.status_code == 200
    return page.text.split('id="calls"')[1].split("</section>")[0]


def test_it_shows_the_key_and_never_the_secret(
    sqlite_home: Installation, stranger: FlaskClient, site: Site
) -> None:
    page = stranger.get(f"/connect/{site.key}?form=pain-guide")
    address = f"https://emails.example.org/webhooks/signup/pain-guide/{site.key}"
    assert page.text.count(address) >= 4
    assert site.secret not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'; script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers


def test_an_unknown_or_revoked_key_opens_nothing(
    sqlite_home: Installation, stranger: FlaskClient, site: Site
) -> None:
    revoke_site(sqlite_home.context.database, site.id, sqlite_home.clock.now)
    for key in at_least_one([site.key, "made-up"]):
        answer = stranger.get(f"/connect/{key}")
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "There is no such page" in answer.text
        assert key not in answer.text
        assert answer.headers["X-Robots-Tag"] == "noindex"


def test_another_form_can_be_chosen(stranger: FlaskClient, site: Site) -> None:
    for form in ("pain-guide", "over-50-guide"):
        page = stranger.get(f"/connect/{site.key}?form={form}").text
        assert f"/webhooks/signup/{form}/{site.key}" in page
    page = stranger.get(f"/connect/{site.key}?form=made-up").text
    assert "made-up" not in page


def test_an_accepted_call_is_shown_with_the_names_of_its_fields_but_no_value(
    sqlite_home: Installation, site: Site
) -> None:
    fields = {"email": "ann@example.org", "first_name": "Ann"}
    path = f"/webhooks/signup/pain-guide/{site.key}"
    assert sqlite_home.client.post(path, data=fields).status_code == 202
    said = calls(sqlite_home, site)
    assert "accepted" in said
    assert "The email address came from the field “email”." in said
    assert "The name came from the field “first_name”." in said
    assert "Our own field names" in said
    everything = said + str(sqlite_home.rows(site_calls))
    assert "ann@" not in everything
    assert "Ann" not in everything


def test_a_kept_call_says_that_the_practice_must_map_it(
    sqlite_home: Installation, site: Site
) -> None:
    fields = {"q7": "ann@example.org", "q8": "praxis@example.org"}
    sqlite_home.client.post(f"/webhooks/signup/pain-guide/{site.key}", data=fields)
    assert "none of its fields was recognised as the email address" in calls(sqlite_home, site)


@pytest.mark.parametrize(
    ("method", "body", "kind", "said"),
    [
        ("POST", '{"email": "ann@nowhere"}', "application/json", "not a deliverable"),
        ("POST", "{", "application/json", "The body is not JSON"),
        ("POST", "x", "text/csv", "is not supported"),
        ("GET", "", "", "The method is not allowed"),
    ],
    ids=["address", "json", "type", "method"],
)
def test_a_refused_call_is_shown_with_its_reason(
    sqlite_home: Installation, site: Site, method: str, body: str, kind: str, said: str
) -> None:
    path = f"/webhooks/signup/pain-guide/{site.key}"
    sqlite_home.client.open(path, method=method, data=body, content_type=kind)
    shown = calls(sqlite_home, site)
    assert "refused" in shown
    assert said in shown
    assert "ann@" not in shown


def test_a_call_to_a_form_that_is_not_there_is_shown_without_its_name(
    sqlite_home: Installation, site: Site
) -> None:
    fields = {"email": "ann@example.org"}
    sqlite_home.client.post(f"/webhooks/signup/made-up/{site.key}", data=fields)
    [row] = sqlite_home.rows(site_calls)
    assert (row["form"], row["status"]) == ("?", 404)


def test_another_websites_calls_are_not_shown(sqlite_home: Installation, site: Site) -> None:
    context = sqlite_home.context
    other = add_site(context.database, context.seal, "Another", sqlite_home.clock.now)
    path = f"/webhooks/signup/pain-guide/{other.key}"
    sqlite_home.client.post(path, data={"email": "ann@example.org"})
    assert "No call has arrived yet" in calls(sqlite_home, site)
    assert "accepted" in calls(sqlite_home, other)


def test_a_flood_writes_a_limited_number_of_notes_a_minute(
    sqlite_home: Installation, site: Site
) -> None:
    for _ in range(40):
        sqlite_home.client.post(f"/webhooks/signup/pain-guide/{site.key}", json={})
    assert len(sqlite_home.rows(site_calls)) == 30


def test_a_field_named_like_an_address_is_not_noted(sqlite_home: Installation, site: Site) -> None:
    fields = {"ann@example.org": "Ann", "email": "ann@example.org", "first_name": "Ann"}
    sqlite_home.client.post(f"/webhooks/signup/pain-guide/{site.key}", json=fields)
    assert "ann@" not in str(sqlite_home.rows(site_calls))
