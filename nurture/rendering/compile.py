"""Compiling an email: the work that is done once per revision."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mjml import mjml2html

from nurture.addresses import AddressError, plain_page
from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.rendering.includes import Spliced, shared_parts, splice, with_footer, written_lines
from nurture.rendering.links import Links
from nurture.rendering.lint.limits import MOST_FINDINGS, design_findings, limit_findings
from nurture.rendering.lint.mjml import lint_mjml
from nurture.rendering.markdown.composition import compose_markdown
from nurture.rendering.syntax.jinja_tags import JinjaTagError, find_unclosed_choice, jinja_tags
from nurture.rendering.syntax.masks import mask_jinja, unmask_jinja
from nurture.rendering.templates import PERSONAL, TemplateError, refuse_what_mails_do_not_need

_LINK = re.compile(r"\{\{ link\((\w+)\) \}\}")

#: What the compiler makes of `<mj-preview>`: tiny white words, which filters treat as a trick.
_PREVIEW = re.compile(r'(<body\b[^>]*>)<div style="display:none;[^"]*">')

#: The words shown first in an inbox: hidden in the email itself, and readable if they are not.
_HIDDEN = (
    "display:none;max-height:0;overflow:hidden;mso-hide:all;color:#000000;background-color:#ffffff;"
)


class EmailError(NurtureError):
    """An email cannot be compiled; the message lists each finding with its place."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class CompiledEmail:
    """An email as templates: what is stored with a revision and rendered per person.

    Links written out in the templates are referred to by their index in `links`; such a link is
    a URL, or the name of a value followed by the rest of a URL (`booking_url?source=mail`).
    `link_topics` gives the topics of individual links, by URL or by the name of a value.
    """

    key: str
    subject: str
    preheader: str
    topics: tuple[str, ...]
    article_url: str
    article_title: str
    html: str
    text: str
    links: tuple[str, ...] = ()
    link_topics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def followed(self) -> frozenset[str]:
        """Its counted links: URLs, and names of values with any rest of a URL."""
        found = _LINK.findall(self.html + self.text)
        return frozenset(self.links[int(one)] if one.isdigit() else one for one in found)

    def as_json(self) -> dict[str, Any]:
        """Return a plain document for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "CompiledEmail":
        """Restore from `as_json`, including documents stored by other versions.

        Fields unknown to an older version are left empty; fields added by a newer one are ignored.
        """
        known = {one.name: document[one.name] for one in fields(cls) if one.name in document}
        lists = {name: tuple(document.get(name, ())) for name in ("topics", "links")}
        link_topics = {k: tuple(v) for k, v in document.get("link_topics", {}).items()}
        return cls(**{**known, **lists, "link_topics": link_topics})


def compile_email(source: EmailSource) -> CompiledEmail:
    """Compile an email from its source, or raise `EmailError` with every finding."""
    if too_much := limit_findings(source):
        raise EmailError(too_much)
    design, plain, findings = _composed(source)
    findings += _findings_in_front(source, source.place)
    if findings:
        raise EmailError(list(dict.fromkeys(findings))[:MOST_FINDINGS])
    links = Links()
    html = _with_pixel(_html(design.whole, source.place, links))
    text = _text(plain.whole, links)
    front = source.front
    compiled = CompiledEmail(
        key=source.key,
        subject=front["subject"],
        preheader=front.get("preheader", ""),
        topics=tuple(front.get("topics", ())),
        article_url=plain_page(front["article"]) if front.get("article") else "",
        article_title=front.get("article_title", ""),
        html=html,
        text=text,
        links=tuple(links.addresses),
        link_topics={link: tuple(words) for link, words in front.get("links", {}).items()},
    )
    if unknown := sorted(set(compiled.link_topics) - compiled.followed):
        raise EmailError([f"{source.place}, links: no link leads to “{link}”." for link in unknown])
    return compiled


def _composed(source: EmailSource) -> tuple[Spliced, Spliced, list[str]]:
    """Return the whole MJML, the whole plain version and the findings about them."""
    if source.format is EmailFormat.MARKDOWN:
        design, plain, findings = compose_markdown(source)
        if findings:
            return design, plain, findings
    else:
        design = splice(
            written_lines(source.body, source.place, source.first_line), shared_parts(source)
        )
        plain = with_footer(written_lines(source.text, f"{source.key}.txt"), source)
    if too_much := design_findings(design.whole, source.place):
        return design, plain, too_much
    findings = [
        f"{design.place_of(found.line)}, {str(found).partition(', ')[2]}"
        for found in lint_mjml(design.whole)
    ]
    findings += _unclosed_choices(source) or _findings_in_template(design.whole, design.place_of)
    findings += _findings_in_template(plain.whole, plain.place_of)
    return design, plain, findings


def _unclosed_choices(source: EmailSource) -> list[str]:
    """Report an unclosed `{% if %}` at its own line; Jinja would report the template's end."""
    try:
        unclosed = find_unclosed_choice(jinja_tags(source.body))
    except JinjaTagError:
        return []
    if unclosed is None:
        return []
    line = source.first_line + source.body.count("\n", 0, unclosed.start)
    return [f"{source.place}, line {line}: {{% if … %}} does not end. Write {{% endif %}}."]


def _findings_in_template(template: str, place_of: Callable[[int], str]) -> list[str]:
    try:
        refuse_what_mails_do_not_need(template)
    except TemplateError as error:
        return [f"{place_of(error.line)}: {error}"]
    return []


_FRONT = {
    "subject": str,
    "preheader": str,
    "topics": list,
    "article": str,
    "article_title": str,
    "links": dict,
}

#: A topic is one word, hyphens included, short enough for an index with many others.
_TOPIC = re.compile(r"[^\W_]+(-[^\W_]+)*")
_LONGEST_TOPIC, _MOST_TOPICS = 50, 20


def _findings_in_front(source: EmailSource, place: str) -> list[str]:
    front = source.front
    findings = [f"{place}: {name} is not a setting." for name in front if name not in _FRONT]
    for name, kind in _FRONT.items():
        if name in front and not isinstance(front[name], kind):
            findings.append(f"{place}: {name} is not what it should be (a {kind.__name__}).")
    if not front.get("subject"):
        findings.append(f"{place}: there is no subject. Add a line subject = “…”.")
    elif isinstance(front["subject"], str):
        findings += _subject_findings(front["subject"], f"{place}, subject")
    findings += _article_findings(source)
    findings += _topic_findings(front.get("topics"), f"{place}, topics")
    for link, words in _items(front.get("links")):
        findings += _topic_findings(words, f"{place}, links, “{link}”")
    if "{{" in str(front.get("preheader")) or "{%" in str(front.get("preheader")):
        findings.append(f"{place}, preheader: it is printed as it is; values cannot stand in it.")
    return findings


def _article_findings(source: EmailSource) -> list[str]:
    """Report an article URL that cannot be opened, at its line of the file."""
    article = source.front.get("article")
    if not article or not isinstance(article, str):
        return []
    try:
        plain_page(article)
    except AddressError as error:
        before = re.split(r"^\s*article\s*=", source.content, maxsplit=1, flags=re.MULTILINE)[0]
        return [f"{source.place}, line {before.count(chr(10)) + 1}, article: {error}"]
    return []


def _items(table: Any) -> list[tuple[str, Any]]:
    return list(table.items()) if isinstance(table, dict) else []


def _topic_findings(words: Any, place: str) -> list[str]:
    if words is None:
        return []
    if not isinstance(words, list):
        return [f'{place}: write a list of topics, such as ["golf"].']
    findings = [
        f"{place}: “{word}” is no topic; write one word of at most {_LONGEST_TOPIC} letters."
        for word in words
        if not (isinstance(word, str) and len(word) <= _LONGEST_TOPIC and _TOPIC.fullmatch(word))
    ]
    if len(words) > _MOST_TOPICS:
        findings.append(f"{place}: there are more than {_MOST_TOPICS}; keep the telling ones.")
    return findings


def _subject_findings(subject: str, place: str) -> list[str]:
    """Refuse personal URLs in a subject; it may contain the first name."""
    addresses = sorted(name for name in PERSONAL - {"first_name"} if name in subject)
    findings = [f"{place}: “{name}” cannot stand here." for name in addresses]
    return findings + _findings_in_template(subject, lambda line: f"{place}, line {line}")


def _html(mjml: str, place: str, links: Links) -> str:
    masked, tags = mask_jinja(mjml)
    try:
        html = mjml2html(masked, fonts={}, disable_comments=False)
    except BaseException as error:
        # On some input the compiler panics, which is no Exception; any other error is raised.
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        raise EmailError([f"{place}: the MJML cannot be compiled: {error}."]) from None
    hidden = _PREVIEW.sub(rf'\1<div style="{_HIDDEN}">', html, count=1)
    return unmask_jinja(links.follow_in_html(hidden, tags), tags)


def _text(plain: str, links: Links) -> str:
    masked, tags = mask_jinja(plain, in_mjml=False)
    return unmask_jinja(links.follow_in_text(masked, tags), tags)


def _with_pixel(html: str) -> str:
    """Insert a placeholder for the tracking pixel at the end of the email."""
    head, body, tail = html.rpartition("</body>")
    return f"{head}{{{{ pixel() }}}}{body}{tail}"
