"""The linter finds what the MJML compiler rejects, ignores or gets wrong, and says where."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mjml import mjml2html

from nurture.rendering.lint.mjml import LintProblem, lint_mjml
from nurture.rendering.syntax.components import Component, components
from nurture.rendering.syntax.jinja_tags import JinjaTagError
from nurture.rendering.syntax.masks import mask_jinja

SOUND = """\
{# The welcome. #}
<mjml lang="en-GB">
  <mj-head>
    <mj-title>{{ subject }}</mj-title>
    {# Colours are shared. #}
    <mj-attributes>
      <mj-all color="#123456" font-family="Georgia, serif" />
      <mj-class name="card" padding="1px 2px" />
      <mj-image padding="0" />
    </mj-attributes>
    <mj-style>p > a { margin: 0 } {% if a < b %}.x { content: "\\201c" }{% endif %}</mj-style>
  </mj-head>
  <mj-body width="600px">
    <!-- The greeting. -->
    {% if a < b and c == "d" %}
    <mj-section css-class="card" mj-class="card" background-color="{{ '}}' or '<' }}">
      <mj-column>
        <mj-text><p class="{{ x }}" {% if y %} id="z" {% endif %}>Hi <br /> &amp; {{
          name }}</p><ul><li>&nbsp;<a href="{{ link }}">a</a></li></ul></mj-text>
        <mj-button href="{{ url("x", 'y') }}">Go <b>now</b></mj-button>
        <mj-image src="a.png" alt="" />
        <mj-table><tr><td>Żółć &gt; a > 😀</td></tr></mj-table>
        <mj-social>
          {% for link in links %}
          <mj-social-element name="facebook" href="{{ link }}">F</mj-social-element>
          {% endfor %}
        </mj-social>
        <mj-raw><!--[if mso]><table><![endif]--><!--[if mso]></table><![endif]--></mj-raw>
      </mj-column>
    </mj-section>
    {% else %}
    <mj-raw>{% endif %}</mj-raw>
  </mj-body>
</mjml>
"""


def body(content: str) -> str:
    return f"<mjml>\n<mj-body>\n{content}\n</mj-body>\n</mjml>"


def column(content: str) -> str:
    return body(f"<mj-section><mj-column>\n{content}\n</mj-column></mj-section>")


def head(content: str) -> str:
    return f"<mjml>\n<mj-head>\n{content}\n</mj-head>\n<mj-body></mj-body></mjml>"


def compiled(source: str) -> str:
    html: str = mjml2html(source, fonts={})
    return html


def refusal(source: str) -> BaseException | None:
    """Return the compiler's objection to the source; its panics are not ordinary exceptions."""
    try:
        mjml2html(mask_jinja(source)[0], fonts={})
    except JinjaTagError as error:
        return error
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            return error
        raise
    return None


def test_a_valid_email_has_no_findings_and_compiles() -> None:
    assert [str(finding) for finding in lint_mjml(SOUND)] == []
    assert refusal(SOUND) is None


def test_a_finding_is_one_line_with_its_place_and_remedy() -> None:
    finding = LintProblem(7, 5, "unknown element <mj-txt>", "did you mean <mj-text>?")
    expected = "line 7, column 5: unknown element <mj-txt>; did you mean <mj-text>?"
    assert str(finding) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Elements
        (column("  <mj-txt>a</mj-txt>"), "4, 3: unknown element <mj-txt>; did you mean <mj-text>?"),
        (
            column("<MJ-Text>a</MJ-Text>"),
            "4, 1: unknown element <MJ-Text>; did you mean <mj-text>?",
        ),
        (body("<mj-qqqqqq />"), "3, 1: unknown element <mj-qqqqqq>; leave it out"),
        (
            body('<mj-include path="layout/foot.mjml" />'),
            "3, 1: unknown include layout/foot.mjml; check the path of the part",
        ),
        # Places
        (
            body("<mj-column></mj-column>"),
            "3, 1: <mj-column> may not stand in <mj-body>; put it in <mj-group> or <mj-section>",
        ),
        (
            column("<mj-section></mj-section>"),
            "4, 1: <mj-section> may not stand in <mj-column>; put it in <mj-body> or <mj-wrapper>",
        ),
        (
            column("<mj-text>\n <mj-divider /></mj-text>"),
            "5, 2: <mj-divider> may not stand in <mj-text>; put it in <mj-column> or <mj-hero>",
        ),
        (
            body("<mj-style>p { margin: 0 }</mj-style>"),
            "3, 1: <mj-style> may not stand in <mj-body>; put it in <mj-head>",
        ),
        (
            body("<p>a</p>"),
            "3, 1: <p> may not stand in <mj-body>; put it in <mj-text> or <mj-raw>",
        ),
        (
            head("<mj-title><b>a</b></mj-title>"),
            "3, 11: <b> may not stand in <mj-title>; only plain text may stand there",
        ),
        (body("  Hello"), "3, 3: text may not stand in <mj-body>; put it in <mj-text>"),
        (
            column("<mj-spacer>a</mj-spacer>"),
            "4, 12: text may not stand in <mj-spacer>; put it in <mj-text>",
        ),
        ("Hello\n" + body(""), "1, 1: text outside <mjml>; put it in <mj-text>"),
        # The frame
        ("", "1, 1: no <mjml> around the email; write <mjml> … </mjml> around it"),
        (
            "\n<mjml></mjml>",
            "2, 1: <mjml> without <mj-body>; the email's content belongs in <mj-body>",
        ),
        (
            "<mjml><mj-body></mj-body>\n<mj-body></mj-body></mjml>",
            "2, 1: a second <mj-body>; the compiler uses one: merge them",
        ),
        # Tags
        (
            column("<mj-text>a"),
            "4, 1: <mj-text> is not closed; write </mj-text> before </mj-column>",
        ),
        (
            column("<mj-text>\n<p>a</mj-text>"),
            "5, 1: <p> is not closed; write </p> before </mj-text>",
        ),
        (column("<mj-text>a</b></mj-text>"), "4, 11: </b> closes nothing; <mj-text> is open here"),
        (
            column("<mj-text>a</mj-txt>"),
            "4, 11: unknown closing tag </mj-txt>; did you mean </mj-text>?",
        ),
        (
            column("<mj-text>a<br></br></mj-text>"),
            "4, 15: <br> has no closing tag; leave </br> out",
        ),
        (column("<mj-text>a<BR></mj-text>"), "4, 11: <BR> in capital letters; write <br>"),
        (column("<mj-text>a < b</mj-text>"), "4, 12: a bare <; write &lt;"),
        (
            column("<mj-text align=left>a</mj-text>"),
            '4, 10: the value of align stands without quotes; write align="…"',
        ),
        (
            column('<mj-text align="left>a</mj-text>'),
            "4, 10: the value of align has no closing quote; close it",
        ),
        (
            column('<mj-text align="left>a</mj-text>\n<mj-text color="red">b</mj-text>'),
            "4, 10: the value of align has no closing quote; close it",
        ),
        (
            column('<mj-text align="left"color="red">a</mj-text>'),
            "4, 22: no space between two attributes; put a space here",
        ),
        (
            column("<mj-text><!-- a -- b --></mj-text>"),
            "4, 10: a comment with -- inside; write a single hyphen or a dash",
        ),
        (column("<mj-text><!-- a"), "4, 10: a comment without an end; close it with -->"),
        (
            column("<mj-raw><!--[if mso]]></mj-raw>"),
            "4, 9: a condition the compiler cannot read; write <!--[if mso]> … <![endif]-->",
        ),
        (
            "<!doctype html>\n" + body(""),
            "1, 1: a declaration the compiler cannot read; leave it out",
        ),
        # Attributes
        (
            column('<mj-text colour="red">a</mj-text>'),
            "4, 10: unknown attribute colour on <mj-text>; did you mean color?",
        ),
        (
            column('<mj-text\n  color="red"\n  qqq="1">a</mj-text>'),
            "6, 3: unknown attribute qqq on <mj-text>; leave it out",
        ),
        (
            column('<mj-text font-size="17">a</mj-text>'),
            '4, 10: font-size="17" on <mj-text> has the wrong form; write 10px',
        ),
        (
            column('<mj-text padding="1px 2px 3px 4px 5px">a</mj-text>'),
            (
                '4, 10: padding="1px 2px 3px 4px 5px" on <mj-text> has the wrong form; '
                "write 10px or 10%, up to four of them"
            ),
        ),
        (
            column('<mj-text color="gren">a</mj-text>'),
            '4, 10: color="gren" on <mj-text> has the wrong form; write a colour such as #1f4e5f',
        ),
        (
            column('<mj-text align="middle">a</mj-text>'),
            (
                '4, 10: align="middle" on <mj-text> has the wrong form; '
                "write one of left, right, center, justify"
            ),
        ),
        (
            column('<mj-image src="s" alt="" fluid-on-mobile="yes" />'),
            '4, 26: fluid-on-mobile="yes" on <mj-image> has the wrong form; write true or false',
        ),
        (
            column('<mj-table cellpadding="1px"><tr></tr></mj-table>'),
            '4, 11: cellpadding="1px" on <mj-table> has the wrong form; write a whole number',
        ),
        (
            column('<mj-table role="none"><tr></tr></mj-table>'),
            "4, 11: the compiler ignores role on <mj-table>; leave it out",
        ),
        (
            column('<mj-text color="red" color="blue">a</mj-text>'),
            "4, 22: color stands twice on <mj-text>; the last one counts: leave the other out",
        ),
        (column("<mj-text align>a</mj-text>"), '4, 10: align without a value; write align="…"'),
        (
            column("""<mj-image src="s" alt='say "a"' />"""),
            "4, 19: the compiler spoils the quotation mark in the value of alt; write &quot;",
        ),
        (
            column('<mj-text><p style="color: red;\n margin: 0">a</p></mj-text>'),
            (
                "4, 13: the compiler spoils the line break in the value of style; "
                "write the value on one line"
            ),
        ),
        (
            column('<mj-image src="s" alt="a\u00a0b" />'),
            "4, 19: the compiler spoils the no-break space in the value of alt; write &#160;",
        ),
        (
            column("<mj-text>“Café > menu”</mj-text>"),
            "4, 16: the compiler breaks on the > after 'é '; write &gt;",
        ),
        (
            column("<mj-text><p>“Café”> menu</p></mj-text>"),
            "4, 19: the compiler breaks on the > after 'é”'; write &gt;",
        ),
        (column("<mj-text>a ]]> b</mj-text>"), "4, 14: the compiler refuses ]]>; write ]]&gt;"),
        # Missing
        (
            column('<mj-image src="s" />'),
            (
                '4, 1: <mj-image> without alt; describe the image in alt="…", '
                'or write alt="" for mere decoration'
            ),
        ),
        (
            column('<mj-text><img src="s"></mj-text>'),
            (
                '4, 10: <img> without alt; describe the image in alt="…", '
                'or write alt="" for mere decoration'
            ),
        ),
        (
            column("<mj-button>Go</mj-button>"),
            '4, 1: <mj-button> without href; say where the button leads in href="…"',
        ),
        (
            column('<mj-text><a href="">Go</a></mj-text>'),
            '4, 10: <a> without href; say where the link leads in href="…"',
        ),
        # The head
        (
            head('<mj-style inline="inline">p { margin: 0 }</mj-style>'),
            "3, 11: the compiler ignores inline on <mj-style>; leave it out",
        ),
        (
            head("<mj-style>\na { content: '→' }</mj-style>"),
            "4, 15: '→' in <mj-style>, where only ASCII is safe in mail; write \\2192 in the CSS",
        ),
        (
            head(
                '<mj-html-attributes><mj-selector path=".a"><mj-html-attribute name="b">c'
                "</mj-html-attribute></mj-selector></mj-html-attributes>"
            ),
            (
                "3, 1: the compiler refuses <mj-html-attributes>; "
                "write the attributes where they belong, inside <mj-text> or <mj-raw>"
            ),
        ),
        (
            head("<mj-attributes>\n<!-- a --></mj-attributes>"),
            "4, 1: a comment may not stand in <mj-attributes>; put it before or after",
        ),
        (
            head("<mj-title>a</mj-title> \n<mj-preview>b</mj-preview>"),
            (
                "3, 23: a space after an element in <mj-head>, which the compiler refuses; "
                "end the line without it"
            ),
        ),
        (
            head("<mj-title>a</mj-title>\r\n<mj-preview>b</mj-preview>"),
            (
                "3, 23: a carriage return in <mj-head>, which the compiler refuses; "
                "end the line without it"
            ),
        ),
        (
            head("<mj-attributes>\n<mj-class color='red' /></mj-attributes>"),
            '4, 1: <mj-class> without name; give the class a name in name="…"',
        ),
        # Conditional comments
        (
            body("<!--[if mso]><![endif]-->"),
            "3, 1: a conditional comment may not stand in <mj-body>; put it in <mj-raw>",
        ),
        (
            column("<mj-button href='h'>a<b><!--[if mso]><![endif]--></b></mj-button>"),
            "4, 25: a conditional comment may not stand in <mj-button>; put it in <mj-raw>",
        ),
        # Jinja
        (
            column("\n{{ name </mj-text>"),
            "5, 1: This Jinja tag has no end.; Check its brackets, quotes and end.",
        ),
        (
            column("<mj-text {% if a %} color='red' {% endif %}>a</mj-text>"),
            "4, 10: a Jinja tag among the attributes of <mj-text> is lost; put it inside a value",
        ),
        (
            body('<mj-section><mj-column width="{{ width }}px"></mj-column></mj-section>'),
            (
                "3, 31: a Jinja tag in width of <mj-column> is lost; "
                "the compiler computes with it: write a fixed value"
            ),
        ),
        (
            "{% set a = 1 %}\n" + body(""),
            "1, 1: a Jinja tag may not stand outside <mjml>; put it in <mj-body>",
        ),
        (
            head("{% if a %}\n<mj-title>a</mj-title>\n{% endif %}"),
            (
                "3, 1: a Jinja tag directly in <mj-head> is moved to the head's end; "
                "put it inside <mj-style> or in <mj-body>"
            ),
        ),
        (
            head("<mj-attributes>\n{{ defaults }}\n</mj-attributes>"),
            "4, 1: a Jinja tag may not stand in <mj-attributes>; put it outside",
        ),
        (
            body("<mj-wrapper>{{ greeting }}</mj-wrapper>"),
            (
                "3, 13: what stands directly in <mj-wrapper> is shown by Outlook alone; "
                "put it in <mj-text>"
            ),
        ),
        (
            body("{% if a %}<mj-section>{% endif %}</mj-section>"),
            (
                "3, 23: {% endif %} stands in another element than its {% if %}; "
                "put both in the same element"
            ),
        ),
        (
            column('<mj-text><p class="{% if a %}b">{% else %}c{% endif %}</p></mj-text>'),
            (
                "4, 33: {% else %} stands in another element than its {% if %}; "
                "put both in the same element"
            ),
        ),
        (
            column('<mj-text><p {{ a }}class="a"{{ b }}>a</p></mj-text>'),
            "4, 29: no space between two attributes; put a space here",
        ),
    ],
)
def test_a_mistake_is_reported_at_its_line_and_column(source: str, expected: str) -> None:
    assert f"line {expected}".replace(", ", ", column ", 1) == str(lint_mjml(source)[0])


@pytest.mark.parametrize(
    "source",
    [
        column('<mj-text color="{{ colour }}" padding="{{ p }} {{ q }}">a</mj-text>'),
        column('<mj-text align="{% if a %}left{% else %}right{% endif %}">a</mj-text>'),
        column('<mj-button href="{% if a < b %}x{% endif %}">Go</mj-button>'),
        column("<mj-text><a {{ attributes }}>Go</a></mj-text>"),
        column("<mj-text><p {% if a %}class='b' {% endif %}>Go</p></mj-text>"),
        column('<mj-text><p title="{{ "a\\nb" }}\u2019">Go</p></mj-text>'),
        column('<mj-text><p title="{{\n a }}">Go</p></mj-text>'),
        column("<mj-text>{{ a }} & b > c &copy; “é” 😀\u00a0</mj-text>"),
        column("<mj-text><P>Go</p><img src='a' alt=''></mj-text>"),
        column('<mj-text color="RED" line-height="1.5" letter-spacing="-1px">a</mj-text>'),
        column('<mj-text color="rgba(0, 0, 0, .5)" padding="0 10% .5px">a</mj-text>'),
        column('<mj-image src="a" alt="a &quot;b&quot; > c < d" height="auto" />'),
        column("<mj-text>é> > “></mj-text><mj-text>“a” --></mj-text>"),
        body("<mj-raw>{% if a %}</mj-raw><mj-section></mj-section><mj-raw>{% endif %}</mj-raw>"),
        body("{% for a in b %}<mj-section></mj-section>{% else %}{% endfor %}"),
        head("{% set a = '<' %}\n<mj-raw><meta name='a' content='b'></mj-raw>"),
        head("<mj-raw><!--[if !mso]><!--><link rel='a' href='b'><!--<![endif]--></mj-raw>"),
        "\ufeff" + body(""),
    ],
)
def test_source_that_compiles_correctly_has_no_findings(source: str) -> None:
    assert [str(finding) for finding in lint_mjml(source)] == []
    assert refusal(source) is None


def test_a_typing_error_in_a_closing_tag_is_one_finding() -> None:
    assert len(lint_mjml(SOUND.replace("</mj-column>", "</mj-colunm>"))) == 1


def test_findings_are_listed_in_source_order() -> None:
    source = column("<mj-text colour='red'><p>a</mj-text>\n<mj-txt />\n<mj-image />")
    places = [(finding.line, finding.column) for finding in lint_mjml(source)]
    assert places == sorted(places)
    assert len(places) == 5


# ------------------------------------------------------- against the compiler

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


# ------------------------------------------------------- the table of components

#: Where a component stands while its attributes are tried, and what it needs beside them so
#: that each can have its effect.
FRAMES = {
    "mj-body": "<mjml>|<mj-section><mj-column width='50%' /></mj-section></mj-body></mjml>",
    "mj-section": body("|<mj-column><mj-text>a</mj-text></mj-column></mj-section>"),
    "mj-wrapper": body("|<mj-section><mj-column /></mj-section></mj-wrapper>"),
    "mj-group": body("<mj-section>|<mj-column /></mj-group></mj-section>"),
    "mj-column": body("<mj-section>|</mj-column></mj-section>"),
    "mj-hero": body("|<mj-text>a</mj-text></mj-hero>"),
    "mj-text": column("|a</mj-text>"),
    "mj-button": column("|a</mj-button>"),
    "mj-table": column("|<tr></tr></mj-table>"),
    "mj-image": column("|</mj-image>"),
    "mj-spacer": column("|</mj-spacer>"),
    "mj-divider": column("|</mj-divider>"),
    "mj-raw": column("|a</mj-raw>"),
    "mj-social": column("|<mj-social-element name='web'>a</mj-social-element></mj-social>"),
    "mj-social-element": column("<mj-social>|a</mj-social-element></mj-social>"),
    "mj-navbar": column("|<mj-navbar-link href='h'>a</mj-navbar-link></mj-navbar>"),
    "mj-navbar-link": column("<mj-navbar>|a</mj-navbar-link></mj-navbar>"),
    "mj-carousel": column(
        "|<mj-carousel-image src='a' alt='' /><mj-carousel-image src='b' alt='' /></mj-carousel>"
    ),
    "mj-carousel-image": column(
        "<mj-carousel>|</mj-carousel-image><mj-carousel-image src='b' alt='' /></mj-carousel>"
    ),
    "mj-accordion": column(
        "|<mj-accordion-element><mj-accordion-title>a</mj-accordion-title>"
        "</mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-element": column(
        "<mj-accordion>|<mj-accordion-title>a</mj-accordion-title>"
        "<mj-accordion-text>a</mj-accordion-text></mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-title": column(
        "<mj-accordion><mj-accordion-element>|a</mj-accordion-title>"
        "</mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-text": column(
        "<mj-accordion><mj-accordion-element>|a</mj-accordion-text>"
        "</mj-accordion-element></mj-accordion>"
    ),
}
NEEDED = {
    "mj-section": {"background-url": "u"},
    "mj-wrapper": {"background-url": "u"},
    "mj-hero": {"background-url": "u", "height": "400px", "background-height": "3px"},
    "mj-column": {"padding": "1px"},
    "mj-button": {"href": "h"},
    "mj-image": {"src": "s", "alt": "a", "href": "h"},
    "mj-social-element": {"name": "web", "href": "h"},
    "mj-navbar": {"hamburger": "hamburger"},
    "mj-navbar-link": {"href": "h"},
    "mj-carousel-image": {"src": "s", "alt": "a", "href": "h"},
}
SAMPLES = ["qjinja0n", "37px", "#123456", "1px solid red", "left", "right", "fluid-height", "true"]
SAMPLES += ["100", "hidden", "full-width", "vertical", "none", "fixed", "file-start", "bold"]


def framed(component: str, attributes: dict[str, str]) -> str:
    given_ones = " ".join(
        f'{name}="{value}"' for name, value in (NEEDED.get(component, {}) | attributes).items()
    )
    return FRAMES[component].replace("|", f"<{component} {given_ones}>")


def without_made_up_names(html: str) -> str:
    return re.sub(r"[0-9a-f]{16}", "", html)


def effect(component: str, attributes: dict[str, str]) -> str:
    return without_made_up_names(compiled(framed(component, attributes)))


@pytest.mark.parametrize("name", FRAMES)
def test_attributes_listed_as_ignored_have_no_effect(name: str) -> None:
    bare, ignored = effect(name, {}), components()[name].ignored
    effects = {each: {effect(name, {each: value}) for value in SAMPLES} for each in ignored}
    assert effects == {each: {bare} for each in ignored}


@pytest.mark.parametrize("name", FRAMES)
def test_only_the_attributes_listed_as_computed_swallow_a_placeholder(
    name: str,
) -> None:
    component = components()[name]
    carried = {
        attribute
        for attribute in component.attributes.keys() - component.ignored
        if "qjinja0n" in effect(name, {attribute: "qjinja0n"})
    }
    assert carried == component.attributes.keys() - component.ignored - component.computed


@pytest.mark.parametrize("name", FRAMES)
def test_every_component_accepts_each_of_its_attributes(name: str) -> None:
    component = components()[name]
    findings = [
        str(finding)
        for attribute in component.attributes.keys() - component.ignored
        for finding in lint_mjml(framed(name, {attribute: sample_of(component, attribute)}))
        if f"<{name}>" in finding.message
    ]
    assert findings == []


def sample_of(component: Component, attribute: str) -> str:
    kind = component.attributes[attribute]
    if kind.startswith("enum("):
        return kind[5:-1].split(",")[0]
    named = {"color": "#123", "boolean": "true", "integer": "2", "string": "a"}
    return named.get(kind, "2px")
