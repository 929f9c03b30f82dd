"""No shipped email uses the tricks by which spam evades filters.

What SpamAssassin and rspamd count is computed here; if SpamAssassin is installed, it is
run itself (`make spam`).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nurture.domain.messages.email import EmailSource
from nurture.library.folder import read_library
from nurture.rendering.compile import compile_email
from nurture.rendering.lint.contrast import contrast
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.settings import Settings
from nurture.tokens import Tokens
from tests.presence import at_least_one

LIBRARY = read_library(Settings(secret_key="x").templates_dir)
AROUND = Surroundings(LIBRARY.practice, Tokens(["x"]), "https://mail.example.org")
SHIPPED = [
    (source.sequence, step, source.emails[step.email])
    for source in LIBRARY.sequences
    for step in source.sequence.steps
]
SHAPES = [(name, tracking) for name in ("Ann", "") for tracking in (True, False)]

#: Elements without an end, and those whose words nobody is shown by design.
EMPTY = frozenset({"br", "col", "hr", "img", "link", "meta"})
SILENT = frozenset({"style", "title"})


@dataclass(frozen=True)
class Mail:
    """One shipped email to one kind of person."""

    key: str
    data: bytes
    subject: str
    html: str
    text: str


def made(name: str, tracking: bool) -> Iterator[Mail]:
    to = Recipient(1, 2, 3, "ann@example.org", name, tracking)
    for sequence, step, source in SHIPPED:
        prepared = PreparedEmail(compile_email(source), sequence, step.kind, AROUND)
        data = prepared.message(to, datetime(2026, 3, 2, 9, tzinfo=UTC))
        message = message_from_bytes(data, policy=policy.default)
        html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
        assert html is not None
        assert text is not None
        said = str(message["Subject"])
        yield Mail(source.key, data, said, html.get_content(), text.get_content())


class Words(HTMLParser):
    """A parser of every piece of text, hidden or not, with its elements' colours and size."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [("", {"color": "#000000", "background": "#ffffff", "font-size": "16px"})]
        self.found: list[tuple[str, float, float]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in EMPTY:
            return
        written = dict(attrs).get("style") or ""
        pairs = [part.partition(":") for part in written.lower().split(";")]
        own = {name.strip(): value.strip() for name, _, value in pairs}
        colours = {"background": own["background-color"]} if "background-color" in own else {}
        self.open.append((tag, self.open[-1][1] | own | colours))

    def handle_endtag(self, tag: str) -> None:
        while any(one == tag for one, _ in self.open):
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        styles = self.open[-1][1]
        if data.strip() and not {tag for tag, _ in self.open} & SILENT:
            background = re.findall("#[0-9a-f]{3,6}", styles["background"])[-1]
            size = float(styles["font-size"].removesuffix("px"))
            self.found.append((data, contrast(styles["color"], background), size))


def words(html: str) -> list[tuple[str, float, float]]:
    reader = Words()
    reader.feed(html)
    return reader.found


def addresses(mail: Mail) -> list[str]:
    """Return every linked, shown or written URL, as a filter counts it."""
    in_html = re.findall(r'(?:href|src)="(https?://[^"]+)"', mail.html)
    return [*in_html, *re.findall(r"https?://\S+", mail.text)]


@pytest.mark.parametrize(("name", "tracking"), SHAPES)
def test_no_shipped_email_hides_text_by_colour_or_size(name: str, tracking: bool) -> None:
    for mail in at_least_one(made(name, tracking)):
        found = words(mail.html)
        assert len(found) > 10
        assert min(ratio for _, ratio, _ in found) >= 4.5, mail.key
        assert min(size for _, _, size in found) >= 12, mail.key


@pytest.mark.parametrize(("name", "tracking"), SHAPES)
def test_both_versions_of_a_shipped_email_have_the_same_number_of_addresses(
    name: str, tracking: bool
) -> None:
    for mail in at_least_one(made(name, tracking)):
        assert len(addresses(mail)) % 2 == 0, mail.key
        assert not mail.subject.endswith("?"), mail.key


@pytest.mark.parametrize("colour", ["#ffffff", "#111111", "#f3f1ec"])
def test_the_preview_text_is_hidden_but_has_a_readable_contrast(colour: str) -> None:
    mjml = (
        "<mjml><mj-head><mj-preview>First &amp; foremost</mj-preview></mj-head>"
        f'<mj-body background-color="{colour}"><mj-section><mj-column>'
        '<mj-text font-size="16px" color="#777777">Hello</mj-text>'
        "</mj-column></mj-section></mj-body></mjml>"
    )
    html = compile_email(EmailSource("a/b", {"subject": "S"}, mjml, "Hello", {})).html
    [(said, ratio, size), *_] = words(html)
    assert (said, size) == ("First & foremost", 16)
    assert ratio >= 4.5
    assert re.search(r"<body[^>]*><div style=\"display:none;[^\"]*mso-hide:all", html)


@pytest.mark.parametrize(("name", "tracking"), SHAPES)
def test_an_inbox_shows_the_preview_text_first(name: str, tracking: bool) -> None:
    for mail, (_, _, source) in at_least_one(zip(made(name, tracking), SHIPPED, strict=True)):
        body = re.sub(r"(?s).*<body[^>]*>|<!--.*?-->", "", mail.html)
        shown = " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())
        assert shown.startswith(source.front["preheader"]), mail.key


def test_only_tracked_recipients_are_told_of_tracking_and_in_both_versions() -> None:
    for name, tracking in SHAPES:
        for mail in at_least_one(made(name, tracking)):
            told = [
                "because you agreed to it" in " ".join(p.split()) for p in (mail.html, mail.text)
            ]
            assert told == [tracking, tracking]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
@pytest.mark.parametrize(("name", "tracking"), SHAPES)
def test_spamassassin_gives_no_points_to_any_shipped_email(
    name: str, tracking: bool, tmp_path: Path
) -> None:
    for number, mail in enumerate(made(name, tracking)):
        (tmp_path / f"{number}.eml").write_bytes(mail.data)
    command = ["spamassassin", "-L", "-t", *sorted(map(str, tmp_path.iterdir()))]
    asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    counted = re.findall(r"^ ?(-?\d+\.\d) ([A-Z][A-Z0-9_]+) ", asked.stdout, re.MULTILINE)
    assert {rule for _, rule in counted} >= {"HTML_MESSAGE"}
    assert {rule: points for points, rule in counted if float(points) > 0.1} == {}
