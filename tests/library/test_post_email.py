"""A post as an email: its words are printed as they are, whatever they look like."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nurture.domain.broadcasts.posts import Post
from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence, Step, StepKind
from nurture.library.folder import parse_email, parse_source, read_library
from nurture.library.post_email import markdown_of, post_email
from nurture.rendering.compile import compile_email
from nurture.rendering.lint.completeness import check_email
from nurture.rendering.lint.preflight import SubscriberNames, preflight
from nurture.rendering.preview import Preview, inert, preview_email
from tests.installation import SHIPPED

LIBRARY = read_library(SHIPPED)
PUBLIC = "https://emails.example.org"
SEQUENCE = Sequence("news", "News", (Step("email", StepKind.ARTICLE),), goal="")
ADDRESS = "https://human-movement.com/why-a-strong-back-matters/"

#: What a hostile or an absent-minded writer puts into a post.
HOSTILE = [
    "{{ unsubscribe_url }} {% if first_name %}{{ practice.email }}",
    "{# a comment {{{{ {%raw%}",
    '+++\nsubject = "mine"\n+++',
    '"""\'\'\'\\u0041" = [1]',
    "[press here](https://evil.example) ![x](http://evil.example/x.png) <https://evil.example>",
    "<script>alert(1)</script><mj-button href='x'>&lt;b&gt; &#123;&#123; first_name }}",
    "# a heading *bold* _slanted_ `code` > quote",
    "1. a list",
    "2024) another",
    "- a list + another --- ***",
    "qjinja0n qjinja1h {{ qjinja0c }}",
    "https://evil.example/ www.evil.example",
]

words = st.one_of(
    st.sampled_from(HOSTILE).map(lambda said: " ".join(said.split())),
    st.text(
        st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")),
        min_size=1,
        max_size=120,
    ).map(lambda said: " ".join(said.split())),
).filter(bool)


def source_of(post: Post) -> EmailSource:
    layout = LIBRARY.sequences[0].emails[LIBRARY.sequences[0].sequence.steps[0].email].layout
    return parse_source("news/email", EmailFormat.MARKDOWN, post_email(post), "", layout)


def shown(source: EmailSource, practice: Practice = LIBRARY.practice) -> Preview:
    compiled = compile_email(source)
    assert check_email(compiled, SEQUENCE, StepKind.ARTICLE, inert(practice)) == []
    return preview_email(compiled, SEQUENCE, StepKind.ARTICLE, practice, PUBLIC, "Ann")


def squeezed(text: str) -> str:
    """Return text without white space, which templates and line ends may add."""
    return "".join(text.split())


@settings(max_examples=30)
@given(words, words)
def test_a_post_is_printed_as_it_is(title: str, paragraph: str) -> None:
    post = Post("1", ADDRESS, title, "https://human-movement.com/a.png", paragraph)
    text = squeezed(shown(source_of(post)).text)
    assert squeezed(title) in text
    assert squeezed(paragraph) in text


@pytest.mark.parametrize("said", HOSTILE)
def test_no_post_brings_a_link_or_a_value_of_its_own(said: str) -> None:
    line = " ".join(said.split())
    seen = shown(source_of(Post("1", ADDRESS, line, "", line)))
    assert 'href="https://evil' not in seen.html
    assert 'src="http://evil' not in seen.html
    assert "<script" not in seen.html


@given(words)
def test_the_front_matter_holds_the_title_and_the_address_unchanged(title: str) -> None:
    front, _, _ = parse_email(post_email(Post("1", ADDRESS, title)), "news/email.md")
    assert (front["article_title"], front["article"]) == (title, ADDRESS)


def test_an_ordinary_post_has_nothing_to_put_right() -> None:
    paragraph = (
        "When your back hurts, it is natural to want somebody to press on it. Touch and massage "
        "bring relief for a while, but they assume that the muscles work too hard, and weak "
        "muscles can feel tight as well. What helps in the end is to become stronger, a little "
        "at a time."
    )
    picture = "https://human-movement.com/back-(1).png?w=600&h=400"
    source = source_of(Post("1", ADDRESS, "Why a strong back matters", picture, paragraph))
    sample = shown(source)
    assert preflight(source, sample, SubscriberNames(3, ("Ann",)), LIBRARY.practice, PUBLIC) == []
    assert "https://human-movement.com/back-%281%29.png?w=600&amp;h=400" in sample.html


def test_a_post_of_a_title_alone_can_be_sent() -> None:
    source = source_of(Post("1", ADDRESS, "Too long a title " * 12))
    assert tomllib.loads(source.content.split("+++")[1])["preheader"] != ""
    assert ADDRESS in shown(source).html


@given(words)
def test_markdown_of_one_line_stays_on_one_line(said: str) -> None:
    assert "\n" not in markdown_of(said)
