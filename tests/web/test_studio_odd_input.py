"""Odd input: whatever a browser sends, the answer is a page, and nothing is broken afterwards."""

import pytest
from flask.testing import FlaskClient

from nurture.services.owner import sessions
from tests.installation import Installation
from tests.web.studio import PASSWORD, PAUL, app_of, send

ARTICLE = "/studio/emails/pain-guide/why-stretching-and-massage-wont-solve-back-pain"
NUMBERED = (
    "/studio/people/{}",
    "/studio/people/{}/stop",
    "/studio/settings/guides/pain-guide/{}",
)
HUGE = "9" * 40


def test_huge_numbers_and_odd_characters_are_handled_on_both_databases(home: Installation) -> None:
    """On both databases, which fail on different values."""
    browser = app_of(home).test_client()
    token = sessions.make_link(home.context.database, PAUL, home.context.clock())
    assert send(browser, f"/studio/welcome/{token}", password=PASSWORD).status_code == 303
    for address in NUMBERED:
        assert browser.get(address.format(HUGE)).status_code == 404
    assert browser.get("/studio/sequences/a%00b/edit").status_code == 404
    assert browser.get("/studio/people?segment=a%00b").status_code == 404
    assert browser.get(f"/studio/people?before={HUGE}").status_code == 200
    assert browser.get(f"/studio/people?before={'9' * 5000}").status_code == 200
    answer = send(browser, "/studio/people", words="a\0b")
    assert answer.status_code == 400
    assert "cannot be kept" in answer.text
    edit = "/studio/sequences/pain-guide/edit"
    moved = {"email": "guide-reminder", "by": "1", "version": HUGE}
    assert send(browser, edit, f"{edit}/move", **moved).status_code == 303


def test_an_odd_address_at_sign_in_gets_an_ordinary_refusal(home: Installation) -> None:
    browser = app_of(home).test_client()
    assert send(browser, "/studio/sign-in", email="a\0b", password="x").status_code == 400


@pytest.mark.parametrize("field", ["subject", "preheader", "article", "article_title"])
def test_a_draft_with_an_empty_field_can_be_reopened(paul: FlaskClient, field: str) -> None:
    written = {
        "subject": "Hello",
        "preheader": "How are you?",
        "article": "https://human-movement.com/blog/one",
        "article_title": "One",
        "body": "<mjml></mjml>",
        "text": "Hello",
        "version": "0",
        "action": "save",
    }
    answer = send(paul, ARTICLE, **{**written, field: ""})
    assert answer.status_code == 303
    page = paul.get(ARTICLE)
    assert page.status_code == 200
    assert f'id="{field}"' in page.text


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("wait_number", "“-1 days” is not a length of time"),
        ("at", "“-1” is not a time of day"),
        ("late_days", "“-1 days” is not a length of time"),
    ],
)
def test_an_invalid_timing_is_refused_in_words_without_a_file_name(
    paul: FlaskClient, field: str, said: str
) -> None:
    page = "/studio/sequences/pain-guide/edit/steps/muscle-activation-podcast"
    fields = {"version": "0", "wait_number": "4", "wait_unit": "days", "at": "08:30"}
    fields |= {"days": "working", "late": "skip", "late_days": "3", "only_if": "", "skip_if": ""}
    answer = send(paul, page, **{**fields, field: "-1"})
    assert answer.status_code == 422
    assert said in answer.text
    assert "sequence.toml" not in answer.text


def test_a_long_notice_is_shortened_to_fit_in_a_cookie(paul: FlaskClient) -> None:
    edit = "/studio/sequences/pain-guide/edit"
    answer = send(paul, edit, f"{edit}/move", email="☃" * 5000, by="1", version="0")
    [cookie] = [
        c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Secure-studio_told")
    ]
    assert len(cookie) < 4093 + 100
    assert "Secure" in cookie
    assert "There is no step “☃☃" in paul.get(edit).text
