"""The editor in a real browser: text is changed, previewed immediately, saved and published."""

from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import faults
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

EMAIL = "/studio/emails/pain-guide/your-guide"
ARTICLE = "/studio/emails/over-50-guide/stronger-over-60"


def test_a_corrected_typo_is_seen_in_the_preview_and_published(studio: Studio, page: Page) -> None:
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
    expect(page.locator("#saved")).to_have_text("Draft saved.")
    expect(shown.get_by_text("Here is the guide you asked for at last")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Everybody who gets this email")
    expect(words).to_contain_text("Here is the guide you asked for at last")
    assert said == []
    assert "Here is the guide you asked for at last" in next_mail(studio, "next@example.org")


def next_mail(studio: Studio, address: str) -> str:
    """Return the words of the email sent to a person who signs up now."""
    home = studio.home
    home.subscribe(address)
    home.deliver()
    [mail] = [
        mail
        for path in (home.directory / "var").rglob("*.eml")
        for mail in [message_from_bytes(path.read_bytes(), policy=policy.default)]
        if mail["To"] == address
    ]
    part = mail.get_body(("html",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def test_a_mistake_is_marked_at_its_line_shortly_after_typing(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(studio.url + ARTICLE)
    words = page.get_by_label("The email", exact=True)
    words.press("Control+Home")
    page.keyboard.type("{{ nobody }}\n\n")
    marker = page.locator(".cm-lint-marker-error")
    expect(marker).to_have_count(1)
    expect(page.locator("#concerns")).to_contain_text("Line 1: there is no value “nobody”")
    marker.hover()
    expect(page.locator(".cm-tooltip")).to_contain_text("there is no value “nobody”")
    assert faults(page) == []
    for key in ("Control+Home", "Shift+ArrowDown", "Shift+ArrowDown", "Delete"):
        words.press(key)
    expect(marker).to_have_count(0)


def test_placeholders_read_as_words_and_are_inserted_from_a_menu(
    studio: Studio, page: Page
) -> None:
    studio.sign_in(page)
    page.goto(studio.url + ARTICLE)
    words = page.get_by_label("The email", exact=True)
    expect(words).to_contain_text("First name, where it is known")
    expect(words).not_to_contain_text("first_name")
    words.press("Control+End")
    page.get_by_text("Placeholders", exact=True).first.click()
    page.get_by_role("button", name="Your telephone number").click()
    expect(words.locator(".cm-line").last).to_have_text("Your telephone number")
    assert page.locator("#body").input_value().endswith("{{ practice.phone }}")


def test_the_keyboard_moves_into_the_editor_and_out_of_it(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(studio.url + ARTICLE)
    words = page.get_by_label("The email", exact=True)
    words.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Title of the article")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(words).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(words).not_to_be_focused()


def test_the_editor_is_a_plain_field_without_scripts(studio: Studio, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    studio.sign_in(page)
    page.goto(studio.url + ARTICLE)
    page.get_by_label("The email", exact=True).fill("Hello\n\n{{ nobody }}")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("#concerns")).to_contain_text("Line 3: there is no value “nobody”")
    page.get_by_role("button", name="Discard the draft").click()
    expect(page.get_by_label("The email", exact=True)).not_to_have_value("nobody")
    page.close()
