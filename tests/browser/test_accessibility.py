"""Every page is accessible: axe finds nothing, in light and dark mode, small and large."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import faults, is_too_wide
from tests.browser.studio import Studio, visit_all
from tests.presence import at_least_one

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
OUTSIDE = ("/studio/sign-in", "/studio/welcome/spent")


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Light and dark mode."""
    return str(request.param)


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page_of_size(request: pytest.FixtureRequest, browser: Browser, scheme: str) -> Page:
    """Open a window of that size in that colour scheme."""
    return browser.new_page(viewport=request.param, color_scheme=scheme)


def test_every_studio_page_is_accessible(studio: Studio, page_of_size: Page) -> None:
    said: list[str] = []
    page_of_size.on("console", lambda message: said.append(message.text))
    studio.sign_in(page_of_size)
    for path in at_least_one(visit_all(page_of_size, studio.url)):
        assert faults(page_of_size) == [], path
        assert not is_too_wide(page_of_size), path
    assert said == []


def test_every_public_page_is_accessible(studio: Studio, page_of_size: Page) -> None:
    for path in OUTSIDE:
        page_of_size.goto(studio.url + path)
        assert faults(page_of_size) == [], path
        assert not is_too_wide(page_of_size), path
