"""A browser on the studio's pages, without the browser."""

import re
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.installation import Installation
from webhooks import create_app

PAUL, PASSWORD = "paul@example.org", "gently moving again"

#: Pages of the studio.
GUIDE_EMAIL = "/studio/emails/pain-guide/your-guide"
GUIDES, PRACTICE = "/studio/settings", "/studio/settings/practice"

#: What the form about the practice asks for.
FACTS = {
    "name": "Moving Well",
    "owner": "Paul",
    "address": "1 High Street\r\n\r\nLondon EC1A 1AA",
    "email": "paul@example.org",
    "website_url": "https://example.org",
    "booking_url": "https://example.org/book",
    "sender_name": "Paul at Moving Well",
    "sender_address": "paul@mail.example.org",
    "reply_to": "paul@example.org",
    "time_zone": "Europe/London",
}


def app_of(home: Installation) -> Flask:
    """Return the whole web side of an installation."""
    application: Flask = create_app(home.context)
    return application


def token_on(browser: FlaskClient, page: str) -> str:
    """Return the value that the forms on a page carry."""
    found = re.search(r'name="csrf_token" value="(\w+)"', browser.get(page).text)
    assert found, page
    return found[1]


def send(browser: FlaskClient, page: str, to: str = "", **fields: str) -> TestResponse:
    """Open a page and send a form on it, to the page itself by default."""
    fields["csrf_token"] = token_on(browser, page)
    return browser.post(to or page, data=fields)


def identifier(browser: FlaskClient) -> str:
    """Return the value of the browser's cookie."""
    cookie = browser.get_cookie("__Secure-studio", path="/studio")
    assert cookie
    return str(cookie.value)


def fields(browser: FlaskClient, **changed: str) -> dict[str, str]:
    """Return what the editor's form would send, with some of it changed."""
    page = browser.get(GUIDE_EMAIL).text
    area = re.search(r'name="body"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    plain = re.search(r'name="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    version = re.search(r'name="version" value="(\d+)"', page)
    subject = re.search(r'name="subject" type="text" value="([^"]*)"', page)
    assert area and plain and version and subject
    as_shown = {
        "csrf_token": token_on(browser, GUIDE_EMAIL),
        "version": version[1],
        "subject": unescape(subject[1]),
        "preheader": "Nine principles.",
        "body": unescape(area[1]),
        "text": unescape(plain[1]),
    }
    return as_shown | changed
