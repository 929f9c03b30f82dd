"""The builder in a real browser: every choice is answered with a count."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import faults
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser


def test_a_segment_is_built_counted_and_saved(studio: Studio, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/segments/new")
    who = page.get_by_role("complementary", name="Who is in it")
    page.get_by_label("Which").select_option(label="about Golf")
    expect(who).to_contain_text("Everybody who clicked a link about Golf.")
    one = who.locator(".stat-value").inner_text()
    page.get_by_role("button", name="Add a line", exact=True).click()
    page.get_by_label("What they did").nth(1).select_option(label="booked a session")
    expect(who).to_contain_text("and booked a session")
    page.get_by_label("How many of these").select_option(label="at least one of these holds")
    expect(who).to_contain_text("or booked a session")
    assert int(who.locator(".stat-value").inner_text()) > int(one)
    page.get_by_label("Title").fill("Golf or booked")
    page.get_by_role("button", name="See what it changes").click()
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Save it").click()
    expect(page.get_by_role("heading", name="Golf or booked")).to_be_visible()
    expect(page.get_by_text("Saved. It holds from now on.")).to_be_visible()
    assert said == []


def test_the_builder_works_without_scripts(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(page.context.cookies())
    bare = plain.new_page()
    bare.goto(f"{studio.url}/studio/segments/new")
    bare.get_by_label("What they did").select_option(label="collected a guide")
    bare.get_by_role("button", name="Count again").click()
    expect(bare.get_by_text("Everybody who collected a guide.")).to_be_visible()
    bare.get_by_role("button", name="Remove line 1").click()
    expect(bare.get_by_label("What they did")).to_have_count(0)
    plain.close()
