"""Jinja tags pass the real MJML compiler unchanged, wherever MJML permits them."""

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mjml import mjml2html

from nurture.rendering.syntax.jinja_tags import JinjaTagError
from nurture.rendering.syntax.masks import mask_jinja, unmask_jinja

SECTION = "<mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section>"

#: A document per place; the tag under test stands where the bar is.
PLACES = {
    "text": "<mj-text><p>Hello |</p></mj-text>",
    "an address": '<mj-button href="|">Go</mj-button>',
    "a quoted address": "<mj-button href='https://example.org/?a=|&b=2'>Go</mj-button>",
    "an image's address": '<mj-image src="|" alt="" />',
    "a description": '<mj-image src="a.png" alt="Two | three" />',
    "a style value": '<mj-text color="|">Hello</mj-text>',
    "a measure": '<mj-text padding="| 10px">Hello</mj-text>',
    "an HTML style": '<mj-text><p style="color: |; margin: 0">Hello</p></mj-text>',
    "an HTML tag": '<mj-text><p | id="a">Hello</p></mj-text>',
    "the end of an HTML tag": "<mj-text><p |>Hello</p></mj-text>",
    "an HTML comment": "<mj-text>Hello<!-- | --></mj-text>",
    "a table": "<mj-table>|<tr><td>|</td></tr></mj-table>",
    "raw HTML": "<mj-raw><tr><td>|</td></tr></mj-raw>",
    "between parts of a column": "<mj-text>a</mj-text>|<mj-divider />|",
    "between icons": '<mj-social>|<mj-social-element name="x" href="h">X</mj-social-element>|'
    "</mj-social>",
    "between links": '<mj-navbar>|<mj-navbar-link href="h">X</mj-navbar-link></mj-navbar>',
    "in an accordion": "<mj-accordion>|<mj-accordion-element><mj-accordion-title>a"
    "</mj-accordion-title></mj-accordion-element>|</mj-accordion>",
    "an accordion's title": "<mj-accordion><mj-accordion-element><mj-accordion-title>|"
    "</mj-accordion-title></mj-accordion-element></mj-accordion>",
}
FRAMES = {
    "between sections": f"<mjml><mj-body>|{SECTION}|{SECTION}|</mj-body></mjml>",
    "between columns": "<mjml><mj-body><mj-section>|<mj-column></mj-column>|<mj-column>"
    "</mj-column>|</mj-section></mj-body></mjml>",
    "between columns of a group": "<mjml><mj-body><mj-section><mj-group>|<mj-column>"
    "</mj-column>|</mj-group></mj-section></mj-body></mjml>",
    "in a wrapper": f"<mjml><mj-body><mj-wrapper>|{SECTION}|</mj-wrapper></mj-body></mjml>",
    "in a hero": "<mjml><mj-body><mj-hero>|<mj-text>a</mj-text>|</mj-hero></mj-body></mjml>",
    "in the head": f"<mjml><mj-head>|<mj-title>a</mj-title></mj-head><mj-body>{SECTION}"
    "</mj-body></mjml>",
    "the title": f"<mjml><mj-head><mj-title>|</mj-title></mj-head><mj-body>{SECTION}"
    "</mj-body></mjml>",
    "the preview": f"<mjml><mj-head><mj-preview>|</mj-preview></mj-head><mj-body>{SECTION}"
    "</mj-body></mjml>",
    "a style sheet": f"<mjml><mj-head><mj-style>a {{ | }}</mj-style></mj-head><mj-body>{SECTION}"
    "</mj-body></mjml>",
    "a default": '<mjml><mj-head><mj-attributes><mj-text color="|" /></mj-attributes></mj-head>'
    f"<mj-body>{SECTION}</mj-body></mjml>",
}
EVERY_PLACE = FRAMES | {
    name: f"<mjml><mj-body><mj-section><mj-column>{part}</mj-column></mj-section></mj-body></mjml>"
    for name, part in PLACES.items()
}
TAGS = [
    "{{ name }}",
    "{% if a < b %}",
    "{{ 'a && b' }}",
    "{{ \"}}\" ~ '%}' }}",
    "{{ url(\"https://example.org/?a=1&b=2\") | default('<none>') }}",
    "{#- <mj-section> & \"quotes' -#}",
    "{%- set x = {'a': {'b': 1}} -%}",
    "{{ '>' }}",
    "{{ 'Żółć — 😀' }}",
    "{%\n  if first\n  and second\n%}",
]


def compiled(source: str) -> str:
    """Return the source as it leaves the compiler, with its tags restored."""
    masked, tags = mask_jinja(source)
    html: str = mjml2html(masked, fonts={})
    return unmask_jinja(html, tags)


@pytest.mark.parametrize("place", EVERY_PLACE)
@pytest.mark.parametrize("tag", TAGS)
def test_a_jinja_tag_survives_compilation_unchanged(place: str, tag: str) -> None:
    source = EVERY_PLACE[place]
    html = compiled(source.replace("|", tag))
    is_dropped = place == "in the head" and tag.startswith("{#")
    assert html.count(tag) >= (0 if is_dropped else source.count("|"))
    assert "qjinja" not in html


@pytest.mark.parametrize("place", EVERY_PLACE)
def test_a_tag_appears_where_plain_text_would(place: str) -> None:
    wrap = {"in the head": "<mj-raw>{}</mj-raw>"}.get(place, "{}")
    if place in ("between icons", "between links", "in an accordion"):
        wrap = "<!--{}-->"
    source = EVERY_PLACE[place]
    expected = mjml2html(source.replace("|", wrap.format("PLAIN")), fonts={})
    html = compiled(source.replace("|", "{{ tag }}")).replace("{{ tag }}", "PLAIN")
    assert html == expected.replace("<!--PLAIN-->", "PLAIN")


def rendered(template: str, **values: object) -> str:
    return jinja2.Environment(keep_trailing_newline=True).from_string(template).render(values)


@given(st.lists(st.booleans(), max_size=5), st.sampled_from(["section", "wrapper", "text"]))
def test_a_condition_around_parts_has_the_same_effect_before_and_after_compiling(
    shown: list[bool], kind: str
) -> None:
    part = {
        "section": SECTION,
        "wrapper": f"<mj-wrapper>{SECTION}</mj-wrapper>",
        "text": f"{SECTION}<mj-section><mj-column><mj-text>b</mj-text></mj-column></mj-section>",
    }[kind]
    conditions = "".join(
        f"{{% if {number} < limit or shown[{number}] %}}\n{part}\n{{% else %}}{{% endif %}}"
        for number in range(len(shown))
    )
    source = f"<mjml><mj-body>{SECTION}{part}{conditions}</mj-body></mjml>"
    after = rendered(compiled(source), shown=shown, limit=0)
    before = mjml2html(rendered(source, shown=shown, limit=0), fonts={})
    assert "".join(after.split()) == "".join(before.split())


@pytest.mark.parametrize("links", [[], ["https://a.example"], ["https://a.example"] * 3])
def test_a_loop_over_icons_makes_an_icon_for_each_and_closes_every_element(
    links: list[str],
) -> None:
    icon = '<mj-social-element name="web" href="{{ link }}">F</mj-social-element>'
    loop = f"<mj-social>{{% for link in links %}}{icon}{{% endfor %}}</mj-social>"
    source = EVERY_PLACE["text"].replace("<mj-text><p>Hello |</p></mj-text>", loop)
    html = rendered(compiled(source), links=links)
    assert html.count(">F</a>") == len(links)
    assert html.count("<table") == html.count("</table>")
    assert html.count("<td") == html.count("</td>")


def test_a_condition_among_html_attributes_has_the_same_effect_after_compiling() -> None:
    link = '<a href="h" {% if wide %} class="wide" {% endif %} id="x">a</a>'
    html = compiled(EVERY_PLACE["text"].replace("Hello |", link))
    assert tag_of_link(html, wide=True) == '<a href="h" class="wide" id="x">'
    assert tag_of_link(html, wide=False) == '<a href="h" id="x">'


def tag_of_link(html: str, *, wide: bool) -> str:
    after = rendered(html, wide=wide)
    start = after.index("<a href")
    return " ".join(after[start : after.index(">", start) + 1].split())


@pytest.mark.parametrize(
    "source",
    [
        f"{{# A note. #}}\n<mjml><mj-body>{SECTION}</mj-body></mjml>\n{{# The end. #}}",
        f"<mjml>{{# A note. #}}<mj-body>{SECTION}</mj-body></mjml>",
        f"<mjml><mj-head>\n{{# A note. #}}\n</mj-head><mj-body>{SECTION}</mj-body></mjml>",
    ],
)
def test_a_jinja_comment_outside_the_body_is_dropped_harmlessly(source: str) -> None:
    assert rendered(compiled(source)) == compiled(rendered(source))


MARKUP = ["<mj-head>", "</mj-head>", "<mj-raw>", "</mj-raw>", "<mj-social>", "<!--", "-->"]
LOOKALIKES = ["qjinja0n", "qjinja1h", "<mj-raw>qjinja0h</mj-raw>", "<!--qjinja0c-->"]
CRUMBS = [
    "<p a='",
    '">',
    "qjinja",
    "q",
    "jinja0n",
    "0",
    "n",
    "\r\n",
    "\r",
    "\n",
    " ",
    "}",
    "<",
    "é",
]
PIECES = st.sampled_from(TAGS + MARKUP + LOOKALIKES + CRUMBS)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_masking_and_unmasking_restores_the_source(source: str) -> None:
    assert unmask_jinja(*mask_jinja(source)) == source


@given(st.text(max_size=40))
def test_masking_and_unmasking_changes_no_text_at_all(text: str) -> None:
    try:
        masked, tags = mask_jinja(text)
    except JinjaTagError:
        return
    assert unmask_jinja(masked, tags) == text


@given(st.lists(PIECES, max_size=12).map("".join))
def test_the_compiler_sees_no_jinja_tag(source: str) -> None:
    masked, tags = mask_jinja(source)
    assert "{{" not in masked and "{%" not in masked and "{#" not in masked
    assert [tag for tag in tags if tag.startswith("{")] == [
        tag for tag in tags if not tag.startswith("qjinja")
    ]


def test_everything_between_raw_and_endraw_is_text() -> None:
    source = EVERY_PLACE["text"].replace("|", "{% raw %}{{ not a tag }}{% endraw %}")
    _, tags = mask_jinja(source)
    assert tags == ["{% raw %}", "{% endraw %}"]
    assert "Hello {{ not a tag }}" in rendered(compiled(source))


def test_text_that_looks_like_a_placeholder_stays_text() -> None:
    source = EVERY_PLACE["text"].replace("|", "qjinja0n {{ name }} qjinja1n")
    assert "Hello qjinja0n {{ name }} qjinja1n" in compiled(source)


def test_an_unknown_placeholder_is_left_unchanged() -> None:
    assert unmask_jinja("qjinja7n", ["{{ name }}"]) == "qjinja7n"


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        ("<p>{{ name </p>", 3),
        ("{{ a }} {% if 'x %}", 8),
        ("a {# note", 2),
        ("{{ a }}{{ (b }}", 7),
        ("{{ a ? b }}", 0),
    ],
)
def test_an_unterminated_tag_is_refused_with_its_place(source: str, offset: int) -> None:
    with pytest.raises(JinjaTagError, match="This Jinja tag") as refused:
        mask_jinja(source)
    assert refused.value.offset == offset
