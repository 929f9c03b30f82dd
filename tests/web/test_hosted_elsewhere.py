"""Hosted forms on other websites: in frames, by script, and only where the owner allows it."""

from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.services.door import origins, site_keys, thanks
from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.installation import BASE_URL, Installation
from tests.presence import at_least_one
from tests.web.hosting import ANN, BROWSER, PAGE, THANKS, Visitor
from tests.web.reading import read, words

SITE, WWW = "https://human-movement.com", "https://www.human-movement.com"
SHOP, EVIL = "https://shop.example.org", "https://evil.example"
JSON = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}


def add(home: Installation, origin: str) -> None:
    origins.add_origin(home.context.database, origin, home.clock.now)


def key_of(home: Installation) -> str:
    context = home.context
    return site_keys.add_site(context.database, context.seal, "Our shop", home.clock.now).key


def policy(answer: TestResponse) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


def test_the_page_names_the_sites_that_may_show_it_for_head_too(
    sqlite_home: Installation,
) -> None:
    add(sqlite_home, SHOP)
    for path in (PAGE, f"{PAGE}?embed", THANKS):
        for method in ("GET", "HEAD"):
            answer = sqlite_home.client.open(path, method=method)
            assert policy(answer)["frame-ancestors"] == f"'self' {SITE} {WWW} {SHOP}"
    assert "frame-ancestors 'none'" in str(sqlite_home.client.get("/complaint").headers)


def test_without_a_need_nothing_runs_on_the_page(sqlite_home: Installation) -> None:
    rules = policy(sqlite_home.client.get(PAGE))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules


def test_an_embedded_form_has_neither_our_head_nor_our_foot(sqlite_home: Installation) -> None:
    page = Visitor(sqlite_home).opens(f"{PAGE}?embed")
    assert page.all("header") == page.all("footer") == []
    assert "target" not in page.one("form").attributes
    whole = Visitor(sqlite_home).opens()
    assert len(whole.all("header") + whole.all("footer")) == 2


def test_an_embedded_form_stays_in_its_frame(sqlite_home: Installation) -> None:
    visitor = Visitor(sqlite_home)
    wrong = visitor.sends(visitor.opens(f"{PAGE}?embed"), email="ann@")
    assert read(wrong.text).all("header") == []
    answer = visitor.sends(read(wrong.text), email=ANN)
    assert answer.location == f"{THANKS}?embed=1"
    assert read(visitor.browser.get(answer.location).text).all("header") == []


def test_the_page_around_a_frame_is_kept_if_it_is_on_an_allowed_site(
    sqlite_home: Installation,
) -> None:
    visitor = Visitor(sqlite_home)
    for number, (page, kept) in enumerate(
        ((f"{SITE}/free", f"{SITE}/free"), (f"{EVIL}/x", BASE_URL + PAGE))
    ):
        opened = visitor.opens(f"{PAGE}?embed&page={page}")
        told = [one.attributes["data-parent"] for one in opened.all("script")]
        assert told == ([SITE] if kept == page else [])
        visitor.sends(opened, email=f"ann{number}@example.org")
        assert sqlite_home.rows(signups)[number]["page_url"] == kept


def test_a_site_may_thank_by_itself_and_the_frame_gives_way(sqlite_home: Installation) -> None:
    page = f"{SITE}/thanks"
    stored, now = sqlite_home.context.stored, sqlite_home.clock.now
    thanks.keep_thanks(*stored, "pain-guide", page, now)
    visitor = Visitor(sqlite_home)
    opened = visitor.opens(f"{PAGE}?embed")
    assert opened.one("form").attributes["target"] == "_top"
    assert visitor.sends(opened, email=ANN).location == page
    assert policy(visitor.browser.get(PAGE))["form-action"] == f"'self' {SITE}"


@pytest.mark.parametrize("asked", [f"{EVIL}/", "//evil.example", "/admin", "javascript:alert(1)"])
def test_thanks_elsewhere_are_no_open_redirect(sqlite_home: Installation, asked: str) -> None:
    answer = Visitor(sqlite_home).sends(email=ANN, thanks=asked)
    assert answer.location == THANKS
    opened = Visitor(sqlite_home).opens(f"{PAGE}?thanks={asked}")
    assert opened.all("input", name="thanks") == []


def test_thanks_that_an_allowed_page_asks_for_are_shown(sqlite_home: Installation) -> None:
    visitor = Visitor(sqlite_home)
    opened = visitor.opens(f"{PAGE}?thanks={WWW}/merci")
    assert visitor.sends(opened, email=ANN).location == f"{WWW}/merci"


def test_a_site_that_is_not_allowed_cannot_use_its_visitors_browsers(
    sqlite_home: Installation,
) -> None:
    abroad = BROWSER | {"Sec-Fetch-Site": "cross-site"}
    for headers in ({"Origin": EVIL}, {"Origin": "null"}):
        answer = Visitor(sqlite_home).sends(email=ANN, headers=abroad | headers)
        assert answer.status_code == 403
        assert read(answer.text).one("input", name="email").attributes["value"] == ANN
    assert sqlite_home.rows(signups) == []
    answer = Visitor(sqlite_home).sends(email=ANN, headers=abroad | {"Origin": SITE})
    assert answer.location == THANKS


def test_a_browser_that_says_little_is_believed_to_be_on_our_page(
    sqlite_home: Installation,
) -> None:
    for number, origin in enumerate((BASE_URL, "http://localhost", "")):
        headers = {"Accept": "text/html", **({"Origin": origin} if origin else {})}
        answer = Visitor(sqlite_home).sends(email=f"a{number}@example.org", headers=headers)
        assert answer.location == THANKS


# --- Scripts of other sites ------------------------------------------------------------------


def preflight(client: FlaskClient, path: str, origin: str) -> TestResponse:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options(
        path, headers=asked | {"Access-Control-Request-Headers": "content-type,idempotency-key"}
    )


@pytest.fixture(params=["open", "key"])
def address(request: pytest.FixtureRequest, sqlite_home: Installation) -> str:
    """Each of the two addresses that scripts may call."""
    return PAGE if request.param == "open" else f"/webhooks/signup/pain-guide/{key_of(sqlite_home)}"


def test_a_script_of_an_allowed_site_may_post_and_read_the_answer(
    sqlite_home: Installation, address: str
) -> None:
    asked = preflight(sqlite_home.client, address, WWW)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == WWW
    assert asked.headers["Access-Control-Allow-Headers"] == "Content-Type, Idempotency-Key"
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    headers = JSON | {"Origin": WWW, "Idempotency-Key": "k1"}
    for body, status in (({"email": ANN}, 202), ({"email": ANN}, 202), ({"email": "x"}, 422)):
        fresh = headers | ({"Idempotency-Key": "k2"} if status == 422 else {})
        answer = sqlite_home.client.post(address, json=body, headers=fresh)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == WWW
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]
        assert (answer.mimetype or "").endswith("json")
    assert len(sqlite_home.rows(signups)) == 1


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://human-movement.com", f"{SITE}.evil.example"]
)
def test_a_script_of_any_other_site_is_told_nothing(
    sqlite_home: Installation, address: str, origin: str
) -> None:
    asked = preflight(sqlite_home.client, address, origin)
    assert asked.status_code == 403
    assert "list of allowed websites" in asked.get_json(force=True)["detail"]
    answer = sqlite_home.client.post(
        address, json={"email": ANN}, headers=JSON | {"Origin": origin}
    )
    for one in (asked, answer):
        assert "Access-Control-Allow-Origin" not in one.headers
        assert "Origin" in one.headers["Vary"]


def test_the_signed_webhook_is_none_of_a_browsers_business(sqlite_home: Installation) -> None:
    asked = preflight(sqlite_home.client, "/webhooks/signup/pain-guide", SITE)
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_a_scripts_signup_has_the_page_that_it_was_made_on(sqlite_home: Installation) -> None:
    headers = JSON | {"Origin": SITE, "Referer": f"{SITE}/free"}
    sent = {"email": ANN, "consent": ["news"]}
    assert sqlite_home.client.post(PAGE, json=sent, headers=headers).status_code == 202
    assert sqlite_home.rows(signups)[0]["page_url"] == f"{SITE}/free"
    form = sqlite_home.context.get_published().sequences["pain-guide"].form
    assert form is not None
    # The boxes of another page are not ours: what they said is part of the form's own words.
    assert {row["wording"] for row in sqlite_home.rows(consents)} == {form.wording}


# --- Plain forms of websites with a key ---------------------------------------------------------

FORM = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize("headers", [FORM, {"Accept": "text/html,*/*"}], ids=["new", "old"])
def test_a_visitor_of_a_form_with_a_key_sees_pages_only(
    home: Installation, headers: Mapping[str, str]
) -> None:
    address = f"/webhooks/signup/pain-guide/{key_of(home)}"
    headers = {**headers, "Origin": SHOP}
    taken = home.client.post(address, data={"email": ANN}, headers=headers)
    assert (taken.status_code, taken.location) == (303, THANKS)
    odd = home.client.post(address, data={"email": "ann@", "name": "Ann"}, headers=headers)
    assert (odd.status_code, odd.mimetype) == (422, "text/html")
    page = read(odd.text)
    assert page.one("form").attributes["action"] == PAGE
    assert page.one("input", name="email").attributes["value"] == "ann@"
    assert page.one("input", name="first_name").attributes["value"] == "Ann"


def test_a_visitor_of_a_form_with_a_revoked_key_gets_the_form_from_us(
    sqlite_home: Installation,
) -> None:
    odd = sqlite_home.client.post(
        "/webhooks/signup/pain-guide/gone", data={"email": ANN}, headers=FORM
    )
    assert odd.status_code == 404
    answer = Visitor(sqlite_home).sends(read(odd.text), email=ANN)
    assert answer.location == THANKS
    gone = sqlite_home.client.post("/webhooks/signup/none/gone", data={}, headers=FORM)
    assert gone.status_code == 404
    assert "our website" in words(gone.text)


def test_curl_goes_on_getting_json(sqlite_home: Installation) -> None:
    address = f"/webhooks/signup/pain-guide/{key_of(sqlite_home)}"
    for path in (address, PAGE):
        answer = sqlite_home.client.post(path, data={"email": ANN}, headers={"Accept": "*/*"})
        assert (answer.status_code, answer.get_json()) == (202, {"status": "accepted"})
        odd = sqlite_home.client.post(path, data={"email": ""}, headers={"Accept": "*/*"})
        assert (odd.status_code, odd.mimetype) == (422, "application/problem+json")


def test_a_visitor_gets_a_page_while_the_database_is_away(sqlite_home: Installation) -> None:
    away = {"NURTURE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    visitor = Visitor(sqlite_home, settings=away)
    answers = (
        visitor.browser.get(PAGE, headers=BROWSER),
        visitor.browser.post(PAGE, data={"email": ANN}, headers=BROWSER),
    )
    for answer in at_least_one(answers):
        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        assert answer.headers["Retry-After"]
    assert sqlite_home.rows(subscribers) == []


def test_a_form_that_is_far_too_long_is_answered_with_a_page(sqlite_home: Installation) -> None:
    answer = Visitor(sqlite_home).sends(email=ANN, first_name="x" * 100_000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
