"""Preflight names what an owner should know, at its line, with a fix; otherwise nothing."""

from dataclasses import replace

import pytest

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.sequences.sequence import StepKind
from nurture.library.folder import parse_source, read_library
from nurture.rendering.compile import EmailError, compile_email
from nurture.rendering.lint.preflight import (
    Concern,
    Severity,
    SubscriberNames,
    preflight,
    refused,
    stops_publishing,
)
from nurture.rendering.preview import preview_email
from nurture.settings import Settings

LIBRARY = read_library(Settings(secret_key="x").templates_dir)
PAIN = next(source for source in LIBRARY.sequences if source.sequence.key == "pain-guide")
PLAN = PAIN.sequence
LAYOUT = PAIN.emails["your-guide"].layout
BODY = (
    "Hello{% if first_name %} {{ first_name }}{% endif %},\n\n"
    "the body learns what it is asked to do again and again, and that takes some time.\n"
)
FRONT = '+++\nsubject = "{}"\npreheader = "{}"\n+++\n'
KNOWN = SubscriberNames(unnamed=3, samples=("Ann",))


def source(more: str = "", subject: str = "One thing", preheader: str = "More") -> EmailSource:
    content = FRONT.format(subject, preheader) + BODY + "\n" + more
    return parse_source("series/email", EmailFormat.MARKDOWN, content, "", LAYOUT)


def concerns(email: EmailSource, names: SubscriberNames = KNOWN) -> list[Concern]:
    practice = LIBRARY.practice
    url = "http://localhost:8000"
    sample = preview_email(compile_email(email), PLAN, StepKind.ARTICLE, practice, url, "Ann")
    return preflight(email, sample, names, practice, url)


def test_a_correct_email_raises_no_concern() -> None:
    assert concerns(source("[Read it](https://human-movement.com/a)")) == []


@pytest.mark.parametrize("email", PAIN.emails.values(), ids=lambda e: e.key)
def test_the_shipped_emails_lack_only_addresses_to_fill_in(email: EmailSource) -> None:
    assert [one for one in concerns(email) if "not known" not in one.what] == []


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("[Read](#)", "“#” is a placeholder"),
        ("[Read](https://example.com/a)", "is a placeholder"),
        ("[Read](TODO)", "is a placeholder"),
        ("[Read](www.human-movement.com)", "is no address"),
        ("![a man](http://human-movement.com/a.png)", "cannot be loaded"),
        ("![a man](a.png)", "cannot be loaded"),
        ("And {{ first_name }}!", "3 people have none"),
    ],
)
def test_an_error_names_its_line_and_prevents_publishing(more: str, what: str) -> None:
    found = concerns(source(more))
    assert stops_publishing(found)
    [error] = [concern for concern in found if concern.severity is Severity.ERROR]
    assert what in error.what
    assert error.fix
    assert error.line == 9


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("[Read](http://human-movement.com)", "not encrypted"),
        ("[Read]({{ article_url }})", "leads to the blog"),
        ("[Book]({{ booking_url }})", "leads to the website"),
        ("It is FREE!!!", "typical of spam"),
        ("THIS CANNOT WAIT ANY LONGER", "shouts in capitals"),
        ("Now!! Please", "exclamation marks"),
    ],
)
def test_a_warning_names_its_line_but_does_not_prevent_publishing(more: str, what: str) -> None:
    found = concerns(source(more))
    assert not stops_publishing(found)
    assert [concern.line for concern in found if what in concern.what] == [9]


@pytest.mark.parametrize(
    ("email", "what"),
    [
        (source(subject="READ THIS NOW PLEASE"), "capital letters"),
        (source(subject="x" * 70), "70 characters"),
        (source(subject="Act now"), "typical of spam"),
        (source(preheader=""), "no preheader"),
        (source(preheader="one thing"), "repeats the subject"),
        (source(subject="For {{ first_name }}"), "The subject prints the first name"),
        (source("[a](https://human-movement.com) b " * 20), "links"),
        (replace(source(), text="Nothing of that kind stands here."), "says something else"),
    ],
)
def test_a_concern_about_the_whole_email_is_reported(email: EmailSource, what: str) -> None:
    assert any(what in concern.what for concern in concerns(email))


def test_a_name_may_be_printed_without_a_default_if_everyone_has_one() -> None:
    assert concerns(source("And {{ first_name }}, too"), SubscriberNames(unnamed=0)) == []
    assert concerns(source('And {{ first_name|default("you") }}, too')) == []


def test_colours_that_are_hard_to_read_are_reported() -> None:
    layout = {**LAYOUT, "layout/head.mjml": LAYOUT["layout/head.mjml"].replace("#26332f", "#aaa")}
    [weak] = concerns(replace(source(), layout=layout))
    assert "hard to read in light mode: #aaa on #ffffff" in weak.what


def test_a_compiler_finding_becomes_an_error_at_its_line() -> None:
    email = source("{{ nobody }}")
    with pytest.raises(EmailError) as raised:
        compile_email(email)
    concern = refused(raised.value.findings[0], email)
    assert (concern.severity, concern.line) == (Severity.ERROR, 9)
    assert "there is no value “nobody”" in concern.what
    assert concern.fix.startswith("There are")
