"""The page of a form in a real browser: by itself, without scripts, in a frame, by script."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from nurture.services.door import origins, thanks
from nurture.services.door.admission import SignupArrival
from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.waiting_signups import waiting_signups
from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio, running
from tests.browser.website import Website, website

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
BUTTON, THANKED = "Get my guide", "Thank you"


@pytest.fixture
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A practice with two forms and nobody in its lists."""
    with running(tmp_path_factory.mktemp("hosted"), history=False) as studio:
        yield studio


@pytest.fixture
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A practice where one signup an hour is many."""
    directory = tmp_path_factory.mktemp("crowded")
    few = {"NURTURE_SIGNUPS_PER_FORM_HOUR": "1"}
    with running(directory, history=False, **few) as studio:
        yield studio


@pytest.fixture
def site() -> Iterator[Website]:
    """The website of another origin."""
    with website() as site:
        yield site


def fill_in(studio: Studio, page: Any, address: str) -> None:
    """Type an address into the form and press its button, after a while."""
    page.get_by_label("Email address").fill(address)
    studio.home.clock.advance(timedelta(seconds=20))
    page.get_by_role("button", name=BUTTON).click()


def allow(studio: Studio, site: Website) -> None:
    origins.add_origin(studio.home.context.database, site.url, studio.home.clock.now)


def said_by(page: Page) -> list[str]:
    """Return a list to which everything is added that the browser complains about."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(
    practice: Studio, browser: Browser, size: Any, scheme: Any
) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)
    said = said_by(page)

    def insist() -> None:
        assert faults(page) == []
        assert not is_too_wide(page)

    page.goto(f"{practice.url}/f/pain-guide")
    insist()
    page.locator("form").evaluate("form => form.noValidate = true")
    fill_in(practice, page, "anna@")
    expect(page.get_by_role("alert")).to_be_visible()
    insist()
    fill_in(practice, page, "anna@gmial.com")
    insist()
    page.get_by_role("button", name="Use anna@gmail.com").click()
    expect(page.get_by_role("heading")).to_have_text(THANKED)
    insist()
    page.goto(f"{practice.url}/f/nobody")
    insist()
    assert [one for one in said if "Failed to load resource" not in one] == []
    [person] = practice.home.rows(subscribers)
    assert person["address"] == "anna@gmail.com"


def test_the_form_works_without_javascript_and_by_keyboard(
    practice: Studio, browser: Browser
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{practice.url}/f/pain-guide?utm_source=poster")
    page.get_by_label("First name").press("Tab")
    page.keyboard.type("anna@example.org")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    practice.home.clock.advance(timedelta(seconds=20))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=THANKED).wait_for()
    [signup] = practice.home.rows(signups)
    assert signup["utm"] == {"utm_source": "poster"}
    assert "articles" in {row["purpose"] for row in practice.home.rows(consents)}


def test_while_many_come_the_browser_proves_itself_and_nobody_notices(
    crowded: Studio, browser: Browser
) -> None:
    page = browser.new_page(viewport=PHONE)
    said = said_by(page)
    crowded.home.subscribe("first@example.org", arrival=SignupArrival(visitor="127.0.0.1"))
    for number in range(2):
        page.goto(f"{crowded.url}/f/pain-guide")
        expect(page.get_by_text("Checked", exact=True)).to_be_visible(timeout=30_000)
        assert faults(page) == []
        assert not is_too_wide(page)
        fill_in(crowded, page, f"anna{number}@example.org")
        page.get_by_role("heading", name=THANKED).wait_for()
    assert said == []
    assert len(crowded.home.rows(signups)) == 3
    assert crowded.home.rows(waiting_signups) == []


def test_while_many_come_a_browser_without_scripts_is_accepted_and_waits(
    crowded: Studio, browser: Browser
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    for number in range(2):
        page.goto(f"{crowded.url}/f/pain-guide")
        fill_in(crowded, page, f"anna{number}@example.org")
        page.get_by_role("heading", name=THANKED).wait_for()
    assert [row["why"] for row in crowded.home.rows(waiting_signups)] == ["unproven"]


def test_a_script_puts_the_form_into_a_website_in_its_full_height(
    practice: Studio, site: Website, browser: Browser
) -> None:
    allow(practice, site)
    script = f'<script src="{practice.url}/f/embed.js" data-form="pain-guide" async></script>'
    site.pages["/free"] = script
    page = browser.new_page(viewport=PHONE)
    page.goto(f"{site.url}/free?utm_source=ad")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name=BUTTON).wait_for()
    height = "() => document.querySelector('iframe').clientHeight"
    page.wait_for_function(f"({height})() !== 704")
    inner = page.frames[1].evaluate("document.documentElement.scrollHeight")
    assert abs(page.evaluate(height) - inner) <= 1
    assert not is_too_wide(page)
    fill_in(practice, frame, "anna@example.org")
    frame.get_by_role("heading", name=THANKED).wait_for()
    assert page.url == f"{site.url}/free?utm_source=ad"
    [signup] = practice.home.rows(signups)
    assert signup["page_url"] == f"{site.url}/free"
    assert signup["utm"] == {"utm_source": "ad"}


def test_a_website_that_is_not_allowed_shows_an_empty_frame(
    practice: Studio, site: Website, browser: Browser
) -> None:
    site.pages["/free"] = f'<iframe src="{practice.url}/f/pain-guide?embed"></iframe>'
    page = browser.new_page()
    said = said_by(page)
    page.goto(f"{site.url}/free")
    page.wait_for_timeout(500)
    assert any("frame-ancestors" in one for one in said)
    assert page.frame_locator("iframe").get_by_role("button", name=BUTTON).count() == 0


def test_the_websites_own_thanks_take_the_place_of_the_whole_page(
    practice: Studio, site: Website, browser: Browser
) -> None:
    allow(practice, site)
    site.pages |= {
        "/free": f'<iframe src="{practice.url}/f/pain-guide?embed" height="900"></iframe>',
        "/merci": "Merci",
    }
    stored, now = practice.home.context.stored, practice.home.clock.now
    thanks.keep_thanks(*stored, "pain-guide", f"{site.url}/merci", now)
    page = browser.new_page()
    page.goto(f"{site.url}/free")
    fill_in(practice, page.frame_locator("iframe"), "anna@example.org")
    page.wait_for_url(f"{site.url}/merci")
    assert len(practice.home.rows(signups)) == 1


_FETCH = """async (url) => {
  const body = JSON.stringify({email: "anna@example.org"});
  const headers = {"Content-Type": "application/json", "Idempotency-Key": "one"};
  const answer = await fetch(url, {method: "POST", headers, body});
  return [answer.status, await answer.json()];
}"""


def test_a_script_posts_by_fetch_only_from_an_allowed_website(
    practice: Studio, site: Website, browser: Browser
) -> None:
    site.pages["/free"] = "A form of its own"
    page = browser.new_page()
    page.goto(f"{site.url}/free")
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate(_FETCH, f"{practice.url}/f/pain-guide")
    assert practice.home.rows(signups) == []
    allow(practice, site)
    answer = page.evaluate(_FETCH, f"{practice.url}/f/pain-guide")
    assert answer == [202, {"status": "accepted"}]
    assert len(practice.home.rows(signups)) == 1


def test_a_plain_form_elsewhere_is_refused_with_a_page_or_taken_in(
    practice: Studio, site: Website, browser: Browser
) -> None:
    site.pages["/free"] = (
        f'<form method="post" action="{practice.url}/f/pain-guide"><label>Email address '
        f'<input name="email"></label><button>{BUTTON}</button></form>'
    )
    page = browser.new_page()
    page.goto(f"{site.url}/free")
    fill_in(practice, page, "anna@example.org")
    expect(page.get_by_role("alert")).to_contain_text("press the button here")
    fill_in(practice, page, "anna@example.org")
    page.get_by_role("heading", name=THANKED).wait_for()
    allow(practice, site)
    page.goto(f"{site.url}/free")
    fill_in(practice, page, "berta@example.org")
    page.get_by_role("heading", name=THANKED).wait_for()
    assert len(practice.home.rows(subscribers)) == 2
