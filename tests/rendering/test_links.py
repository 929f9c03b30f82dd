"""Every link leads where the email says: as a button or plain, tracked or not."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import StepKind
from nurture.library.folder import parse_source, read_library
from nurture.rendering.compile import CompiledEmail, compile_email
from nurture.rendering.markdown.blocks import read_markdown
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.settings import Settings
from nurture.tokens import Tokens

LIBRARY = read_library(Settings(secret_key="x").templates_dir)
SEQUENCE = LIBRARY.sequences[0].sequence
LAYOUT = LIBRARY.sequences[0].emails[SEQUENCE.steps[0].email].layout
TOKENS, URL = Tokens(["x"]), "https://mail.example.org"
PRACTICE = Practice(
    name="A practice",
    owner="Ann",
    address=("1 High Street", "London"),
    phone="020",
    email="ann@example.org",
    website_url="https://practice.example",
    sender_name="Ann",
    sender_address="ann@example.org",
    reply_to="ann@example.org",
    booking_url="https://calendar.example/ann/session",
)

ADDRESSES = [
    "https://site.example",
    "https://site.example/",
    "http://site.example/plain",
    "https://site.example/wiki/Knee_(joint)",
    "https://site.example/wiki/Knee_(joint)_(b)",
    "https://site.example/(all)",
    "https://site.example/open(",
    "https://site.example/close)",
    "https://site.example/a[1]",
    "https://site.example/O'Neill",
    "https://site.example/'quoted'",
    "https://site.example/O’Neill",
    "https://site.example/ends.",
    "https://site.example/ends...",
    "https://site.example/ends,",
    "https://site.example/ends!",
    "https://site.example/ends?",
    "https://site.example/ends:",
    "https://site.example/ends;",
    "https://site.example/ends'",
    "https://site.example/ends*",
    "https://site.example/ends_",
    "https://site.example/ends-",
    "https://site.example/a;b=c",
    "https://site.example/a,b",
    "https://site.example/?a=1&b=2",
    "https://site.example/?a=1&amp=2&copy=3",
    "https://site.example/?q=a+b%20c",
    "https://site.example/?to=https://other.example/x?y=z",
    "https://site.example/?utm_source=a&utm_source=b",
    "https://site.example/#part",
    "https://site.example/a#b?c",
    "https://site.example/#!/route",
    "https://site.example/%E2%9C%93",
    "https://site.example/straße/ü",
    "https://bücher.example/a",
    "https://site.example/😀",
    "https://site.example/a|b",
    "https://site.example/{id}",
    "https://site.example/~ann/@b/$c",
    "https://ann:word@site.example:8443/a",
    "https://[2001:db8::1]/",
    "https://[2001:db8::1]:8443/a",
    "https://[2001:db8::1]",
    "HTTPS://Site.example/Upper",
    "https://site.example/qjinja7",
    "https://site.example/" + "long/" * 300,
]

#: A value, what stands behind it, and the page that is meant.
VALUES = [
    ("{{ website_url }}", "https://practice.example"),
    ("{{ website_url }}/", "https://practice.example/"),
    ("{{ website_url }}/contact", "https://practice.example/contact"),
    ("{{website_url}}/contact#form", "https://practice.example/contact#form"),
    ("{{ website_url }}?utm_source=mail", "https://practice.example?utm_source=mail"),
    ("{{ website_url }}/a?b=c&d=e", "https://practice.example/a?b=c&d=e"),
    (
        "{{ booking_url }}?utm_source=mail",
        "https://calendar.example/ann/session?utm_source=mail",
    ),
    ("{{ booking_url }}&utm_source=mail", "https://calendar.example/ann/session?utm_source=mail"),
    ("{{ booking_url }}#times", "https://calendar.example/ann/session#times"),
    ("{{ booking_url }}/a_(b)", "https://calendar.example/ann/session/a_(b)"),
]
SHAPES = (True, False)


def versions(
    email: CompiledEmail, tracking: bool, practice: Practice = PRACTICE
) -> tuple[str, str]:
    """Return the HTML and the plain text that a person receives."""
    around = Surroundings(practice, TOKENS, URL)
    prepared = PreparedEmail(email, SEQUENCE, StepKind.ARTICLE, around)
    to = Recipient(7, 8, 9, "ann@example.org", "Ann", tracking)
    data = prepared.message(to, datetime(2026, 3, 2, tzinfo=UTC))
    message = message_from_bytes(data, policy=policy.default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    return html.get_content(), text.get_content().replace("\r\n", "\n")


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name == "href" and tag == "a"]


def hrefs(html: str) -> list[str]:
    reader = _Hrefs()
    reader.feed(html)
    own = tuple(f"{URL}/{page}/" for page in ("preferences", "unsubscribe", "why"))
    return [href for href in reader.found if not href.startswith(own)]


def led_to(address: str, tracking: bool) -> str:
    """Return the final destination of a URL in an email; a tracked one has it in its token."""
    if not tracking:
        assert not address.startswith(f"{URL}/c/"), address
        return address
    assert address.startswith(f"{URL}/c/"), address
    message, destination = TOKENS.read_click(address.removeprefix(f"{URL}/c/"))
    assert message == 7
    return destination


def mjml(html: str, text: str) -> CompiledEmail:
    body = f"<mjml><mj-body><mj-section><mj-column>{html}</mj-column></mj-section></mj-body></mjml>"
    return compile_email(EmailSource("a/b", {"subject": "S"}, body, text, {}))


def markdown(body: str, text: str = "") -> CompiledEmail:
    content = f'+++\nsubject = "S"\n+++\n{body}'
    return compile_email(parse_source("a/b", EmailFormat.MARKDOWN, content, text, LAYOUT))


def escaped(address: str) -> str:
    return address.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


@pytest.mark.parametrize("tracking", SHAPES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_written_out_address_stays_complete(address: str, tracking: bool) -> None:
    """As a link and a button, and in the plain version between angle brackets."""
    html = (
        f'<mj-text><a href="{escaped(address)}">a</a></mj-text>'
        f'<mj-button href="{escaped(address)}">b</mj-button>'
    )
    designed, plain = versions(mjml(html, f"Read this: <{address}>."), tracking)
    assert [led_to(one, tracking) for one in hrefs(designed)] == [address, address]
    [written] = re.findall("<([^>]*)>", plain)
    assert led_to(written, tracking) == address


@pytest.mark.parametrize("tracking", SHAPES)
@pytest.mark.parametrize("address", [a for a in ADDRESSES if a[-1] not in ".,!?:;'*()"])
@pytest.mark.parametrize("around", ["{}", "see {}.", "({})", "({}).", "“{}”", "'{}'", "[{}], {}!"])
def test_an_address_in_a_sentence_ends_before_the_closing_punctuation(
    address: str, around: str, tracking: bool
) -> None:
    said = around.format(address, address)
    _, plain = versions(mjml("<mj-text>Hello</mj-text>", said), tracking)
    if tracking:
        links = re.findall(rf"{URL}/c/[\w-]+", plain)
        assert plain.strip() == around.format(*links)
        assert {led_to(one, tracking) for one in links} == {address}
    else:
        assert plain.strip() == said


@pytest.mark.parametrize("tracking", SHAPES)
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("written", ["[b](<{}>)", "Read [this](<{}>).", "Read <{}>, or not."])
def test_an_address_in_markdown_leads_to_one_place_in_every_version(
    address: str, written: str, tracking: bool
) -> None:
    source = parse_source(
        "a/b",
        EmailFormat.MARKDOWN,
        f'+++\nsubject = "S"\n+++\n{written.format(address)}',
        "",
        LAYOUT,
    )
    [link] = [n for b in read_markdown(source).blocks for n in b.walk() if n.type == "link"]
    meant = str(link.attrs["href"])
    designed, plain = versions(compile_email(source), tracking)
    assert [led_to(one, tracking) for one in hrefs(designed)] == [meant]
    own = plain.partition("-" * 40)[0]
    if tracking:
        assert [led_to(one, True) for one in re.findall(rf"{URL}/c/[\w-]+", own)] == [meant]
        assert not re.search(rf"{URL}/c/[\w-]+[/%?&=#]", own)
    else:
        assert meant in own


@pytest.mark.parametrize("tracking", SHAPES)
@pytest.mark.parametrize(("written", "meant"), VALUES)
def test_a_placeholder_link_with_a_suffix_leads_to_the_intended_page(
    written: str, meant: str, tracking: bool
) -> None:
    body = f"[Book]({written})\n\nSee [this]({written}).\n\nOr\n{written}, if you like."
    designed, plain = versions(markdown(body), tracking)
    assert [led_to(one, tracking) for one in hrefs(designed)] == [meant, meant]
    own = re.sub(r"\s+", " ", plain.partition("-" * 40)[0])
    pattern = rf"{URL}/c/[\w-]+" if tracking else re.escape(meant)
    assert [led_to(one, tracking) for one in re.findall(pattern, own)] == [meant] * 3
    shown = re.sub(pattern, "HERE", own)
    assert shown in ("Book: HERE See this (HERE). Or HERE, if you like. ",)


@pytest.mark.parametrize(
    ("website", "written", "meant"),
    [
        ("https://p.example/", "/contact", "https://p.example/contact"),
        ("https://p.example/", "/", "https://p.example/"),
        ("https://p.example/?lang=en", "?utm=1", "https://p.example/?lang=en&utm=1"),
        ("https://p.example/?lang=en", "&utm=1", "https://p.example/?lang=en&utm=1"),
        ("https://p.example/#top", "?utm=1", "https://p.example/?utm=1#top"),
        ("https://p.example/#top", "#end", "https://p.example/#end"),
    ],
)
@pytest.mark.parametrize("tracking", SHAPES)
def test_a_placeholder_and_its_suffix_are_joined_into_one_address(
    website: str, written: str, meant: str, tracking: bool
) -> None:
    email = markdown(f"See [this]({{{{ website_url }}}}{written}).")
    designed, plain = versions(email, tracking, replace(PRACTICE, website_url=website))
    assert led_to(hrefs(designed)[0], tracking) == meant
    [said] = re.findall(r"\(([^)]*)\)", plain.partition("-" * 40)[0])
    assert led_to(said, tracking) == meant


@pytest.mark.parametrize(
    "text",
    [
        "https://site.example/?n={{ first_name }}",
        "https://site.example/{{ first_name }}/a",
        "https://site.example/a{% if first_name %}&n=1{% endif %}",
        "{{ website_url }}/{{ first_name }}",
        "{{ website_url }}contact",
        "{{ guide_url }}",
        "https://",
    ],
)
def test_an_address_that_differs_between_people_is_left_unchanged(text: str) -> None:
    html = f'<mj-text><a href="{text}">a</a></mj-text>'
    assert "{% if" not in text or "link(" not in mjml("<mj-text>a</mj-text>", text).text
    email = mjml(html if "{%" not in text else "<mj-text>a</mj-text>", text)
    assert "link(" not in email.html + email.text
    assert versions(email, tracking=True)[1] == versions(email, tracking=False)[1]


def test_a_condition_around_an_address_is_not_part_of_it() -> None:
    text = (
        "{% if first_name %}https://a.example/x.{% else %}https://b.example/y{% endif %}"
        "{% if first_name %}{{ booking_url }}{% endif %}\n"
    )
    email = mjml("<mj-text>a</mj-text>", text)
    assert email.links == ("https://a.example/x", "https://b.example/y")
    assert email.text == (
        "{% if first_name %}{{ link(0) }}.{% else %}{{ link(1) }}{% endif %}"
        "{% if first_name %}{{ link(booking_url) }}{% endif %}\n"
    )


@pytest.mark.parametrize(
    "html",
    [
        '<span data-href="https://site.example/note">a</span>',
        'Write href="https://site.example/shown" there.',
        '<span title="href=&quot;https://site.example/&quot;">a</span>',
        '<span title="&lt;a href=&quot;https://site.example/&quot;&gt;">a</span>',
        '<code>&lt;a href="https://site.example/"&gt;</code>',
        "https://site.example/ as words",
    ],
)
def test_only_the_address_of_a_link_is_changed(html: str) -> None:
    email = mjml(f"<mj-text>{html}</mj-text>", "Hello")
    assert email.links == ()
    assert versions(email, tracking=True)[0].count("/c/") == 0


def test_a_stylesheet_address_is_not_tracked_as_a_link() -> None:
    source = EmailSource(
        "a/b",
        {"subject": "S"},
        "<mjml><mj-head><mj-raw>"
        '<link rel="stylesheet" href="https://site.example/a.css" /></mj-raw></mj-head>'
        "<mj-body><mj-section><mj-column><mj-text><a  href = 'https://site.example/b'>b</a></mj-text>"
        "</mj-column></mj-section></mj-body></mjml>",
        "Hello",
        {},
    )
    email = compile_email(source)
    assert email.links == ("https://site.example/b",)
    assert 'href="https://site.example/a.css"' in email.html


def test_a_placeholder_with_a_suffix_may_have_topics() -> None:
    content = (
        '+++\nsubject = "S"\n[links]\n"booking_url?a=b" = ["golf"]\n+++\n'
        "See [this]({{ booking_url }}?a=b)."
    )
    email = compile_email(parse_source("a/b", EmailFormat.MARKDOWN, content, "", LAYOUT))
    assert email.link_topics == {"booking_url?a=b": ("golf",)}
    assert email.followed == {"booking_url?a=b"}


WRITTEN = st.text("htps:/ab.()[]<>'\" &?#=,;!|é%\n", max_size=40).map(
    lambda text: f"https://a.example/{text}"
)


@given(WRITTEN)
def test_a_plain_version_reads_as_written_once_its_tracked_links_are_resolved(text: str) -> None:
    email = mjml("<mj-text>a</mj-text>", text)
    _, plain = versions(email, tracking=False)
    _, followed = versions(email, tracking=True)
    again = re.sub(rf"{URL}/c/([\w-]+)", lambda found: TOKENS.read_click(found[1])[1], followed)
    assert again == plain
    assert plain.rstrip("\n") == text.rstrip("\n")
