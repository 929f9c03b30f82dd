"""The sample guides open, say that they are samples, and match their sources."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pypdf import PdfReader

from tests.presence import at_least_one

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
TITLES = {
    "pain-guide": "9 key principles to help you recover from pain and injury",
    "over-50-guide": "Everything you need to know about exercise at 50 and beyond",
}
A4_IN_POINTS = (595, 842)

pytestmark = pytest.mark.parametrize("key", TITLES)


def guide(key: str) -> Path:
    return TEMPLATES / "emails" / key / "guide.pdf"


def catalogue(key: str) -> Any:
    """Return the PDF's root object, for which pypdf has no closer type."""
    return PdfReader(guide(key)).trailer["/Root"]


def maker() -> ModuleType:
    source = TEMPLATES / "guides" / "make_sample_guides.py"
    spec = importlib.util.spec_from_file_location("make_sample_guides", source)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_guide_is_a_few_a4_pages_and_small_enough_for_a_phone(key: str) -> None:
    pages = PdfReader(guide(key)).pages
    assert 4 <= len(pages) <= 6
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in pages} == {
        A4_IN_POINTS
    }
    assert guide(key).stat().st_size < 200 * 1024


def test_every_page_says_that_it_is_a_sample(key: str) -> None:
    for page in at_least_one(PdfReader(guide(key)).pages):
        assert "Sample: to be replaced by the practice’s own guide" in page.extract_text()


def test_the_last_page_gives_the_address_of_the_practice(key: str) -> None:
    last = PdfReader(guide(key)).pages[-1].extract_text()
    for fact in (
        "Human Movement",
        "30 Cannon Street",
        "London EC4M 6XH",
        "+44 020 7183 1164",
        "paul@human-movement.com",
        "human-movement.com",
    ):
        assert fact in last


def test_a_guide_has_the_title_the_form_promised(key: str) -> None:
    metadata = PdfReader(guide(key)).metadata
    assert metadata is not None
    assert metadata.title == TITLES[key]
    assert metadata.author == "Human Movement"


def test_a_guide_is_tagged_for_screen_readers_in_british_english(key: str) -> None:
    """PDF/UA (ISO 14289-1), clauses 7.1 and 7.2: tags, the title shown, a language."""
    root = catalogue(key)
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/StructTreeRoot" in root
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


def test_every_font_is_embedded_in_the_guide(key: str) -> None:
    pages: list[Any] = list(PdfReader(guide(key)).pages)
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()
        for page in pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all("/FontFile3" in font["/FontDescriptor"] for font in fonts)


def test_the_committed_guide_equals_the_scripts_output_byte_for_byte(
    key: str, tmp_path: Path
) -> None:
    written = {path.parent.name: path for path in maker().make_sample_guides(tmp_path)}
    assert written[key].read_bytes() == guide(key).read_bytes(), "run make_sample_guides.py"
