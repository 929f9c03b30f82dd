"""The owner changes what people receive, sees who is affected, and undoes the change."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import faults
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

PAIN = "/studio/sequences/pain-guide"
FIRST = "why-stretching-and-massage-wont-solve-back-pain"
SUBJECT = "If stretching only helps your back for a while"


@pytest.fixture
def sequence(studio: Studio, page: Page) -> Page:
    """The page of the pain sequence, signed in as Paul."""
    studio.sign_in(page)
    page.goto(studio.url + PAIN)
    return page


def review(page: Page) -> None:
    page.get_by_role("link", name="See what it does").click()
    expect(page.get_by_role("heading", name="What your changes do")).to_be_visible()
    assert faults(page) == []


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("It holds from now on")


def go_back(page: Page) -> None:
    """Undo the newest change through the history."""
    page.get_by_role("link", name="History").click()
    assert faults(page) == []
    page.get_by_role("button", name="Go back to this").first.click()
    publish(page)


def test_a_wait_of_two_days_is_changed_to_four_and_back(sequence: Page) -> None:
    timing = "4 days after the guide is collected, at 08:30"
    expect(sequence.get_by_text("2 days after the guide is collected")).to_be_visible()
    sequence.get_by_role("link", name=f"Change when it goes for “{SUBJECT}”").click()
    expect(sequence.get_by_label("Number")).to_have_value("2")
    sequence.get_by_label("Number").fill("4")
    sequence.get_by_role("button", name="Keep this").click()
    expect(sequence.get_by_text(timing)).to_be_visible()
    assert faults(sequence) == []

    review(sequence)
    expect(sequence.get_by_text(f"“{SUBJECT}” goes out 4 days")).to_be_visible()
    expect(sequence.get_by_text(re.compile("waiting for an email whose time"))).to_be_visible()
    publish(sequence)
    sequence.reload()
    expect(sequence.get_by_text(timing)).to_be_visible()

    go_back(sequence)
    expect(sequence.get_by_text("2 days after the guide is collected")).to_be_visible()


def test_an_email_is_removed_and_restored(sequence: Page) -> None:
    sequence.get_by_role("link", name="Change it").click()
    sequence.get_by_role("button", name=f"Remove {SUBJECT}").click()
    expect(sequence.get_by_role("heading", name=SUBJECT)).to_have_count(0)
    review(sequence)
    expect(sequence.get_by_text(f"“{SUBJECT}” is taken out.")).to_be_visible()
    publish(sequence)
    expect(sequence.get_by_role("heading", name="No longer part of it")).to_be_visible()
    go_back(sequence)
    expect(sequence.get_by_role("heading", name=SUBJECT)).to_be_visible()


def test_a_new_email_is_written_moved_and_discarded(sequence: Page) -> None:
    sequence.get_by_role("link", name="Change it").click()
    sequence.get_by_role("link", name=f"Add an email here after “{SUBJECT}”").click()
    sequence.get_by_label("Subject").fill("Which leg do you trust?")
    sequence.get_by_role("textbox", name="Text").fill("Hello,\n\nnotice it on the stairs.")
    sequence.get_by_role("button", name="Keep this").click()
    expect(sequence.get_by_role("heading", name="Which leg do you trust?")).to_be_visible()
    sequence.get_by_role("button", name="Earlier in the order: Which leg do you trust?").click()
    headings = sequence.get_by_role("heading", level=2).all_inner_texts()
    assert headings.index("Which leg do you trust?") == headings.index(SUBJECT) - 1
    review(sequence)
    expect(sequence.get_by_text("1 new email is published with it.")).to_be_visible()
    sequence.get_by_role("button", name="Drop my changes").click()
    expect(sequence.get_by_role("status")).to_contain_text("dropped")
    expect(sequence.get_by_text("Which leg do you trust?")).to_have_count(0)


def test_a_sequence_is_paused_and_resumed(sequence: Page) -> None:
    sequence.get_by_role("link", name="Pause").click()
    expect(sequence.get_by_text("still gets their guide")).to_be_visible()
    assert faults(sequence) == []
    sequence.get_by_role("button", name="Pause it").click()
    expect(sequence.get_by_role("status")).to_contain_text("Paused")
    sequence.get_by_role("link", name="Today").click()
    sequence.get_by_role("link", name="Go on with it").click()
    sequence.get_by_role("button", name="Go on").click()
    expect(sequence.get_by_role("status")).to_contain_text("It goes on.")


def test_every_step_shows_a_small_preview_of_its_email(sequence: Page) -> None:
    frame = sequence.frame_locator(f"iframe[src$='/picture/{FIRST}']")
    expect(frame.get_by_text("Human Movement").first).to_be_attached()
    box = sequence.locator(".picture").first.bounding_box()
    assert box
    assert box["width"] < 200


def test_the_figures_cover_the_chosen_period(sequence: Page) -> None:
    sequence.get_by_role("link", name="Twelve weeks").click()
    expect(sequence.locator("figcaption", has_text="Emails by the week")).to_be_visible()
    expect(sequence.get_by_role("link", name="Twelve weeks")).to_have_attribute(
        "aria-current", "page"
    )
    assert faults(sequence) == []
