"""Faults of the page shown in a browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def faults(page: Page) -> list[str]:
    """Return what axe finds on the open page, one line for each place.

    Emails are shown in frames in which nothing can run, including axe.
    """
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def is_too_wide(page: Page) -> bool:
    """Return whether the page must be scrolled sideways (WCAG 2.2, 1.4.10)."""
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide
