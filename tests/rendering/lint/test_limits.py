"""Any email source is answered in time, with findings, and harms nobody."""

from dataclasses import replace

import pytest

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.library.folder import parse_source, read_library
from nurture.rendering import sandbox
from nurture.rendering.compile import EmailError, compile_email
from nurture.rendering.compile_sandboxed import compile_confined
from nurture.settings import Settings

LAYOUT = next(
    source.emails["your-guide"].layout
    for source in read_library(Settings(secret_key="x").templates_dir).sequences
    if "your-guide" in source.emails
)
FRONT = '+++\nsubject = "S"\n+++\n'
MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)
CAROUSEL = "<mj-carousel>" + '<mj-carousel-image src="a" alt="b"/>' * 400 + "</mj-carousel>"
HOSTILE = {
    "long": "a" * 200_000,
    "deep": MJML.format("<div>" * 9_000 + "</div>" * 9_000),
    "many": MJML.format("<b></b>" * 4_000),
    "carousel": MJML.replace("<mj-text>{}</mj-text>", CAROUSEL),
    "deep choices": MJML.format("{% if first_name %}" * 200 + "{% endif %}" * 200),
    "many branches": MJML.format("{% if subject %}" + "{% elif subject %}" * 400 + "{% endif %}"),
    "a long tag": MJML.format("{{ " + "subject ~ " * 500 + "subject }}"),
    "many tags": MJML.format("{{ subject }}" * 2_000),
    "spaces": MJML.format("</a" + " " * 90_000),
    "marks": MJML.format("\ue0005\ue001"),
    "filler": MJML.format("\ufdd0"),
    "brackets": MJML.format("<" * 9_000),
}


def source(body: str, written: EmailFormat = EmailFormat.MJML, text: str = "x") -> EmailSource:
    return parse_source("series/email", written, FRONT + body, text, LAYOUT)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=list(HOSTILE))
def test_a_source_that_would_overload_the_compilers_is_refused_with_its_file(body: str) -> None:
    with pytest.raises(EmailError) as refused:
        compile_email(source(body))
    assert 1 <= len(refused.value.findings) <= 50
    assert refused.value.findings[0].startswith("series/email.mjml")


@pytest.mark.parametrize(
    "body", ["> " * 40_000, "- a\n" * 20_000, "a\n\n" * 30_000, "[a](https://e.org)\n\n" * 4_000]
)
def test_markdown_that_would_be_slow_to_compile_is_refused(body: str) -> None:
    with pytest.raises(EmailError):
        compile_email(source(body, EmailFormat.MARKDOWN))


def test_a_hostile_subject_and_plain_version_are_refused_too() -> None:
    with pytest.raises(EmailError, match="txt"):
        compile_email(source(MJML, text="{{ subject }}" * 2_000))
    deep = "{% if first_name %}" * 20 + "{% endif %}" * 20
    with pytest.raises(EmailError, match="subject"):
        compile_email(replace(source(MJML), front={"subject": deep}))


def test_a_separate_process_compiles_to_the_same_result() -> None:
    own = source("Hello {{ first_name }}", EmailFormat.MARKDOWN)
    assert compile_confined(own) == compile_email(own)


def test_a_separate_process_reports_the_same_findings() -> None:
    with pytest.raises(EmailError) as told:
        compile_confined(source("a\n\n{{ nobody }}", EmailFormat.MARKDOWN))
    assert "series/email.md, line 6" in told.value.findings[0]


def test_a_runaway_process_is_stopped_and_reported_as_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "_WALL_SECONDS", 0.01)
    with pytest.raises(EmailError, match="cannot be compiled in time"):
        compile_confined(source("Hello", EmailFormat.MARKDOWN))
