"""How Paul enters the studio the first time, and every time after."""

import base64
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Page, expect

from tests.browser.looking import faults
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

ADDRESS, PASSWORD = "new@example.org", "three quite unrelated words"


def phone_shows(studio: Studio, secret: str) -> str:
    """Return the code that the phone's app shows at the installation's time."""
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    return totp.generate(int(studio.home.clock.now.timestamp())).decode()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Email address").fill(ADDRESS)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_owner_sets_a_password_and_signs_in_with_a_code(studio: Studio, page: Page) -> None:
    link = studio.add_owner(ADDRESS)
    page.goto(link)
    assert faults(page) == []
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()

    sign_out(page)
    sign_in(page, "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    sign_in(page)

    page.get_by_role("link", name="Account").click()
    page.get_by_role("button", name="Set it up").click()
    assert faults(page) == []
    secret = page.locator("code.secret").inner_text()
    page.get_by_role("textbox", name="Code").fill(phone_shows(studio, secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text(re.compile("-".join(["[a-z2-9]{4}"] * 4)))).to_have_count(8)
    assert faults(page) == []
    page.get_by_role("link", name="I have kept them").click()

    sign_out(page)
    studio.home.clock.advance(timedelta(minutes=1))
    sign_in(page)
    expect(page.get_by_role("heading", name="Your code")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("textbox", name="Code").fill(phone_shows(studio, secret))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()

    page.goto(link)
    expect(page.get_by_role("heading", name="does not work any more")).to_be_visible()


def test_a_redirected_visitor_returns_to_the_requested_page(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/account")
    page.context.clear_cookies()
    page.goto(f"{studio.url}/studio/account")
    expect(page).to_have_url(re.compile(r"/studio/sign-in\?next="))


def test_the_menu_opens_and_closes_on_a_phone(studio: Studio, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/")
    account = page.get_by_role("link", name="Account")
    expect(account).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(account).to_be_visible()
    page.keyboard.press("Escape")
    expect(account).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    account.click()
    expect(page.get_by_role("heading", name="Account")).to_be_visible()
