"""Weak colours are found wherever they occur, in light and dark mode, and nowhere else."""

import pytest

from nurture.rendering.lint.contrast import contrast, weak_contrasts

DARK = "@media (prefers-color-scheme: dark) {{ {} }}"


@pytest.mark.parametrize(
    ("colour", "background", "ratio"),
    [("#000", "#fff", 21.0), ("#777777", "#ffffff", 4.48), ("#fff", "#fff", 1.0)],
)
def test_the_contrast_matches_the_standard(colour: str, background: str, ratio: float) -> None:
    assert contrast(colour, background) == pytest.approx(ratio, abs=0.01)
    assert contrast(background, colour) == contrast(colour, background)


def found(html: str) -> list[tuple[str, bool]]:
    return [(weak.words, weak.dark) for weak in weak_contrasts(html)]


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color:#aaaaaa">weak</p>',
        '<div style="background:#333333"><p style="color:#555555">weak</p></div>',
        '<table bgcolor="#222222"><td>weak</td></table>',
        "<style>.a p { color: #bbb }</style><div class='a'><p>weak</p></div>",
    ],
)
def test_low_contrast_text_is_found_however_it_is_coloured(html: str) -> None:
    assert found(html) == [("weak", False), ("weak", True)]


def test_text_with_low_contrast_only_in_dark_mode_is_found() -> None:
    rule = DARK.format(".card { background: #111111 !important; }")
    html = f'<style>{rule}</style><div class="card" style="background:#fff">weak</div>'
    assert found(html) == [("weak", True)]
    both = DARK.format(".card { background: #111111 !important; color: #eeeeee !important; }")
    assert found(html.replace(rule, both)) == []


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color:#333333">strong</p>',
        '<p style="color:#888888;font-size:24px">large</p>',
        '<p style="display:none;font-size:1px;color:#ffffff">hidden</p>',
        "<style>.b p { color: #bbb }</style><div class='a'><p>another</p></div>",
        '<p style="color:rgb(1,2,3)">unknown</p>',
        "<style>p { content: 'x' }</style>",
    ],
)
def test_text_with_sufficient_contrast_is_not_reported(html: str) -> None:
    assert found(html) == []


@pytest.mark.parametrize("odd", ["a:not(.y)", "a:not(.y, .z)", "a::before", "a:%", "a:is(b,i)"])
def test_an_odd_selector_leaves_the_others_of_its_list_in_force(odd: str) -> None:
    weak = "<div style='background:#123456'><p>words</p></div>"
    good = f"<style>{odd}, p {{ color: #ffffff }}</style>{weak}"
    assert found(good) == []
    assert found(weak) == [("words", False), ("words", True)]
