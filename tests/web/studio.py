"""A browser on the studio's pages, without the browser."""

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.installation import Installation
from webhooks import create_app

PAUL, PASSWORD = "paul@example.org", "gently moving again"


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
