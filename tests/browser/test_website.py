"""The website's pages in a real browser: a key, a strange form, and the builder's own page."""

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
STRANGE = {"q7": {"a": "anna.strange@example.org"}, "q8": "praxis@example.org", "q9": "Anna"}


@pytest.fixture
def paul(studio: Studio, page: Page) -> Page:
    """Paul's browser."""
    studio.sign_in(page)
    return page


@pytest.fixture
def shop(studio: Studio, paul: Page) -> Iterator[str]:
    """The key of a website that Paul has added; it is revoked afterwards."""
    paul.goto(f"{studio.url}/studio/settings/website")
    paul.get_by_label("Name of the website").fill("The shop")
    paul.get_by_role("button", name="Add a website").click()
    own_page = paul.url
    paul.get_by_role("button", name="Show the key").click()
    shown = paul.get_by_role("group", name="Page for the builder of the website").inner_text()
    yield shown.strip().rpartition("/")[2]
    paul.goto(own_page)
    paul.get_by_role("link", name="Revoke the key").click()
    paul.get_by_role("button", name="Revoke the key").click()
    expect(paul.get_by_role("status")).to_contain_text("Revoked.")


def send(studio: Studio, key: str, fields: Mapping[str, object]) -> int:
    """Send a form as a website does; return the status."""
    call = urllib.request.Request(
        f"{studio.url}/webhooks/signup/pain-guide/{key}",
        json.dumps(fields).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(call) as answer:
        status: int = answer.status
    return status


def test_a_strange_form_is_understood_after_three_choices(
    studio: Studio, paul: Page, shop: str
) -> None:
    assert send(studio, shop, STRANGE) == 202
    paul.goto(f"{studio.url}/studio/")
    expect(paul.get_by_text("1 form is waiting to be understood")).to_be_visible()
    paul.get_by_role("link", name="Say what the fields of “pain-guide” mean").click()
    assert faults(paul) == []
    paul.get_by_label("This is the email address").select_option("/q7/a")
    paul.get_by_label("This is the first name").select_option("/q9")
    paul.get_by_role("button", name="Preview").click()
    said = "Anna, anna.strange@example.org, agrees to nothing beyond what the form says"
    expect(paul.get_by_text(said)).to_be_visible()
    assert faults(paul) == []
    paul.get_by_role("button", name="Save and sign them up").click()
    expect(paul.get_by_role("status")).to_contain_text("Signed up: 1 person.")
    assert faults(paul) == []
    assert studio.home.person("anna.strange@example.org")["first_name"] == "Anna"


def test_the_address_is_copied_at_a_press(studio: Studio, paul: Page, shop: str) -> None:
    paul.context.grant_permissions(["clipboard-read", "clipboard-write"])
    paul.goto(f"{studio.url}/studio/settings/website/pain-guide")
    paul.get_by_role("button", name="Show the key").click()
    paul.get_by_role("button", name="Copy The address with the key").click()
    expect(paul.get_by_text("Copied.")).to_be_visible()
    copied = paul.evaluate("navigator.clipboard.readText()")
    assert copied == f"{studio.url}/webhooks/signup/pain-guide/{shop}"
    assert faults(paul) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_builders_page_shows_each_call_without_being_reloaded(
    studio: Studio, paul: Page, shop: str, browser: Browser, scheme: str
) -> None:
    builder = browser.new_page(viewport=PHONE, color_scheme=scheme)
    said: list[str] = []
    builder.on("console", lambda message: said.append(message.text))
    builder.clock.install()
    builder.goto(f"{studio.url}/connect/{shop}")
    expect(builder.get_by_text("No call has arrived yet")).to_be_visible()
    assert faults(builder) == []
    assert not is_too_wide(builder)
    send(studio, shop, {"email": f"builder.{scheme}@example.org", "name": "Ben"})
    builder.clock.run_for(11_000)
    came_from = re.compile("The email address came from the field “email”")
    expect(builder.get_by_text(came_from)).to_be_visible()
    for summary in builder.locator("summary").all():
        summary.click()
    assert faults(builder) == []
    assert not is_too_wide(builder)
    assert said == []
    builder.close()


def test_a_websites_own_page_is_accessible_and_fits_a_phone(
    studio: Studio, paul: Page, shop: str
) -> None:
    send(studio, shop, {"email": "phone@example.org"})
    paul.set_viewport_size(PHONE)
    paul.goto(f"{studio.url}/studio/settings/website")
    assert faults(paul) == []
    assert not is_too_wide(paul)
    paul.get_by_role("link", name="The shop").first.click()
    paul.get_by_role("button", name="Show the key").click()
    assert faults(paul) == []
    assert not is_too_wide(paul)
