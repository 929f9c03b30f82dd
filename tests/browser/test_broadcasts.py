"""The owner's story: a broadcast is written, reviewed, undone, sent, corrected and read about."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nurture.domain.broadcasts.broadcast import UNDO_WITHIN
from nurture.domain.subscribers.consent import Purpose
from nurture.services.delivery.batch import deliver_batch
from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio, running
from tests.web.broadcasting import join, work

pytestmark = pytest.mark.browser

READERS = ("Nora", "Oscar", "Petra", "Quentin", "Rita")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Studio]:
    """The studio of an installation of its own, because time passes in it."""
    with running(tmp_path, history=False) as studio:
        yield studio


def is_well_made(page: Page) -> bool:
    """Return whether the page is accessible, and not wider than a window or a phone."""
    found, size = faults(page), page.viewport_size
    page.set_viewport_size(PHONE)
    fits = not is_too_wide(page)
    page.set_viewport_size(size)
    assert found == []
    return fits


def news_in(studio: Studio, subject: str) -> list[EmailMessage]:
    """Return the emails with that subject that have left."""
    files = (studio.home.directory / "var").rglob("*.eml")
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    return [mail for mail in mails if mail["Subject"] == subject]


def write_it(page: Page) -> None:
    """Make a broadcast and write its text, from the menu on."""
    page.get_by_role("link", name="Broadcasts").click()
    assert is_well_made(page)
    page.get_by_role("link", name="Write your first").click()
    assert is_well_made(page)
    page.get_by_label("Title").fill("Spring news")
    page.get_by_label("News and offers").check()
    page.get_by_role("button", name="Continue to the text").click()
    page.get_by_label("Subject").fill("Wee open again")
    words = page.get_by_label("The email", exact=True)
    words.press("Control+Home")
    words.press("End")
    page.keyboard.type("\n\nWe open again on Monday, with a new room for classes.")
    expect(page.locator("#saved")).to_have_text("Draft saved.")
    assert is_well_made(page)


def see_who_gets_it(page: Page) -> None:
    """Read the review, and the list behind one of its numbers."""
    expect(page.get_by_role("heading", name="Who gets it", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Who does not get it")).to_be_visible()
    expect(page.frame_locator(".preview").first.get_by_text("We open again")).to_be_visible()
    assert is_well_made(page)
    page.get_by_role("link", name="people get it").click()
    expect(page.get_by_text("nora@example.org")).to_be_visible()
    assert is_well_made(page)
    page.get_by_role("link", name="Back to the review").click()


def choose_when(page: Page) -> None:
    """Look at who gets it and when, and leave both as they are."""
    page.get_by_role("link", name="Who and when").click()
    expect(page.get_by_label("Everyone who agreed to this")).to_be_checked()
    assert is_well_made(page)
    page.get_by_role("button", name="Save and review").click()


def test_the_owner_writes_reviews_undoes_sends_corrects_and_reads_a_broadcast(
    fresh: Studio, page: Page
) -> None:
    studio = fresh
    join(studio.home, *READERS)
    join(studio.home, "Carla", purpose=Purpose.ARTICLES)
    studio.sign_in(page)
    page.goto(f"{studio.url}/studio/")
    write_it(page)
    page.get_by_role("button", name="Save and review").click()
    see_who_gets_it(page)
    choose_when(page)
    page.get_by_role("button", name="Send to 5 people").click()
    expect(page.get_by_text("Nothing leaves until")).to_be_visible()
    assert is_well_made(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nobody gets it, and it is a draft again.")).to_be_visible()
    assert is_well_made(page)
    work(studio.home, minutes=10)
    assert news_in(studio, "Wee open again") == []

    page.get_by_role("link", name="Review and send").click()
    page.get_by_role("button", name="Send to 5 people").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    studio.home.clock.advance(UNDO_WITHIN)
    deliver_batch(replace(studio.home.context.dispatch, batch=2))
    # The page notices by itself that the time to undo is over.
    expect(undo).to_have_count(0, timeout=15_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("2 emails had left. 3 people are waiting")).to_be_visible()
    assert is_well_made(page)

    page.get_by_role("link", name="Edit the text").click()
    page.get_by_label("Subject").fill("We open again")
    page.get_by_role("button", name="Save and review").click()
    page.get_by_role("button", name="Send the rest").click()
    expect(page.get_by_text("Nobody gets it twice.").first).to_be_visible()
    work(studio.home)
    expect(page.get_by_text("It has been sent.")).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    assert is_well_made(page)
    assert len(news_in(studio, "Wee open again")) == 2
    assert len(news_in(studio, "We open again")) == 3

    page.get_by_role("link", name="All broadcasts").click()
    row = page.get_by_role("row", name="Spring news")
    expect(row.get_by_role("cell").nth(1)).to_have_text("5")
    assert is_well_made(page)


def test_a_broadcast_is_sent_without_scripts(fresh: Studio, browser: Browser) -> None:
    join(fresh.home, "Nora")
    page = browser.new_page(java_script_enabled=False)
    fresh.sign_in(page)
    page.goto(f"{fresh.url}/studio/broadcasts/new/draft")
    page.get_by_label("Title").fill("Plain news")
    page.get_by_label("News and offers").check()
    page.get_by_role("button", name="Continue to the text").click()
    page.get_by_label("The email", exact=True).fill("Hello\n\nWe open again on Monday.")
    page.get_by_role("button", name="Save and review").click()
    page.get_by_role("button", name="Send to 1 person").click()
    expect(page.get_by_text("Nothing leaves until")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nobody gets it, and it is a draft again.")).to_be_visible()
    page.close()
