"""The editor in a real browser: words are changed, seen beside at once, kept and published."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

EMAIL = "/studio/emails/pain-guide/your-guide"


def test_a_typo_is_mended_seen_and_published(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(studio.url + EMAIL)
    shown = page.frame_locator("#preview")
    expect(shown.get_by_text("Here is the guide you asked for")).to_be_visible()
    words = page.get_by_label("The email", exact=True)
    words.press("Control+Home")
    words.press("End")
    page.keyboard.type(" at last")
    expect(page.locator("#saved")).to_have_text("Kept as a draft.")
    expect(shown.get_by_text("Here is the guide you asked for at last")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Everybody who gets this email")
    expect(words).to_contain_text("Here is the guide you asked for at last")
    assert said == []
