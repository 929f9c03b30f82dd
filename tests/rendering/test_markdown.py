"""Markdown becomes the same design and a plain version, and every fault has its line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.library.folder import parse_source, read_library
from nurture.rendering.compile import CompiledEmail, EmailError, compile_email
from nurture.rendering.markdown.blocks import wrapped_lines
from nurture.rendering.markdown.composition import compose_markdown
from nurture.settings import Settings

LAYOUT = next(
    source.emails["your-guide"].layout
    for source in read_library(Settings(secret_key="x").templates_dir).sequences
    if "your-guide" in source.emails
)
FRONT = '+++\nsubject = "S"\n+++\n'


def source(markdown: str, text: str = "") -> EmailSource:
    return parse_source("series/email", EmailFormat.MARKDOWN, FRONT + markdown, text, LAYOUT)


def components(markdown: str) -> list[str]:
    """Return the MJML made from the Markdown itself, line by line."""
    design, _, findings = compose_markdown(source(markdown))
    assert findings == []
    return [line.text for line in design.lines if "email.md" in line.place]


def plain(markdown: str) -> str:
    _, text, findings = compose_markdown(source(markdown))
    assert findings == []
    return text.whole.partition("\n\n-----")[0]


def findings(markdown: str) -> str:
    with pytest.raises(EmailError) as raised:
        compile_email(source(markdown))
    return "\n".join(raised.value.findings)


def compiled(markdown: str) -> CompiledEmail:
    return compile_email(source(markdown))


@pytest.mark.parametrize(
    ("markdown", "mjml"),
    [
        ("Hello *there* **you**", "<p>Hello <em>there</em> <strong>you</strong></p>"),
        ("# One", "<h1>One</h1>"),
        ("##### Five", "<h3>Five</h3>"),
        ("one\ntwo", "<p>one"),
        ("> wise words", "<blockquote>"),
        ("3. three", '<ol start="3">'),
        ("a <b>bold</b> & b", "<p>a &lt;b&gt;bold&lt;/b&gt; &amp; b</p>"),
        ("    not code", "<p>not code</p>"),
        (
            "[Read it]({{ article_url }})",
            '<mj-button css-class="action" href="{{ article_url }}">Read it</mj-button>',
        ),
        (
            '![a "good" back](https://e.org/b.png)',
            '<mj-image css-class="picture" alt="a &quot;good&quot; back" ',
        ),
        ("Read [it](https://e.org/).", '<p>Read <a href="https://e.org/">it</a>.</p>'),
        ("> On the blog\n>\n> # {{ article_title }}", '<p class="title">{{ article_title }}</p>'),
        ("---", '<mj-divider css-class="line" />'),
        ("*Paul*", '<mj-text css-class="copy signature"><p>Paul</p></mj-text>'),
        ("*Not* Paul", "<p><em>Not</em> Paul</p>"),
        ("Hi{% if first_name %} {{ first_name }}{% endif %},", "{% if first_name %} {{ first"),
    ],
)
def test_each_markdown_construct_becomes_its_component(markdown: str, mjml: str) -> None:
    assert any(mjml in line for line in components(markdown))
    assert compiled(markdown).html


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# One\n\nTwo *three*", "One\n\nTwo three"),
        ("[Read it]({{ article_url }})", "Read it:\n{{ article_url }}"),
        ("See [it](https://e.org/).", "See it (https://e.org/)."),
        ("- one\n- two\n  - three", "- one\n- two\n  - three"),
        ("1. one\n\n   more\n2. two", "1. one\n\n   more\n\n2. two"),
        ("> wise", "  wise"),
        ("![a back](https://e.org/b.png)", "[a back]"),
        ("one  \ntwo\nthree", "one\ntwo\nthree"),
    ],
)
def test_the_plain_version_has_the_words_and_the_written_out_links(
    markdown: str, text: str
) -> None:
    assert plain(markdown) == text


LINES = [
    "Human Movement\n30 Cannon Street\nLondon EC4M 6XH",
    "• one\n• two",
    "With best wishes,\nPaul",
    "wise words\n— somebody wise",
    "*With best wishes,\nPaul*",
    "one **two\nthree** four",
]


@pytest.mark.parametrize("typed", LINES)
@pytest.mark.parametrize("mark", ["", "- ", "> "])
def test_consecutive_lines_stay_separate_lines_in_both_versions(typed: str, mark: str) -> None:
    indented = mark + typed.replace("\n", "\n" + (mark if mark == "> " else " " * len(mark)))
    wanted = [line.strip() for line in typed.replace("*", "").split("\n")]
    html = re.sub(r"</?(em|strong|p|li|ul|mj-text)\b[^>]*>", "", "\n".join(components(indented)))
    shown = [line.strip() for line in html.split("<br />\n")]
    assert [one.rpartition("\n")[2] for one in shown[:-1]] == wanted[:-1]
    assert shown[-1].startswith(wanted[-1])
    assert [line.removeprefix(mark).strip() for line in plain(indented).splitlines()] == wanted


def test_a_line_that_holds_only_a_condition_adds_no_line_breaks() -> None:
    typed = "one\n{% if first_name %}\ntwo\n{% endif %}\nthree\nfour"
    assert "".join(components(typed)).count("<br />") == 1
    assert plain(typed).splitlines()[-1] == "four"


def test_the_label_of_a_button_is_one_line() -> None:
    assert "<br" not in "".join(components("[Read\nit](https://e.org/)"))


def test_lines_an_editor_broke_mid_sentence_are_found() -> None:
    long = "The next time that you go downstairs, notice which leg you trust"
    assert wrapped_lines(f"Hello\n\n{long}\nand which you do not.") == [3]
    for typed in (f"{long}.\nand", f"{long}\n\nand", f"{long}\nAnd", *LINES):
        assert wrapped_lines(typed) == []


def test_the_plain_version_is_wrapped_and_ends_with_the_footer() -> None:
    long = plain("word " * 100)
    assert max(map(len, long.splitlines())) <= 72
    assert "{{ unsubscribe_url }}" in compiled("Hello").text


def test_a_separately_written_plain_version_is_used() -> None:
    assert compile_email(source("Hello", "Another hello")).text.startswith("Another hello\n")


def test_everything_between_if_and_endif_appears_and_disappears_together() -> None:
    lines = components("{% if booking_url %}\n\nOne\n\n[Book](https://e.org/)\n\n{% endif %}")
    assert (lines[0], lines[-1]) == ("{% if booking_url %}", "{% endif %}")
    assert plain("a\n\n{% if booking_url %}\n\nb\n\n{% endif %}\n\nc").split("\n\n") == [
        "a",
        "{% if booking_url %}b",
        "{% endif %}c",
    ]


@pytest.mark.parametrize(
    ("markdown", "place"),
    [
        ("one\n\ntwo {{ nobody }}", "series/email.md, line 6"),
        ("one\ntwo {{ nobody }}", "series/email.md, line 5"),
        ("- a\n- b {{ nobody }}", "series/email.md, line 5"),
        ("a\n\n{% if first_name %}", "series/email.md, line 6"),
        ("a\n\n{{ first_name", "series/email.md, line 6"),
        ("a\n\n![](https://e.org/b.png)", "series/email.md, line 6: a picture without words"),
        ("a ![b](https://e.org/b.png) c", "series/email.md, line 4: a picture stands among"),
        ("a\n\nb [c]()", "series/email.md, line 6: a link leads nowhere"),
        ("> {% if first_name %}\n\nb {% endif %}", "series/email.md, line 6"),
        ("{{\nfirst_name }}", "series/email.md, line 4"),
        ("> " * 15 + "deep", "series/email.md: quotes and lists nest too deep"),
    ],
)
def test_an_error_is_named_with_the_line_of_the_markdown(markdown: str, place: str) -> None:
    assert place in findings(markdown)


def test_markdown_emails_have_the_same_design_as_mjml_emails() -> None:
    html = compiled("# One\n\nHello\n\n[Read](https://e.org/)\n\n*Paul*").html
    for part in ('class="card', 'class="copy', 'class="action', "Unsubscribe</a>", "#1d5c54"):
        assert part in html


WORDS = st.text(st.sampled_from("ab *_[]()!#>-+1.`<&\"'\n{}%é\\|~:/"), max_size=60)


@given(WORDS)
def test_any_input_is_compiled_or_refused_with_a_place(markdown: str) -> None:
    try:
        email = compiled(markdown)
    except EmailError as error:
        assert all(re.match(r"series/email\.md", found) for found in error.findings), error
    else:
        assert "qjinja" not in email.html + email.text
        assert "mj-text" not in email.html
