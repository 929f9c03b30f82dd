"""Guides and settings in a real browser: changes made there take effect from then on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio
from tests.pdfs import a_pdf

pytestmark = pytest.mark.browser

OWN = a_pdf("my own guide")
TITLE = "9 key principles to help you recover from pain and injury"


@pytest.fixture
def paul(studio: Studio, page: Page) -> Page:
    """Paul's browser."""
    studio.sign_in(page)
    return page


@pytest.fixture
def hours(studio: Studio, paul: Page) -> Iterator[Page]:
    """The page of the hours, which are restored afterwards."""
    address = f"{studio.url}/studio/settings/hours"
    paul.goto(address)
    yield paul
    paul.goto(address)
    paul.get_by_label("Days on which you are closed").fill("")
    paul.get_by_role("button", name="Save").click()
    studio.home.deliver()


def test_a_new_guide_is_delivered_to_the_next_reader(
    studio: Studio, paul: Page, tmp_path: Path
) -> None:
    own = tmp_path / "Nine keys.pdf"
    own.write_bytes(OWN)
    paul.goto(f"{studio.url}/studio/settings")
    guide = paul.get_by_role("region", name=TITLE)
    expect(guide).to_contain_text("Still the sample")
    guide.get_by_label("Another PDF").set_input_files(own)
    guide.get_by_role("button", name="Put it in place").click()
    expect(paul.get_by_role("status")).to_contain_text("Your guide is in place")
    expect(guide).to_contain_text("Nine keys.pdf")
    guide.get_by_text("Earlier files").click()
    assert faults(paul) == []
    home = studio.home
    [enrolled, *_] = [one for one in _enrolments(studio) if one["sequence"] == "pain-guide"]
    link = f"/guide/{home.context.tokens.guide(enrolled['id'])}"
    assert home.client.post(link).data == OWN


def test_a_file_that_is_not_a_pdf_is_reported_beside_the_field(
    studio: Studio, paul: Page, tmp_path: Path
) -> None:
    other = tmp_path / "letter.pdf"
    other.write_bytes(b"Dear Paul")
    paul.goto(f"{studio.url}/studio/settings")
    guide = paul.get_by_role("region", name=TITLE)
    guide.get_by_label("Another PDF").set_input_files(other)
    guide.get_by_role("button", name="Put it in place").click()
    expect(guide).to_contain_text("This is no PDF.")
    assert faults(paul) == []


def test_closed_days_leave_the_coming_week_empty(studio: Studio, hours: Page) -> None:
    hours.goto(f"{studio.url}/studio/")
    expect(hours.get_by_text("A holiday")).to_have_count(0)
    hours.go_back()
    hours.get_by_label("Days on which you are closed").fill("2026-11-25 to 2026-11-27")
    hours.get_by_role("button", name="Save").click()
    expect(hours.get_by_role("status")).to_contain_text("Everybody who waits")
    studio.home.deliver()
    hours.goto(f"{studio.url}/studio/")
    expect(hours.get_by_text("A holiday").first).to_be_visible()


def test_an_invalid_hour_is_reported_beside_its_field_and_kept(studio: Studio, hours: Page) -> None:
    hours.get_by_label("Until").fill("07:00")
    hours.get_by_role("button", name="Save").click()
    expect(hours.get_by_role("alert")).to_contain_text("Nothing has been saved yet")
    expect(hours.get_by_label("Until")).to_have_value("07:00")
    assert hours.get_by_label("Until").get_attribute("aria-invalid") == "true"
    assert faults(hours) == []


def test_the_token_is_shown_on_request_and_the_page_stays_accessible(
    studio: Studio, paul: Page
) -> None:
    paul.set_viewport_size({"width": 390, "height": 844})
    studio.home.client.post("/webhooks/signup/pain-guide", json={})
    paul.goto(f"{studio.url}/studio/settings/website/pain-guide")
    paul.get_by_role("button", name="Show the token").click()
    expect(paul.get_by_role("group", name="The token")).to_contain_text("a-token-of-the-website")
    for closed in paul.locator("main details > summary").all():
        closed.click()
    assert faults(paul) == []
    assert not is_too_wide(paul)


def _enrolments(studio: Studio) -> list[dict[str, Any]]:
    from nurture.store.tables.enrolments import enrolments

    return studio.home.rows(enrolments)
