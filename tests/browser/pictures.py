"""Pictures of the studio's pages, from an installation with a history: `make pictures`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.browser.studio import CHROMIUM_ARGUMENTS, Studio, chromium, running

PICTURES = Path(__file__).parents[2] / "docs/pictures"

#: What each picture is called, and the page it is of.
SHOWN = {
    "today": "/studio/",
    "sequence": "/studio/sequences/pain-guide#way",
    "email": "/studio/emails/pain-guide/german-approach-to-back-pain",
    "person": "/studio/people/20",
    "segment-builder": "/studio/segments/gone-quiet/edit",
    "website": "/studio/settings/website/pain-guide",
}
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
AT_MOST = 200 * 1024


def take(browser: Browser, studio: Studio, directory: Path) -> None:
    """Take every picture, in light and dark mode, at phone and desktop size."""
    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():
            page = browser.new_page(viewport=viewport, color_scheme=scheme)
            studio.sign_in(page)
            for name, path in SHOWN.items():
                page.goto(studio.url + path, wait_until="networkidle")
                picture = directory / f"studio-{name}-{size}-{scheme}.png"
                page.screenshot(path=picture)
                assert picture.stat().st_size < AT_MOST, f"{picture} is too large to keep"
            page.close()


def main() -> None:
    """Fill an installation, serve it and take the pictures."""
    with (
        TemporaryDirectory() as directory,
        running(Path(directory)) as studio,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        take(browser, studio, PICTURES)
        browser.close()


if __name__ == "__main__":
    main()
