"""The mail account in a real browser: limits, a hold and its button, by keyboard and on a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from nurture.domain.account.presets import NO_CHOICES
from nurture.domain.messages.refusal import Cause
from nurture.services.account import hold
from nurture.store.tables import account, account_limits
from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture
def page_of_account(studio: Studio, page: Page) -> Iterator[Page]:
    """Open the page about the mail account, whose state is restored afterwards."""
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/settings/mail")
    yield page
    with studio.home.context.database.writing() as connection:
        account_limits.keep_choices(connection, NO_CHOICES)
        account_limits.keep_warming(connection, None)
        account.drop_hold(connection)


def test_the_page_is_found_in_the_settings_and_a_limit_is_saved_by_keyboard(
    studio: Studio, page_of_account: Page
) -> None:
    page = page_of_account
    page.goto(f"{studio.url}/studio/settings")
    page.get_by_role("link", name="Your mail account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your mail account")
    page.get_by_role("radio", name="Not chosen").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Google Workspace")).to_be_checked()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Emails in 24 hours")).to_be_focused()
    page.keyboard.type("1,200")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("at most 1,200 in 24 hours")
    expect(page.get_by_role("textbox", name="Emails in 24 hours")).to_have_value("1200")
    assert faults(page) == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_wrong_number_and_a_held_account_are_accessible_and_fit(
    studio: Studio, page_of_account: Page, size: dict[str, int]
) -> None:
    page = page_of_account
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    with studio.home.context.database.writing() as connection:
        reason = "535 5.7.8 " + "Username-and-Password-not-accepted" * 8
        hold.hold(connection, Cause.LOGIN, reason, studio.home.clock.now)
    page.get_by_role("textbox", name="Emails an hour").fill("a few")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing has been saved yet")
    expect(page.get_by_role("textbox", name="Emails an hour")).to_have_value("a few")
    assert (
        page.get_by_role("textbox", name="Emails an hour").get_attribute("aria-invalid") == "true"
    )
    for closed in page.locator("main details:not([open]) > summary").all():
        closed.click()
    assert faults(page) == []
    assert not is_too_wide(page)
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("status")).to_contain_text("Trying again now.")


def test_a_new_domain_is_begun_slowly_and_stopped(page_of_account: Page) -> None:
    page = page_of_account
    page.get_by_role("button", name="This is a new domain: begin slowly").click()
    expect(page.get_by_role("status")).to_contain_text("begin slowly from now on")
    expect(page.get_by_text("Today is day 1 of 40")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Stop: the domain is known").click()
    expect(page.get_by_role("status")).to_contain_text("as fast as your account allows")


def test_the_way_to_the_provider_is_a_link_that_the_page_allows(page_of_account: Page) -> None:
    page = page_of_account
    page.get_by_text("Connect it at Google or Microsoft").click()
    page.get_by_role("textbox", name="Client ID").fill("client-1")
    page.get_by_role("button", name="Connect with Microsoft").click()
    link = page.get_by_role("link", name="Open Microsoft")
    expect(link).to_have_attribute("href", re.compile(r"^https://login\.microsoft"))
    assert faults(page) == []
