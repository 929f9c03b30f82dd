"""Compiling finds every fault before anyone gets the email, and says where it is."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nurture.domain.messages.email import EmailSource
from nurture.domain.sequences.sequence import StepKind
from nurture.library.folder import parse_email, read_library
from nurture.rendering.compile import CompiledEmail, EmailError, compile_email
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.settings import Settings
from nurture.tokens import Tokens

LIBRARY = read_library(Settings(secret_key="x").templates_dir)
SHIPPED = [email for source in LIBRARY.sequences for email in source.emails.values()]
BODY = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


def source(html: str = "Hello", text: str = "Hello", **front: object) -> EmailSource:
    return EmailSource("series/email", {"subject": "S", **front}, BODY.format(html), text, {})


def findings(email: EmailSource) -> str:
    with pytest.raises(EmailError) as raised:
        compile_email(email)
    return "\n".join(raised.value.findings)


def rendered(email: EmailSource, *, tracking: bool = True) -> bytes:
    sequence = LIBRARY.sequences[0].sequence
    around = Surroundings(LIBRARY.practice, Tokens(["x"]), "https://mail.example.org")
    prepared = PreparedEmail(compile_email(email), sequence, StepKind.ARTICLE, around)
    to = Recipient(1, 2, 3, "ann@example.org", "Ann", tracking)
    return prepared.message(to, datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize("email", SHIPPED, ids=lambda email: email.key)
def test_every_shipped_email_compiles(email: EmailSource) -> None:
    compiled = compile_email(email)
    assert CompiledEmail.from_json(compiled.as_json()) == compiled
    assert "qjinja" not in compiled.html
    assert "mj-" not in compiled.html.replace("mj-outlook", "").replace("mj-column", "")


def test_an_error_in_the_html_is_named_with_the_files_own_line_number() -> None:
    content = "+++\nsubject = 'S'\n+++\n" + BODY.format("\n{{ nobody }}")
    front, mjml, first_line = parse_email(content, "email.mjml")
    email = EmailSource("series/email", front, mjml, "Hello", {}, first_line)
    assert content.splitlines()[4].startswith("{{ nobody }}")
    assert "series/email.mjml, line 5" in findings(email)


def test_an_error_after_a_shared_part_is_named_with_the_files_own_line_number() -> None:
    mjml = BODY.format("").replace("<mj-body>", '<mj-body><mj-include path="layout/a.mjml" />\n')
    part = "\n".join(["<mj-section></mj-section>"] * 10)
    email = replace(source(), body=mjml.replace("></mj-text>", ">{{ nobody }}</mj-text>"))
    found = findings(replace(email, layout={"layout/a.mjml": part}))
    assert "series/email.mjml, line 2" in found


def test_an_error_in_the_text_is_named_with_file_and_line() -> None:
    assert "series/email.txt, line 2: there is no value “nobody”" in findings(
        source(text="Hello\n{{ nobody }}")
    )


def test_all_errors_are_reported_together() -> None:
    email = source("{{ a }}<br", "{{ b }}", subject="{{ c }}", preheader=1, colour="red")
    found = findings(email)
    for fault in ("“b”", "“c”", "colour is not a setting", "preheader is not what it should be"):
        assert fault in found


def test_an_email_needs_a_subject() -> None:
    assert "there is no subject" in findings(source(subject=""))


def test_a_missing_part_is_named() -> None:
    email = replace(
        source(), body=BODY.replace("<mj-body>", '<mj-body><mj-include path="x.mjml" />')
    )
    assert "x.mjml" in findings(email)


def test_links_to_other_sites_are_tracked_and_our_own_are_not() -> None:
    html = '<a href="{{ booking_url }}">a</a> <a href="{{ guide_url }}">b</a> <a href="tel:1">c</a>'
    compiled = compile_email(source(html, "{{ booking_url }} {{ guide_url }} https://a.org/b."))
    assert compiled.html.count("link(") == 1
    assert 'href="{{ guide_url }}"' in compiled.html
    assert compiled.text == ("{{ link(booking_url) }} {{ guide_url }} {{ link(0) }}.")


def test_the_pixel_is_the_last_thing_in_the_email() -> None:
    assert compile_email(source()).html.rstrip().endswith("{{ pixel() }}</body></html>")


def test_an_address_inside_an_expression_is_left_unchanged() -> None:
    email = source(text="{{ blog_url or 'https://example.org/blog' }}")
    assert b"https://" in rendered(email)


def test_an_address_cannot_smuggle_an_expression_past_the_checks() -> None:
    """A URL that becomes arithmetic once inside a link expression must remain text."""
    text = "https://example.org/\\ ' ~ (7*6) ~ 'x') }} done"
    assert b"(7*6)" in rendered(source(text=text), tracking=False)


def test_a_forbidden_statement_is_found_even_if_it_has_no_line_of_its_own() -> None:
    found = findings(source("{% autoescape false %}{{ first_name }}{% endautoescape %}"))
    assert "series/email.mjml, line 1" in found


GOLF = "https://practice.example.org/golf"
WITH_LINKS = f'<a href="{GOLF}">golf</a> <a href="{{{{ article_url }}}}">more</a>'


def test_a_single_link_may_have_its_own_topics_by_address_or_by_name() -> None:
    links = {GOLF: ["golf"], "article_url": ["back-pain", "strength"]}
    compiled = compile_email(source(WITH_LINKS, links=links))
    assert compiled.link_topics == {GOLF: ("golf",), "article_url": ("back-pain", "strength")}
    assert compiled.followed == {GOLF, "article_url"}
    assert CompiledEmail.from_json(json.loads(json.dumps(compiled.as_json()))) == compiled


def test_an_email_stored_before_links_had_topics_can_still_be_read() -> None:
    document = compile_email(source(WITH_LINKS)).as_json()
    del document["link_topics"]
    assert CompiledEmail.from_json(document).link_topics == {}


@pytest.mark.parametrize("link", ["https://elsewhere.example.org/", "booking_url", "guide_url"])
def test_topics_for_a_link_that_is_not_in_the_email_are_a_finding(link: str) -> None:
    assert f"no link leads to “{link}”" in findings(source(WITH_LINKS, links={link: ["golf"]}))


@pytest.mark.parametrize("word", ["back pain", "", "-", "a" * 51, 7])
def test_a_topic_is_one_word(word: object) -> None:
    for front in ({"topics": [word]}, {"links": {GOLF: [word]}}):
        assert f"“{word}” is no topic" in findings(source(WITH_LINKS, **front))


def test_topics_must_be_a_short_list() -> None:
    assert "write a list" in findings(source(WITH_LINKS, links={GOLF: "golf"}))
    many = [f"topic-{n}" for n in range(21)]
    assert "more than 20" in findings(source(WITH_LINKS, topics=many))
