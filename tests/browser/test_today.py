"""Today's page in a real browser: actions there keep the user's place on the page."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import Studio

pytestmark = pytest.mark.browser


def test_a_check_shows_its_result_in_place(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{studio.url}/studio/")
    page.get_by_text("Before the first real email").click()
    page.evaluate("window.stillHere = true")
    page.get_by_role("button", name="Check a mail server").click()
    step = page.locator("#first-step-mail_server")
    expect(step.get_by_role("status")).to_contain_text("NURTURE_SMTP_URL is not set")
    assert page.evaluate("window.stillHere")
    assert said == []


def test_a_doubt_is_settled_from_the_first_page(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/")
    question = page.get_by_role("heading", name="Was this email sent?")
    expect(question).to_be_visible()
    page.get_by_role("button", name="It was sent").click()
    expect(page.get_by_role("status")).to_contain_text("Noted: it was sent")
    expect(question).to_be_hidden()
