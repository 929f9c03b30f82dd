"""Compiling an email: the work that is done once per revision."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mjml import mjml2html

from nurture.domain.email import EmailSource
from nurture.domain.errors import NurtureError
from nurture.rendering.linting import lint_mjml
from nurture.rendering.masking import mask_jinja, unmask_jinja
from nurture.rendering.templating import TemplateError, refuse_what_mails_do_not_need

_INCLUDE = re.compile(r'<mj-include\s+path="([^"]+)"\s*/>')
_HREF = re.compile(r'href="([^"]*)"')
_TEXT_URL = re.compile(r"https?://[^\s<>{}\"')\]]+[^\s<>{}\"')\].,;:!?]")

#: Values that lead to places outside; their links are counted for those who agreed to it.
_FOLLOWED = frozenset({"article_url", "blog_url", "booking_url", "website_url"})
_CALLS = frozenset({"link", "pixel"})


class EmailError(NurtureError):
    """An email cannot be compiled; the message lists each finding with its place."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class CompiledEmail:
    """An email as templates: what is stored with a revision and rendered per person."""

    key: str
    subject: str
    preheader: str
    topics: tuple[str, ...]
    article_url: str
    article_title: str
    html: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """A plain document to store."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "CompiledEmail":
        """The inverse of `as_json`."""
        return cls(**{**document, "topics": tuple(document["topics"])})


def compile_email(source: EmailSource) -> CompiledEmail:
    """Compile an email from its source; raises `EmailError` with every finding."""
    mjml, place = _spliced(source), f"{source.key}.mjml"
    findings = [f"{place}, {finding}" for finding in lint_mjml(mjml)]
    findings += _findings_in_template(mjml, place, 0)
    findings += _findings_in_template(_whole_text(source), f"{source.key}.txt", 0)
    findings += _findings_in_front(source, place)
    if findings:
        raise EmailError(findings)
    front = source.front
    return CompiledEmail(
        key=source.key,
        subject=front["subject"],
        preheader=front.get("preheader", ""),
        topics=tuple(front.get("topics", ())),
        article_url=front.get("article", ""),
        article_title=front.get("article_title", ""),
        html=_with_pixel(_with_followed_links(_html(mjml, place))),
        text=_with_followed_addresses(_whole_text(source)),
    )


def _spliced(source: EmailSource) -> str:
    """The MJML with the shared parts in place; an unknown part stays, and is found by the lint."""
    spliced = _INCLUDE.sub(lambda found: source.layout.get(found[1], found[0]), source.mjml)
    return spliced.replace("\r\n", "\n")  # The compiler refuses carriage returns in the head.


def _whole_text(source: EmailSource) -> str:
    footer = source.layout.get("layout/footer.txt", "")
    return source.text.rstrip("\n") + "\n\n" + footer if footer else source.text


def _findings_in_template(template: str, place: str, first_line: int) -> list[str]:
    try:
        refuse_what_mails_do_not_need(template)
    except TemplateError as error:
        return [f"{place}, line {first_line + error.line}: {error}"]
    return []


_FRONT = {"subject": str, "preheader": str, "topics": list, "article": str, "article_title": str}


def _findings_in_front(source: EmailSource, place: str) -> list[str]:
    front = source.front
    findings = [f"{place}: {name} is not a setting." for name in front if name not in _FRONT]
    for name, kind in _FRONT.items():
        if name in front and not isinstance(front[name], kind):
            findings.append(f"{place}: {name} is not what it should be (a {kind.__name__}).")
    if not front.get("subject"):
        findings.append(f"{place}: there is no subject. Add a line subject = “…”.")
    elif isinstance(front["subject"], str):
        findings += _findings_in_template(front["subject"], f"{place}, subject", 0)
    return findings


def _html(mjml: str, place: str) -> str:
    masked, tags = mask_jinja(mjml)
    try:
        html = mjml2html(masked, fonts={}, disable_comments=False)
    except BaseException as error:
        # The compiler panics on some input, which is no Exception; everything else goes on up.
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        raise EmailError([f"{place}: the MJML cannot be compiled: {error}."]) from None
    return unmask_jinja(html, tags)


def _with_followed_links(html: str) -> str:
    """Hand every link to a place outside to `link`, which decides per person what it becomes."""
    return _HREF.sub(lambda found: f'href="{_followed(found[1])}"', html)


def _followed(target: str) -> str:
    inner = target.removeprefix("{{").removesuffix("}}").strip()
    if inner in _FOLLOWED:
        return f"{{{{ link({inner}) }}}}"
    if target.startswith(("http://", "https://")) and "{" not in target and "'" not in target:
        return f"{{{{ link('{target.replace('&amp;', '&')}') }}}}"
    return target


def _with_followed_addresses(text: str) -> str:
    for name in _FOLLOWED:
        text = re.sub(rf"\{{\{{\s*{name}\s*\}}\}}", f"{{{{ link({name}) }}}}", text)
    return _TEXT_URL.sub(lambda found: f"{{{{ link('{found[0]}') }}}}", text)


def _with_pixel(html: str) -> str:
    """Leave room for the pixel as the last thing in the mail."""
    head, body, tail = html.rpartition("</body>")
    return f"{head}{{{{ pixel() }}}}{body}{tail}"
