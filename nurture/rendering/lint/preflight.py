"""Preflight: what an owner should know before an email is sent, each with its place and a fix.

An error stops publishing; a warning is left to the owner's judgement.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from html.parser import HTMLParser

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.practice import Practice
from nurture.rendering.lint.contrast import TooManyStylesError, weak_contrasts
from nurture.rendering.markdown.blocks import wrapped_lines
from nurture.rendering.preview import Preview
from nurture.rendering.templates import unguarded_lines


class Severity(StrEnum):
    """Whether publishing is refused."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to correct or consider. `line` refers to the email's file; 0 means all of it."""

    severity: Severity
    line: int
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class SubscriberNames:
    """The subscribers' names: how many have none, and some with which to try the email."""

    unnamed: int = 0
    samples: tuple[str, ...] = ()


_LINE = re.compile(r"^[\w./-]+?(?:, line (\d+))?(?:, column \d+)?(?:, [\w ]+)?: (.*)", re.DOTALL)


def refused(finding: str, source: EmailSource) -> Concern:
    """Return a finding of the compiler or the checks as a concern that stops publishing."""
    found = _LINE.match(finding)
    if not found:
        return Concern(Severity.ERROR, 0, finding, "")
    own = finding.startswith(source.place)
    what, _, fix = found[2].partition("; ")
    if not fix:
        what, _, fix = found[2].partition(". ")
    return Concern(Severity.ERROR, int(found[1] or 0) if own else 0, what.rstrip("."), fix)


def preflight(
    source: EmailSource,
    sample: Preview,
    names: SubscriberNames,
    practice: Practice,
    public_url: str,
    *,
    colours: bool = True,
) -> list[Concern]:
    """Return all concerns about an email that compiles; `sample` is how a named person sees it.

    Links to our own pages, below `public_url`, are skipped, as the owner cannot correct them here.
    Colours are the same for everyone, so checking one sample is enough.
    """
    parts = _Parts()
    parts.feed(sample.html)
    written = [link for link in parts.links if not link.startswith(f"{public_url}/")]
    concerns = [
        *_subject_concerns(sample.subject),
        *_preheader_concerns(sample),
        *_name_concerns(source, names),
        *_link_concerns(source, written, practice),
        *_image_concerns(source, parts),
        *_wording_concerns(source, parts.text),
        *_wrapping_concerns(source),
        *_size_concerns(sample, parts),
        *_plain_concerns(sample.text, parts),
        *_disclosure_concerns(sample, practice),
        *_why_concerns(sample, parts, public_url),
        *(_contrast_concerns(source, sample.html) if colours else ()),
    ]
    return sorted(dict.fromkeys(concerns), key=lambda c: (c.severity, c.line))


class _Parts(HTMLParser):
    """The links, images and words of an email's HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[dict[str, str]] = []
        self._words: list[str] = []
        self._silent = 0

    @property
    def text(self) -> str:
        """The visible words."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", "").strip())
        elif tag == "img":
            self.images.append(given)
        self._silent += tag in ("style", "title", "script")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "title", "script")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(data)


def _warning(what: str, fix: str, line: int = 0) -> Concern:
    return Concern(Severity.WARNING, line, what, fix)


def _error(what: str, fix: str, line: int = 0) -> Concern:
    return Concern(Severity.ERROR, line, what, fix)


def _line_of(source: EmailSource, words: str) -> int:
    """Return the line on which these words first appear, or 0 if they are not found verbatim."""
    place = source.body.find(words) if words else -1
    return source.first_line + source.body.count("\n", 0, place) if place >= 0 else 0


# --- The subject and the preheader ------------------------------------------------------------

_LONG_SUBJECT, _LONG_PREHEADER = 60, 120


def _subject_concerns(subject: str) -> Iterator[Concern]:
    letters = [c for c in subject if c.isalpha()]
    if len(subject) > _LONG_SUBJECT:
        what = f"The subject has {len(subject)} characters; phones show about 40"
        yield _warning(what, "Say the most important thing first.")
    if len(letters) > 8 and sum(c.isupper() for c in letters) > 0.6 * len(letters):
        yield _warning("The subject shouts in capital letters", "Write it as you would say it.")
    if "!!" in subject or subject.count("!") > 1:
        yield _warning("The subject has several exclamation marks", "Leave them out.")
    if found := _SPAMMY.search(subject):
        what = f"“{found[0]}” in the subject is typical of spam"
        yield _warning(what, "Say it in your own words.")


def _preheader_concerns(sample: Preview) -> Iterator[Concern]:
    preheader = sample.preheader
    if not preheader.strip():
        yield _warning(
            "There is no preheader; inboxes show the first words of the email instead",
            "Write one sentence that goes on from the subject.",
        )
    elif preheader.strip().lower() == sample.subject.strip().lower():
        yield _warning("The preheader repeats the subject", "Let it go on from the subject.")
    elif len(preheader) > _LONG_PREHEADER:
        yield _warning("The preheader is cut off in most inboxes", "Keep it under 100 characters.")


# --- The people it goes to --------------------------------------------------------------------


def _name_concerns(source: EmailSource, names: SubscriberNames) -> Iterator[Concern]:
    if not names.unnamed:
        return
    people = "1 person has" if names.unnamed == 1 else f"{names.unnamed} people have"
    fix = "Write {% if first_name %} {{ first_name }}{% endif %}."
    for line in unguarded_lines(source.body, "first_name"):
        what = f"The first name is printed, and {people} none"
        yield _error(what, fix, source.first_line + line - 1)
    if unguarded_lines(str(source.front.get("subject")), "first_name"):
        yield _error(f"The subject prints the first name, and {people} none", fix)


# --- Links and images -------------------------------------------------------------------------

_PLACEHOLDER = re.compile(
    r"^(#|about:|javascript:)|todo|\bxxx|//(www\.)?example\.(com|org|net)|localhost|your-?link",
    re.I,
)
_MANY_LINKS, _MANY_IMAGES = 15, 8
_FALLBACKS = {
    "article_url": "The address of the article is not known; the link leads to the blog",
    "booking_url": "The booking page is not known; the link leads to the website",
}


def _link_concerns(source: EmailSource, links: list[str], practice: Practice) -> Iterator[Concern]:
    for link in dict.fromkeys(links):
        line = _line_of(source, unescape(link))
        if not link:
            yield _error("A link leads nowhere", "Write its address.", line)
        elif _PLACEHOLDER.search(link):
            yield _error(f"The link “{link[:60]}” is a placeholder", "Write its address.", line)
        elif link.startswith("http://"):
            yield _warning(f"“{link[:60]}” is not encrypted", "Write https://.", line)
        elif not link.startswith(("https://", "mailto:", "tel:")):
            yield _error(f"“{link[:60]}” is no address", "Begin it with https://.", line)
    if len(links) > _MANY_LINKS:
        yield _warning(f"There are {len(links)} links", "One or two lead people further.")
    known = {"article_url": source.front.get("article"), "booking_url": practice.booking_url}
    for name, what in _FALLBACKS.items():
        if not known[name] and (line := _line_of(source, f"{name} }}}}")):
            yield _warning(what, "Fill it in as soon as you know it.", line)


def _image_concerns(source: EmailSource, parts: _Parts) -> Iterator[Concern]:
    shown = [image for image in parts.images if image.get("width") != "1"]
    for image in shown:
        address = image.get("src", "")
        line = _line_of(source, unescape(address))
        if "alt" not in image:
            yield _error("An image has no description", "Describe it in alt.", line)
        if not address.startswith("https://"):
            yield _error(
                f"The image “{address[:60]}” cannot be loaded from a mail",
                "Put it on your website and write its whole https:// address.",
                line,
            )
    if len(shown) > _MANY_IMAGES:
        yield _warning(f"There are {len(shown)} images", "Mails with few images arrive sooner.")
    if shown and len(parts.text.split()) < 60:
        yield _warning(
            "Nearly everything is in images, which many people do not see",
            "Say in words what the email is about.",
        )


# --- What it says and how much ----------------------------------------------------------------

_SPAMMY = re.compile(
    r"\b(free!+|act now|buy now|click here|100% (?:free|guaranteed)|risk[- ]free|winner|"
    r"limited time|once in a lifetime|miracle|guaranteed cure|no obligation|cash bonus)",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"\b[A-Z]{4,}(?:\s+[A-Z]{2,}){2,}")
_NEARLY_TOO_LARGE = 90 * 1024


def _wording_concerns(source: EmailSource, text: str) -> Iterator[Concern]:
    for found in dict.fromkeys(one[0] for one in _SPAMMY.finditer(text)):
        line = _line_of(source, found)
        yield _warning(f"“{found}” is typical of spam", "Say it in your own words.", line)
    if shouted := _CAPITALS.search(text):
        line = _line_of(source, shouted[0])
        yield _warning(f"“{shouted[0][:40]}” shouts in capitals", "Write it as you say it.", line)
    if "!!" in text:
        line = _line_of(source, "!!")
        yield _warning("Several exclamation marks in a row", "Leave one, or none.", line)


def _wrapping_concerns(source: EmailSource) -> Iterator[Concern]:
    for line in wrapped_lines(source.body)[:1] if source.format is EmailFormat.MARKDOWN else ():
        what = "A sentence is broken into lines, and people will see it broken there"
        yield _warning(what, "Write each paragraph on one line.", source.first_line + line - 1)


def _size_concerns(sample: Preview, parts: _Parts) -> Iterator[Concern]:
    if sample.size > _NEARLY_TOO_LARGE:
        what = f"The email has {sample.size // 1024} KB; Gmail cuts off above 102 KB"
        yield _warning(what, "Make it shorter.")


#: The line above the footer of every plain version.
_FOOTER_RULE = "-" * 40


def _plain_concerns(plain: str, parts: _Parts) -> Iterator[Concern]:
    """Warn unless the plain version says the same: it should share most of the words."""
    own, _, footer = plain.partition(_FOOTER_RULE)
    shown, said = _vocabulary(parts.text) - _vocabulary(footer), _vocabulary(own)
    if shown and len(shown & said) < 0.5 * len(shown):
        yield _warning(
            "The plain version says something else than the designed one",
            "Bring it up to date, or leave it out where the email is in Markdown.",
        )


def _vocabulary(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text.lower()))


def _disclosure_concerns(sample: Preview, practice: Practice) -> Iterator[Concern]:
    for body, where in ((unescape(sample.html), "designed"), (sample.text, "plain")):
        said = " ".join(body.split())
        for wanted in (practice.name, practice.disclosure):
            if " ".join(wanted.split()) not in said:
                what = f"The {where} version lacks “{wanted[:60]}”, which the law wants said"
                yield _error(what, "Add it to the footer.")


def _why_concerns(sample: Preview, parts: _Parts, public_url: str) -> Iterator[Concern]:
    """Recommend the link that says why an email came, which footers of before do not have."""
    start = f"{public_url}/why/"
    linked = any(link.startswith(start) for link in parts.links)
    for there, where in ((linked, "designed"), (start in sample.text, "plain")):
        if not there:
            what = f"The {where} version does not lead to the page that says why it was sent"
            yield _warning(what, "Add {{ why_url }} to the footer, and {{ why_sent }} above it.")


def _contrast_concerns(source: EmailSource, html: str) -> Iterator[Concern]:
    try:
        found = weak_contrasts(html)
    except TooManyStylesError:
        what = "There are too many styles to tell whether all words can be read"
        yield _warning(what, "Take out those that are not needed.")
        return
    for weak in found:
        mode = "dark" if weak.dark else "light"
        what = (
            f"“{weak.words[:40]}” is hard to read in {mode} mode: {weak.colour} on "
            f"{weak.background} has a contrast of {weak.ratio:.1f}, not {weak.wanted}"
        )
        yield _warning(what, "Choose colours further apart.", _line_of(source, weak.words[:40]))


def stops_publishing(concerns: Iterable[Concern]) -> bool:
    """Return whether one of the concerns is an error."""
    return any(concern.severity is Severity.ERROR for concern in concerns)
