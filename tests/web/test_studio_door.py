"""Access control of the studio: nothing is answered or done for anyone but an owner."""

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from nurture.domain.sessions import FAILURES_PER_ACCOUNT
from nurture.web.studio.core import auth
from tests.installation import Installation
from tests.presence import at_least_one
from tests.web.studio import PASSWORD, PAUL, app_of, identifier, send, token_on


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/studio")]


def path_of(rule: Rule) -> str:
    converted = {
        n: 1 if "Integer" in type(c).__name__ else "x" for n, c in rule._converters.items()
    }
    built = rule.build(converted)
    assert built
    return built[1]


# --- Strangers ------------------------------------------------------------------------------------


def test_a_stranger_reaches_only_the_sign_in_pages(sqlite_home: Installation) -> None:
    app = app_of(sqlite_home)
    closed = [rule for rule in rules(app) if rule.endpoint not in auth.OPEN]
    assert len(closed) >= 10
    for rule in at_least_one(closed):
        for method in at_least_one((rule.methods or set()) - {"OPTIONS"}):
            answer = app.test_client().open(path_of(rule), method=method)
            if method in ("GET", "HEAD"):
                assert answer.status_code == 303, rule
                assert urlsplit(answer.location).path == "/studio/sign-in", rule
            else:
                assert answer.status_code == 403, rule


def test_only_the_pages_a_stranger_needs_are_public(sqlite_home: Installation) -> None:
    known = {rule.endpoint for rule in rules(app_of(sqlite_home))}
    assert known >= auth.OPEN | auth.HALF_OPEN
    assert {name.partition(".")[2] for name in auth.OPEN} == {
        "static",
        "show_sign_in",
        "sign_in",
        "show_welcome",
        "accept_welcome",
    }


def test_every_studio_url_is_behind_the_sign_in(sqlite_home: Installation) -> None:
    assert {rule.endpoint.partition(".")[0] for rule in rules(app_of(sqlite_home))} == {"studio"}


def test_an_unknown_studio_url_tells_a_stranger_nothing(stranger: FlaskClient) -> None:
    assert stranger.get("/studio/not-there").status_code == 303


def test_an_invented_session_is_refused(stranger: FlaskClient) -> None:
    stranger.set_cookie("__Secure-studio", "A" * 43, path="/studio")
    assert stranger.get("/studio/").status_code == 303


def test_a_page_fragment_sends_a_stranger_to_the_sign_in_page(stranger: FlaskClient) -> None:
    answer = stranger.get("/studio/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/studio/sign-in")


# --- Getting in -----------------------------------------------------------------------------------


def test_the_welcome_link_sets_a_password_and_signs_in(paul: FlaskClient) -> None:
    assert "Your password is set." in paul.get("/studio/").text
    assert "Your password is set." not in paul.get("/studio/").text


def test_viewing_the_welcome_link_does_not_use_it_up(stranger: FlaskClient, link: str) -> None:
    assert stranger.get(link).status_code == 200
    assert stranger.head(link).status_code == 200
    assert send(stranger, link, password=PASSWORD).status_code == 303


def test_a_used_welcome_link_says_that_it_was_used(paul: FlaskClient, link: str) -> None:
    assert paul.get(link).status_code == 410
    answer = send(paul, "/studio/account", link, password="another good password")
    assert answer.status_code == 410


def test_a_weak_password_is_refused_with_the_reason(stranger: FlaskClient, link: str) -> None:
    answer = send(stranger, link, password="short")
    assert answer.status_code == 422
    assert "at least 12 characters" in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_signing_in_leads_to_the_requested_page(paul: FlaskClient) -> None:
    send(paul, "/studio/", "/studio/sign-out")
    asked = paul.get("/studio/account").location
    answer = send(paul, asked, email=PAUL, password=PASSWORD)
    assert answer.location == "/studio/account"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/studio/",
        "/\\evil.example",
        "/studio/\\evil.example",
        "https:/studio/",
        "javascript:alert(1)",
        "/webhooks/x",
        "/studio/\nx",
        "",
    ],
)
def test_signing_in_never_redirects_to_another_site(paul: FlaskClient, wanted: str) -> None:
    send(paul, "/studio/", "/studio/sign-out")
    token = token_on(paul, "/studio/sign-in")
    fields = {"email": PAUL, "password": PASSWORD, "csrf_token": token}
    answer = paul.post("/studio/sign-in", query_string={"next": wanted}, data=fields)
    assert (answer.status_code, answer.location) == (303, "/studio/")


def test_an_identifier_from_before_signing_in_is_invalid_afterwards(
    stranger: FlaskClient, link: str
) -> None:
    stranger.get(link)
    planted = identifier(stranger)
    send(stranger, link, password=PASSWORD)
    assert identifier(stranger) != planted
    stranger.set_cookie("__Secure-studio", planted, path="/studio")
    assert stranger.get("/studio/").status_code == 303


def test_signing_out_invalidates_the_old_cookie(paul: FlaskClient) -> None:
    kept = identifier(paul)
    send(paul, "/studio/", "/studio/sign-out")
    paul.set_cookie("__Secure-studio", kept, path="/studio")
    assert paul.get("/studio/").status_code == 303


def test_changing_the_password_changes_the_session_identifier(paul: FlaskClient) -> None:
    before = identifier(paul)
    fields = {"present": PASSWORD, "wanted": "another good password"}
    answer = send(paul, "/studio/account", "/studio/account/password", **fields)
    assert answer.status_code == 303
    assert identifier(paul) != before
    assert paul.get("/studio/").status_code == 200


def test_too_many_attempts_get_a_429(stranger: FlaskClient) -> None:
    page = "/studio/sign-in"
    wrong = [send(stranger, page, email=PAUL, password="x") for _ in range(FAILURES_PER_ACCOUNT)]
    assert {answer.status_code for answer in wrong} == {401}
    assert send(stranger, page, email=PAUL, password="x").status_code == 429


def test_an_open_session_cannot_be_used_to_guess_the_password(paul: FlaskClient) -> None:
    page, address = "/studio/account", "/studio/account/password"
    fields = {"present": "a guess", "wanted": "another good password"}
    for _ in range(FAILURES_PER_ACCOUNT):
        assert "not your present password" in send(paul, page, address, **fields).text
    answer = send(paul, page, address, **{**fields, "present": PASSWORD})
    assert answer.status_code == 422
    assert "try again in fifteen minutes" in answer.text


def test_a_password_without_its_code_opens_only_the_code_page(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    send(paul, "/studio/account", "/studio/account/codes")
    with sqlite_home.context.database.writing() as connection:
        from nurture.store.tables import owners

        owners.set_secret(connection, 1, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", 0)
    send(paul, "/studio/", "/studio/sign-out")
    answer = send(paul, "/studio/sign-in", email=PAUL, password=PASSWORD)
    assert urlsplit(answer.location).path == "/studio/sign-in/code"
    assert urlsplit(paul.get("/studio/account").location).path == "/studio/sign-in/code"
    token = token_on(paul, "/studio/sign-in/code")
    refused = paul.post("/studio/account/codes/off", data={"csrf_token": token})
    assert refused.status_code == 403
    assert send(paul, "/studio/sign-in/code", code="1").status_code == 401


# --- Forms and headers ----------------------------------------------------------------------------


def test_no_form_is_accepted_without_its_token(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    changing = [r for r in rules(app_of(sqlite_home)) if "POST" in (r.methods or set())]
    assert len(changing) >= 8
    for rule in at_least_one(changing):
        for fields in ({}, {"csrf_token": "0" * 48}, {"csrf_token": "é"}):
            assert paul.post(path_of(rule), data=fields).status_code == 400, rule


def test_a_token_from_another_browser_is_refused(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    theirs = token_on(app_of(sqlite_home).test_client(), "/studio/sign-in")
    answer = paul.post("/studio/sign-out", data={"csrf_token": theirs})
    assert answer.status_code == 400


def test_a_form_on_another_site_is_refused_even_with_the_token(paul: FlaskClient) -> None:
    token = token_on(paul, "/studio/")
    for site, status in (("cross-site", 400), ("same-site", 400), ("same-origin", 303)):
        answer = paul.post(
            "/studio/sign-out", data={"csrf_token": token}, headers={"Sec-Fetch-Site": site}
        )
        assert answer.status_code == status


def test_studio_pages_are_not_cached_and_run_no_foreign_script(paul: FlaskClient) -> None:
    headers = paul.get("/studio/account").headers
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_cookie_is_limited_to_the_studio(stranger: FlaskClient, link: str) -> None:
    cookie = stranger.get(link).headers["Set-Cookie"]
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/studio"):
        assert part in cookie


def test_the_stylesheet_and_the_script_come_from_our_own_server(stranger: FlaskClient) -> None:
    page = stranger.get("/studio/sign-in").text
    addresses = re.findall(r'(?:href|src)="([^"]+\.(?:css|js))"', page)
    assert len(addresses) == 2
    for address in addresses:
        answer = stranger.get(address)
        assert answer.status_code == 200
        assert "studio=" not in answer.headers.get("Set-Cookie", "")
        assert int(answer.headers["Content-Length"]) < 40_000


def test_no_template_contains_inline_styles_or_scripts(sqlite_home: Installation) -> None:
    app = app_of(sqlite_home)
    for name in at_least_one(
        app.jinja_env.list_templates(filter_func=lambda n: n.startswith("studio/"))
    ):
        source = app.jinja_env.loader.get_source(app.jinja_env, name)[0]  # type: ignore[union-attr]
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=|hx-on", source), name


def test_text_typed_by_a_visitor_is_escaped(stranger: FlaskClient) -> None:
    answer = send(stranger, "/studio/sign-in", email='"><script>alert(1)</script>', password="x")
    assert "<script>alert" not in answer.text


def test_a_forged_notice_is_escaped(paul: FlaskClient) -> None:
    paul.set_cookie("__Secure-studio_told", '[{"sentence":"<b>x","trouble":false}]', path="/studio")
    assert "&lt;b&gt;x" in paul.get("/studio/").text
    paul.set_cookie("__Secure-studio_told", "nonsense", path="/studio")
    assert paul.get("/studio/").status_code == 200


def test_the_owner_gets_a_friendly_page_for_an_unknown_url(paul: FlaskClient) -> None:
    answer = paul.get("/studio/not-there")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


HTTP, HTTPS = "http://192.0.2.5:8000", "https://emails.example.org"


@pytest.mark.parametrize(
    ("cookie", "headers", "says"),
    [
        (False, {"Origin": HTTP}, f"You opened {HTTP}"),
        (False, {"Origin": HTTPS}, "Your browser sent no cookie"),
        (False, {}, "Your browser sent no cookie"),
        (True, {"Origin": HTTPS}, "had been open for too long"),
        (True, {"Origin": HTTP}, "had been open for too long"),
        (False, {"Sec-Fetch-Site": "cross-site"}, "sent from another website"),
    ],
)
def test_a_refused_form_says_why_it_was_refused(
    sqlite_home: Installation, cookie: bool, headers: dict[str, str], says: str
) -> None:
    browser = app_of(sqlite_home).test_client()
    token = token_on(browser, "/studio/sign-in")
    if cookie:
        token = "of-another-day"
    else:
        browser.delete_cookie("__Secure-studio", path="/studio")
    fields = {"csrf_token": token, "email": PAUL, "password": PASSWORD}
    answer = browser.post("/studio/sign-in", data=fields, headers=headers)
    assert answer.status_code == 400
    assert says in answer.text
    assert "Nothing has been changed." in answer.text
    assert cookie or f"{HTTPS}/studio/" in answer.text
