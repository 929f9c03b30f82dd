"""Guides and settings: changes take effect, and refusals are shown next to the field."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.services.publishing import guides
from nurture.store.tables.guide_files import guide_files
from nurture.store.tables.refused_calls import refused_calls
from nurture.store.tables.signups import signups
from tests.installation import SHIPPED, SIGNUP_TOKEN, Installation
from tests.pdfs import a_pdf
from tests.web.studio import FACTS, GUIDES, PAUL, PRACTICE, send, token_on

HOURS, WEBSITE = "/studio/settings/hours", "/studio/settings/website"
FORM, PDF = f"{WEBSITE}/pain-guide", f"{GUIDES}/guides/pain-guide"
OWN = a_pdf("my own guide")
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}
TIMES = {
    "opens": "09:30",
    "closes": "17:00",
    "usual_days": "2",
    "fewer_days": "14",
    "bank": "Scotland",
    "closed": "2026-12-28 to 2027-01-02\r\n\r\n2026-08-03",
}


def upload(browser: FlaskClient, content: bytes, name: str = "Nine keys.pdf") -> TestResponse:
    """Choose a file on the guides page and upload it."""
    fields = {
        "csrf_token": token_on(browser, GUIDES),
        "guide-pain-guide": (BytesIO(content), name),
    }
    return browser.post(PDF, data=fields)


def practice_toml(home: Installation) -> str:
    """Return the published practice."""
    from nurture.services.publishing.studio import history
    from nurture.store.tables.revisions import RevisionKind

    newest = history(home.context.database, RevisionKind.PRACTICE, "practice")[0]
    return str(newest.source["toml"])


def test_an_uploaded_guide_is_shown_and_an_earlier_one_can_be_restored(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "Still the sample" in paul.get(GUIDES).text
    assert paul.get(PDF).data == (SHIPPED / "pain-guide/guide.pdf").read_bytes()
    assert upload(paul, OWN).status_code == 303
    assert upload(paul, OWN + b"\n").status_code == 303
    page = paul.get(GUIDES).text
    assert "Nine keys.pdf" in page
    assert PAUL in page
    assert paul.get(PDF).data == OWN + b"\n"
    assert send(paul, GUIDES, f"{PDF}/1").status_code == 303
    shown = paul.get(PDF)
    assert shown.data == OWN
    assert shown.mimetype == "application/pdf"
    assert len(sqlite_home.rows(guide_files)) == 3


def test_an_unsuitable_guide_is_refused_beside_its_field(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    answer = upload(paul, b"<html>", "page.html")
    assert answer.status_code == 422
    assert 'id="guide-pain-guide-error">This is no PDF.' in answer.text
    assert send(paul, GUIDES, PDF).status_code == 422
    assert upload(paul, bytes(guides.LARGEST + 2**21)).status_code == 413
    assert send(paul, GUIDES, f"{PDF}/9").status_code == 422
    assert paul.get(f"{GUIDES}/guides/golf").status_code == 404
    assert sqlite_home.rows(guide_files) == []


def test_a_large_guide_is_accepted_but_a_large_form_is_not(paul: FlaskClient) -> None:
    assert upload(paul, OWN + bytes(3 * 2**20)).status_code == 303
    assert send(paul, PRACTICE, **FACTS | {"disclosure": "x" * 2**21}).status_code == 413


def test_the_practice_details_are_published_and_the_comments_stay(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "30 Cannon Street" in paul.get(PRACTICE).text
    assert send(paul, PRACTICE, **FACTS).status_code == 303
    assert "Saved." in paul.get(PRACTICE).text
    practice = sqlite_home.context.practice
    assert practice.name == "Moving Well"
    assert practice.address == ("1 High Street", "London EC1A 1AA")
    assert practice.booking_url == "https://example.org/book"
    assert "# The law asks for your full postal address" in practice_toml(sqlite_home)
    send(paul, PRACTICE, **FACTS)
    assert "Nothing was different" in paul.get(PRACTICE).text


@pytest.mark.parametrize(
    ("field", "said", "slip"),
    [
        ("name", "  ", "Please fill this in."),
        ("address", "", "Please fill this in."),
        ("sender_address", "paul", "An email address must have an @-sign."),
        ("booking_url", "example.org/book", "beginning with https://"),
        ("booking_url", "https://[", "beginning with https://"),
        ("reply_to", "päul@example.org", "before the @-sign"),
        ("sender_address", "Paul <paul@example.org>", "not permitted"),
        ("privacy_url", "www.example.org", "beginning with https://"),
        ("booking_url", "javascript:alert(1)", "beginning with https://"),
        ("time_zone", "London", "time zone is not known"),
        ("phone", "020\r\n7183", "on one line"),
    ],
)
def test_an_invalid_detail_is_reported_beside_its_field_and_nothing_is_lost(
    paul: FlaskClient, sqlite_home: Installation, field: str, said: str, slip: str
) -> None:
    before = practice_toml(sqlite_home)
    answer = send(paul, PRACTICE, **FACTS | {field: said})
    assert answer.status_code == 422
    after = answer.text.partition(f'id="{field}-error">')[2]
    assert slip in after.partition("</p>")[0]
    assert "Paul at Moving Well" in answer.text
    assert practice_toml(sqlite_home) == before


def test_the_hours_apply_to_the_calendar_and_are_shown_as_typed(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert send(paul, HOURS, **TIMES).status_code == 303
    with sqlite_home.context.database.reading() as connection:
        calendar = sqlite_home.context.catalogue.current(connection).calendar
    assert f"{calendar.window.opens:%H:%M}–{calendar.window.closes:%H:%M}" == "09:30–17:00"
    assert (calendar.caps.usual.days, calendar.caps.fewer.days) == (2, 14)
    page = paul.get(HOURS).text
    assert 'value="09:30"' in page
    assert "2026-08-03\n2026-12-28 to 2027-01-02" in page
    send(paul, HOURS, **TIMES)
    assert "Nothing was different" in paul.get(HOURS).text


@pytest.mark.parametrize(
    ("field", "said", "slip"),
    [
        ("opens", "half past", "not a time of day"),
        ("closes", "09:45", "at least an hour after"),
        ("usual_days", "0", "whole number from 1 to 31"),
        ("usual_days", "15", ""),
        ("fewer_days", "²", "whole number from 1 to 31"),
        ("bank", "France", "England, Scotland"),
        ("closed", "Christmas", "“Christmas” is no day"),
        ("closed", "2026-01-01 to 2026-12-31", "More than 100 days"),
    ],
)
def test_invalid_hours_are_reported_beside_their_field(
    paul: FlaskClient, field: str, said: str, slip: str
) -> None:
    answer = send(paul, HOURS, **TIMES | {field: said})
    assert answer.status_code == 422
    assert slip in answer.text
    assert "Nothing has been saved yet" in answer.text


def test_the_token_is_shown_only_on_request(paul: FlaskClient) -> None:
    page = paul.get(FORM)
    assert SIGNUP_TOKEN not in page.text
    assert "https://emails.example.org/webhooks/signup/pain-guide" in page.text
    shown = send(paul, FORM, f"{FORM}/token")
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert f'"Authorization: Bearer {SIGNUP_TOKEN}"' in shown.text.replace("&#34;", '"')
    assert f"{FORM}/token" not in shown.text


def test_the_owner_can_sign_up_like_a_visitor(paul: FlaskClient, sqlite_home: Installation) -> None:
    assert send(paul, FORM, f"{FORM}/try").status_code == 303
    assert sqlite_home.person(PAUL)["address"] == PAUL
    assert [row["page_url"] for row in sqlite_home.rows(signups)] == [FORM]
    assert sqlite_home.deliver() == 1
    assert "1 person signed up" in paul.get(WEBSITE).text


def test_every_refused_call_is_shown_with_its_remedy(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    for path in ("signup/pain-guide", "signup/made-up", "bookings/calendly"):
        sqlite_home.client.post(f"/webhooks/{path}", json={"email": "ann@example.org"})
    sqlite_home.client.post("/webhooks/signup/pain-guide", json={}, headers=BEARER)
    assert len(sqlite_home.rows(refused_calls)) == 4
    page = paul.get(FORM).text
    assert "email: This field is missing." in page
    assert "Copy the token or the secret again" in page
    assert "ann@" not in page
    website = paul.get(WEBSITE).text
    assert "2 calls were refused" in website
    assert "Calls to an unknown form" in website
    assert "Not recognised" in paul.get(f"{GUIDES}/calls/bookings/calendly").text
    assert "Not recognised" in paul.get(f"{GUIDES}/calls/signup/%3F").text
    assert paul.get(f"{GUIDES}/calls/made-up/calendly").status_code == 404
    assert paul.get(f"{WEBSITE}/made-up").status_code == 404


def test_an_unreadable_box_is_shown_and_does_not_count_as_a_refusal(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "not understood" not in paul.get(FORM).text
    assert sqlite_home.fill_in_form("ann@example.org", consent="on").status_code == 202
    shown = paul.get(FORM).text
    assert "A box was not understood: “on”." in shown
    assert "Nothing was refused." in shown
    website = paul.get(WEBSITE).text
    assert "A box beside this form was not understood" in website
    assert "refused, the last one" not in website


def test_the_server_page_shows_the_settings_without_secrets(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    page = paul.get("/studio/settings/machinery").text
    assert "https://emails.example.org" in page
    assert "127.0.0.1" in page
    environment = sqlite_home.environment
    secrets = [value for name, value in environment.items() if "SECRET" in name or "TOKEN" in name]
    assert not [secret for secret in secrets if secret in page]


def test_emails_can_be_published_and_sent_with_unusual_practice_details(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    typed = FACTS | {
        "name": "O'Neill & Söhne",
        "address": '12 King\'s Road\r\nSmith & Sons "House"',
        "reply_to": "paul@prüfung.example",
        "website_url": "https://prüfung.example",
    }
    assert send(paul, PRACTICE, **typed).status_code == 303
    assert "paul@prüfung.example" in paul.get(PRACTICE).text
    send(paul, PRACTICE, **typed)
    assert "Nothing was different" in paul.get(PRACTICE).text
    practice = sqlite_home.context.practice
    assert practice.reply_to == "paul@xn--prfung-4ya.example"
    editor = "/studio/emails/pain-guide/your-guide"
    page = paul.get(editor).text
    assert "has no postal address" not in page and "which the law wants said" not in page
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    [message] = sqlite_home.messages_of("ann@example.org")
    assert message["status"] == "accepted"
