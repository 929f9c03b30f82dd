"""The pages' colours have enough contrast for everyone, in light and dark mode."""

import re
from pathlib import Path

import pytest

from tests.presence import at_least_one

ROOT = Path(__file__).parents[2]
STYLESHEET = (ROOT / "nurture/web/static/page.css").read_text()


TEXT_ON_GROUND = [
    ("--ink", "--paper"),
    ("--ink", "--sheet"),
    ("--ink", "--wash"),
    ("--ink", "--trouble-wash"),
    ("--ink-soft", "--paper"),
    ("--ink-soft", "--sheet"),
    ("--ink-soft", "--wash"),
    ("--accent", "--sheet"),
    ("--accent-strong", "--sheet"),
    ("--accent-strong", "--paper"),
    ("--accent-strong", "--wash"),
    ("--on-accent", "--accent"),
    ("--on-accent", "--accent-strong"),
]
EDGE_ON_GROUND = [
    ("--accent", "--paper"),
    ("--accent", "--wash"),
    ("--trouble", "--trouble-wash"),
]


def palette(scheme: str) -> dict[str, str]:
    light, dark = (
        dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", STYLESHEET, re.DOTALL)
    )
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}[scheme]


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1, as WCAG 2.2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_calculated_as_in_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_all_text_has_sufficient_contrast(scheme: str, text: str, ground: str) -> None:
    colours = palette(scheme)

    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGE_ON_GROUND)
def test_focus_and_state_have_sufficient_contrast(scheme: str, edge: str, ground: str) -> None:
    colours = palette(scheme)

    assert contrast(colours[edge], colours[ground]) >= 3


def test_each_colour_is_defined_once_and_used_by_name() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLESHEET, flags=re.DOTALL)
    used = set(re.findall(r"var\((--[\w-]+)\)", rules))

    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", rules)
    assert used == palette("light").keys()


def test_pages_and_emails_share_their_accent_colour() -> None:
    emails = (ROOT / "templates" / "emails" / "layout" / "head.mjml").read_text()

    assert palette("light")["--accent"] in emails
    assert palette("dark")["--accent"] in emails


def test_the_stylesheet_loads_nothing() -> None:
    assert "url(" not in STYLESHEET and "@import" not in STYLESHEET


@pytest.mark.parametrize("sheet", sorted((ROOT / "nurture/web/static").rglob("*.css")))
def test_every_rule_of_a_stylesheet_is_closed(sheet: Path) -> None:
    """A missing brace drops everything after it, and no browser reports that."""
    depth = 0
    for number, line in at_least_one(enumerate(sheet.read_text().splitlines(), 1)):
        depth += line.count("{") - line.count("}")
        assert depth >= 0, f"line {number} closes what was not opened"
        assert depth == 0 or not line.startswith("/* ---"), f"something is open at line {number}"
    assert depth == 0
