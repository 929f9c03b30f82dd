"""A prepared email is, for each person, exactly what its templates produce for them alone."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache

import dkim
import jinja2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from nurture.domain.messages.email import EmailSource
from nurture.domain.rights.account import Ground
from nurture.domain.sequences.sequence import StepKind
from nurture.library.folder import Library, read_library
from nurture.mail.dkim import Signer
from nurture.rendering.compile import CompiledEmail, compile_email
from nurture.rendering.footer import why_sent
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings, shared_values
from nurture.settings import Settings
from nurture.tokens import Tokens

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOKENS = Tokens(["a secret for tests"])
URL = "https://mail.example.org"

OWN = EmailSource(
    key="pain-guide/own",
    front={"subject": "{{ first_name or 'Hello' }}: one “thing” to read", "article_title": "A & B"},
    body="""<mjml><mj-body><mj-section><mj-column><mj-text>
<p>Hello{% if first_name %} {{ first_name }}{% endif %}, {{ first_name|default("you") }}!</p>
<a title="{{ first_name }}" href="{{ article_url }}">{{ article_title }}</a>
<a href="https://example.org/?a=1&amp;b=2">more</a> <a href="{{ guide_url }}">guide</a>
<a href="{{ preferences_url }}">p</a> <a href="{{ unsubscribe_url }}">u</a>
</mj-text></mj-column></mj-section></mj-body></mjml>""",
    text="""Hello {{ first_name }}: {{ guide_url }}
.
{{ article_url }} or https://example.org/?a=1&b=2.
{{ preferences_url }} {{ unsubscribe_url }} {{ unsubscribe_url }}
""",
    layout={},
)

recipients = st.builds(
    Recipient,
    message=st.integers(0, 10**17),
    enrolment=st.integers(0, 10**17),
    subscriber=st.integers(0, 10**17),
    address=st.from_regex(r"[a-z0-9.+=]{1,60}@[a-z0-9-]{1,60}\.org", fullmatch=True),
    first_name=st.one_of(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60),
        st.text("Aé’'\"&<>{}%= \u202eע李नि👩\u200d\u0308\ue0000\ue001", max_size=60),
        st.sampled_from(("", "Ann", "{{ practice }}", "<script>", "Ann & Bob", "=?utf-8?Q?x?=")),
    ),
    tracking=st.booleans(),
    ground=st.sampled_from(Ground),
)
ARTICLE = StepKind.ARTICLE
ANN = Recipient(1, 2, 3, "ann@example.org", "Ann", tracking=True)
QUIET_ANN = Recipient(1, 2, 3, "ann@example.org", "Ann", tracking=False)


@cache
def library() -> Library:
    return read_library(Settings(secret_key="x").templates_dir)


@cache
def emails() -> Mapping[str, CompiledEmail]:
    """Two of the shipped emails and one that uses everything a template may."""
    [source] = [s for s in library().sequences if s.sequence.key == "pain-guide"]
    names = ("your-guide", "why-stretching-and-massage-wont-solve-back-pain")
    return {
        source.key: compile_email(source) for source in (OWN, *(source.emails[n] for n in names))
    }


def around() -> Surroundings:
    return Surroundings(library().practice, TOKENS, URL)


@cache
def prepared(key: str, kind: StepKind = ARTICLE) -> PreparedEmail:
    return PreparedEmail(emails()[key], library().sequences[0].sequence, kind, around())


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert not message.defects
    return message


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    text: str = body.get_content()
    return text.replace("\r\n", "\n").rstrip("\n")


def slowly_rendered(key: str, to: Recipient) -> tuple[str, EmailMessage]:
    """Return the same email rendered by Jinja and the standard library alone, for this person.

    The subject is returned separately: parsing would decode what looks like an encoded word.
    """
    email = emails()[key]
    pixel = f"{URL}/o/{TOKENS.opened(to.message)}.gif"
    image = f'<img src="{pixel}" width="1" height="1" alt="" style="display:block;border:0" />'

    def link(url: str) -> str:
        return f"{URL}/c/{TOKENS.click(to.message, url)}" if to.tracking else url

    values = shared_values(email, library().sequences[0].sequence, library().practice) | {
        "first_name": to.first_name,
        "is_followed": to.tracking,
        "guide_url": f"{URL}/guide/{TOKENS.guide(to.enrolment)}",
        "preferences_url": f"{URL}/preferences/{TOKENS.preferences(to.subscriber)}",
        "unsubscribe_url": f"{URL}/unsubscribe/{TOKENS.unsubscribe(to.subscriber, to.message)}",
        "why_url": f"{URL}/why/{TOKENS.why(to.message)}",
        "link": lambda place: link(email.links[place] if isinstance(place, int) else place),
        "pixel": lambda: Markup(image) if to.tracking else "",
    }
    why = why_sent(library().sequences[0].sequence, key.partition("/")[2], ARTICLE, to.ground)
    values["why_sent"] = why
    message = EmailMessage()
    plain = values | {"why_sent": textwrap.fill(why, 72)}
    message.set_content(_rendered(email.text, plain, html=False), cte="quoted-printable")
    message.add_alternative(_rendered(email.html, values, html=True), subtype="html")
    return _rendered(email.subject, values, html=False), message


def _rendered(template: str, values: Mapping[str, object], *, html: bool) -> str:
    return jinja2.Environment(autoescape=html).from_string(template).render(values)


@cache
def signer() -> Signer:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Signer.load("s1", pem, library().practice.sender_domain)


def believed(signed: bytes) -> bool:
    """Ask another DKIM implementation, which sees only what our DNS would say."""
    name, value = signer().dns_record()

    def look_up(asked: bytes, timeout: int = 5) -> bytes | None:
        return value.encode() if asked.decode().rstrip(".") == name else None

    return bool(dkim.DKIM(signed).verify(dnsfunc=look_up))


@settings(max_examples=60)
@given(recipients, st.integers(0, 2))
def test_the_reference_implementation_accepts_a_signed_message(to: Recipient, which: int) -> None:
    data = prepared(list(emails())[which]).message(to, NOW)
    assert believed(signer().sign(data) + data)


@settings(max_examples=60)
@given(recipients, st.integers(0, 2))
@example(ANN, 0)
@example(QUIET_ANN, 0)
def test_a_message_matches_its_rendered_templates(to: Recipient, which: int) -> None:
    key = list(emails())[which]
    fast, (subject, slow) = parsed(prepared(key).message(to, NOW)), slowly_rendered(key, to)
    assert part(fast, "plain") == part(slow, "plain")
    assert part(fast, "html") == part(slow, "html")
    assert str(fast["Subject"]) == " ".join(subject.split())


@given(recipients)
def test_the_unsubscribe_header_is_one_unbroken_https_address(to: Recipient) -> None:
    message = prepared(OWN.key).message(to, NOW)
    [line] = re.findall(rb"^List-Unsubscribe: <(https://[!-~]+)>\r$", message, re.MULTILINE)
    token = line.decode().removeprefix(f"{URL}/unsubscribe/")
    assert TOKENS.read_unsubscribe(token) == (to.subscriber, to.message)
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in message


@given(recipients)
def test_a_message_has_exactly_its_own_headers_once_each(to: Recipient) -> None:
    message = parsed(prepared(OWN.key).message(to, NOW))
    assert [name.lower() for name in message.keys()] == [  # noqa: SIM118 - a field may come twice
        *("date", "from", "reply-to", "to", "subject", "message-id", "list-unsubscribe"),
        *("list-unsubscribe-post", "list-id", "feedback-id", "mime-version", "content-type"),
    ]
    assert message["To"] == f"<{to.address}>" or str(message["To"]) == to.address
    assert TOKENS.read_message_id(message["Message-ID"]) == to.message


@pytest.mark.parametrize("name", ["Ann\r\nBcc: all@example.org", "Ann\r\n\r\nBody", "Ann\n.\n"])
def test_a_name_with_line_breaks_adds_neither_a_header_nor_a_body(name: str) -> None:
    to = Recipient(1, 2, 3, "ann@example.org", name, tracking=False)
    message = parsed(prepared(OWN.key).message(to, NOW))
    plain = parsed(prepared(OWN.key).message(QUIET_ANN, NOW))
    assert list(message) == list(plain)
    assert len(list(message.iter_parts())) == 2


def addresses_in(message: EmailMessage, letter: str) -> list[str]:
    bodies = part(message, "plain") + part(message, "html")
    return re.findall(rf"{re.escape(URL)}/{letter}/([\w-]+)", bodies)


@given(recipients.map(lambda anyone: replace(anyone, tracking=False)))
def test_a_person_without_tracking_consent_is_not_tracked(to: Recipient) -> None:
    message = parsed(prepared(OWN.key).message(to, NOW))
    assert addresses_in(message, "c") == addresses_in(message, "o") == []
    assert "<img" not in part(message, "html")


def test_a_message_that_asks_leads_to_the_page_of_its_own_in_both_parts() -> None:
    article = prepared("pain-guide/why-stretching-and-massage-wont-solve-back-pain")
    asking = parsed(article.message(replace(QUIET_ANN, asks_to_stay=True), NOW))
    tokens = addresses_in(asking, "confirm")
    assert [TOKENS.read_confirm(token) for token in tokens] == [QUIET_ANN.message] * 2
    assert not addresses_in(parsed(article.message(QUIET_ANN, NOW)), "confirm")


@given(recipients.map(lambda anyone: replace(anyone, tracking=True)))
def test_a_tracked_persons_links_lead_where_the_email_says(
    to: Recipient,
) -> None:
    message = parsed(prepared(OWN.key).message(to, NOW))
    clicks = {TOKENS.read_click(token) for token in addresses_in(message, "c")}
    practice = library().practice
    article = practice.blog_url or practice.website_url
    assert clicks == {(to.message, article), (to.message, "https://example.org/?a=1&b=2")}
    [pixel] = addresses_in(message, "o")
    assert TOKENS.read_opened(pixel) == to.message


@given(st.lists(recipients, min_size=2, max_size=6), st.integers(0, 2))
def test_no_persons_values_get_into_another_persons_message(
    people: list[Recipient], which: int
) -> None:
    shared = prepared(list(emails())[which])
    interleaved = [shared.message(person, NOW) for person in (*people, *reversed(people))]
    again = [shared.message(person, NOW) for person in (*people, *reversed(people))]
    assert interleaved == again
    assert interleaved == interleaved[::-1]


@settings(max_examples=15)
@given(recipients)
def test_a_message_is_the_same_whatever_was_prepared_before(to: Recipient) -> None:
    fresh = PreparedEmail(
        emails()[OWN.key], library().sequences[0].sequence, StepKind.ARTICLE, around()
    )
    assert fresh.message(to, NOW) == prepared(OWN.key).message(to, NOW)


@pytest.mark.parametrize("tracking", [True, False])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_line_is_short_and_ends_correctly(which: int, tracking: bool) -> None:
    to = Recipient(1, 2, 3, "ann@example.org", "Zoë", tracking=tracking)
    data = prepared(list(emails())[which]).message(to, NOW)
    head, _, body = data.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, body.split(b"\r\n"))) <= 76


@pytest.mark.parametrize("kind", StepKind)
def test_only_requested_emails_are_marked_as_automatic(kind: StepKind) -> None:
    message = parsed(prepared(OWN.key, kind).message(ANN, NOW))
    automatic = kind in (StepKind.GUIDE, StepKind.REMINDER, StepKind.ANSWER)
    assert message["Auto-Submitted"] == ("auto-generated" if automatic else None)
    assert message["Feedback-ID"].count(":") == 3
