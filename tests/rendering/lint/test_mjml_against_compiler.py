"""The linter finds whatever the MJML compiler refuses, loses or spoils, in any source."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from nurture.rendering.lint.mjml import lint_mjml
from nurture.rendering.syntax.masks import mask_jinja
from tests.rendering.lint.mjml_sources import SOUND, column, compiled, refusal

PIECES = ["<", ">", "/", '"', "'", " ", "=", "&", "x", "\n", "\r\n", "--", "<!--", "-->"]
PIECES += ["<p>", "</p>", "<b", "<br>", "</br>", "<tr>", "</mj-column>", "<mj-section>", "</mjml>"]
PIECES += ["<mj-divider/>", "{{ q }}", "{% if q %}", "{# c #}", "{{", "%}", "<![endif]-->", "]"]
EDITS = st.tuples(
    st.integers(0, len(SOUND)), st.integers(0, 12), st.sampled_from(["", "", *PIECES])
)


@given(st.lists(EDITS, min_size=1, max_size=3))
def test_the_linter_finds_everything_the_compiler_refuses(
    edits: list[tuple[int, int, str]],
) -> None:
    source = SOUND
    for at, length, piece in edits:
        source = source[:at] + piece + source[at + (0 if piece else length) :]
    assert lint_mjml(source) or refusal(source) is None


@given(st.lists(EDITS, min_size=1, max_size=3))
def test_no_tag_is_lost_if_the_linter_finds_nothing(edits: list[tuple[int, int, str]]) -> None:
    source = SOUND
    for at, length, piece in edits:
        source = source[:at] + piece + source[at + (0 if piece else length) :]
    assert lint_mjml(source) or lost_tags(source) == []


def lost_tags(source: str) -> list[str]:
    """Return the tags, other than comments, that the compiler drops."""
    masked, tags = mask_jinja(source)
    html = compiled(masked)
    return [
        tag
        for number, tag in enumerate(tags)
        if not (re.search(rf"qjinja{number}[nhc]", html) or tag.startswith("{#"))
    ]


@given(st.text(max_size=60) | st.lists(st.sampled_from([*PIECES, SOUND[:200]])).map("".join))
def test_no_source_makes_the_linter_crash_or_point_outside_it(source: str) -> None:
    lines = source.split("\n")
    places = [(finding.line, finding.column) for finding in lint_mjml(source)]
    assert all(1 <= line <= len(lines) for line, _ in places)
    assert all(1 <= column <= len(lines[line - 1]) + 1 for line, column in places)


#: Latin, Greek, Cyrillic, Hebrew and Arabic, punctuation, symbols, and what makes emoji.
CHARACTERS = [
    chr(code)
    for code in itertools.chain(range(32, 0x900), range(0x2000, 0x2C00), range(0xFE00, 0xFE10))
]


def test_the_linter_reports_every_character_the_compiler_corrupts() -> None:
    """Letters added to Unicode since the compiler was built are excluded."""
    seen = {ch: f'alt="{ch}"' in written_out(ch) for ch in CHARACTERS if ch not in '"<>'}
    believed = {ch: not lint_mjml(image(ch)) for ch in seen}
    wrong = [ch for ch in seen if believed[ch] and not seen[ch]]
    assert wrong == []
    assert sum(believed[ch] != seen[ch] for ch in seen) < len(seen) / 100


def image(alt: str) -> str:
    return column(f'<mj-image src="s" alt="{alt}" />')


def written_out(alt: str) -> str:
    return compiled(image(alt))
