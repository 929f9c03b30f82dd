"""A list is brought in by the owner in a real browser, looked at, and taken back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nurture.store.tables.subscribers import subscribers
from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

LIST = Path(__file__).parents[1] / "sheets" / "corpus" / "mailchimp" / "audience_export.zip"


def is_well_made(page: Page) -> bool:
    """Return whether the page is accessible and not wider than the window."""
    return faults(page) == [] and not is_too_wide(page)


def test_the_owner_brings_a_list_in_and_takes_it_back(studio: Studio, page: Page) -> None:
    studio.sign_in(page)
    before = len(studio.home.rows(subscribers))
    page.goto(f"{studio.url}/studio/people")
    page.get_by_role("link", name="Bring a list").click()
    assert is_well_made(page)
    page.get_by_label("Your list").set_input_files(LIST)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="Look at the list")).to_be_visible()
    expect(page.get_by_text("as Mailchimp writes them")).to_be_visible()
    expect(page.get_by_text("Say below which emails this list is for.")).to_be_visible()
    assert is_well_made(page)
    page.get_by_label("New articles").check()
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("Say below which emails this list is for.")).to_have_count(0)
    page.get_by_role("button", name="Bring them in").click()
    expect(page.get_by_role("heading", name="Import 1")).to_be_visible(timeout=30_000)
    assert is_well_made(page)
    assert len(studio.home.rows(subscribers)) == before + 17
    page.get_by_role("link", name="Take it back").click()
    assert is_well_made(page)
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back").first).to_be_visible()
    kept = [row for row in studio.home.rows(subscribers) if not row["erased"]]
    assert len(kept) == before


def test_every_page_of_a_subscriber_is_accessible(studio: Studio, page: Page) -> None:
    home = studio.home
    home.subscribe("reader@example.org")
    home.deliver()
    tokens, number = home.context.tokens, home.person("reader@example.org")["id"]
    for path in (
        f"/guide/{tokens.guide(1)}",
        f"/preferences/{tokens.preferences(number)}",
        f"/unsubscribe/{tokens.unsubscribe(number, 1)}",
        f"/why/{tokens.why(1)}",
        f"/complaint/{tokens.preferences(number)}",
        "/complaint",
    ):
        answer = page.goto(studio.url + path)
        assert answer and answer.status == 200, path
        assert is_well_made(page), path
