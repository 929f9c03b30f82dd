"""People in a real browser: a person is found while the name is typed, and then left in peace."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import faults
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser


def test_a_person_is_found_and_their_sequence_is_stopped(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/people")
    page.get_by_label("Name or address").press_sequentially("lena@ex")
    expect(page.get_by_role("heading", name="1 person")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1 person")
    assert page.url == f"{studio.url}/studio/people"
    page.get_by_role("link", name="Elena").click()
    page.get_by_role("link", name="Take out of “").first.click()
    page.get_by_role("button", name="Yes, take them out").click()
    expect(page.get_by_role("status")).to_contain_text("Removed from that sequence.")
    expect(page.locator("ol").get_by_text("You took them out of “")).to_be_visible()
    assert faults(page) == []


def test_older_people_are_one_button_away(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/people")
    first = page.locator(".roll a").first.inner_text()
    page.get_by_role("button", name="Show older").click()
    expect(page.get_by_role("link", name="Show everybody")).to_be_visible()
    assert page.locator(".roll a").first.inner_text() != first
