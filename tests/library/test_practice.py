"""Accepted details of a practice can always be sent; the others are refused at their line."""

import re
import shutil
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import AddressHeader
from functools import cache
from html import unescape
from pathlib import Path

import pytest
import tomlkit
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nurture.addresses import plain_mailbox
from nurture.cli import main
from nurture.domain.sequences.sequence import Sequence, Step
from nurture.library.folder import read_library
from nurture.library.practice import parse_practice, practice_slips, read_facts, refuse_slips
from nurture.library.reading import LibraryError
from nurture.library.writing import with_settings
from nurture.rendering.compile import CompiledEmail, compile_email
from nurture.rendering.lint.completeness import check_email
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.rendering.preview import preview_email
from nurture.settings import Settings
from nurture.tokens import Tokens
from tests.installation import SHIPPED
from tests.presence import at_least_one

TOML = (SHIPPED / "practice.toml").read_text()
MAILBOXES = ("sender_address", "reply_to", "email")
PAGES = ("website_url", "booking_url", "blog_url", "privacy_url")
URL = "https://mail.example.org"


@cache
def emails() -> list[tuple[Sequence, Step, CompiledEmail]]:
    library = read_library(Settings(secret_key="x").templates_dir)
    return [
        (source.sequence, step, compile_email(source.emails[step.email]))
        for source in library.sequences
        for step in source.sequence.steps
    ]


def written(**facts: object) -> str:
    return with_settings(TOML, facts)


TEXT = st.text(
    st.sampled_from("ab Zé’'\"&<>{}%=?_;,.@\\/()#|ß李\u00a0\u202e👩\u200d\ue000\ue001\ufdd0\n\t"),
    max_size=30,
)
MAILBOX = st.one_of(
    st.from_regex(r"[a-z0-9.+'_-]{1,20}@[a-zü-]{1,12}\.(org|example|co\.uk)", fullmatch=True), TEXT
)
PAGE = st.one_of(
    st.from_regex(r"https?://[a-zü-]{1,12}\.org(/[a-zü()'.,&?=#-]{0,20})?", fullmatch=True), TEXT
)
FACTS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "owner": TEXT,
        "phone": TEXT,
        "sender_name": TEXT,
        "disclosure": TEXT,
        "address": st.lists(TEXT, max_size=4).map("\n".join),
    }
    | dict.fromkeys(MAILBOXES, MAILBOX)
    | dict.fromkeys(PAGES, PAGE)
)
GOOD = {
    "name": "O'Neill & Söhne <Ltd>",
    "owner": 'Paul "the" Mover',
    "phone": "+44 <20>",
    "sender_name": 'Paul "P." O\'Neill, Söhne & Co; (a) @ b.',
    "disclosure": "A & B's Ltd, <1234>",
    "address": '12 King\'s Road\nSmith & Sons "House" <3',
    "sender_address": "paul@prüfung.example",
    "reply_to": "o'neill@bücher.example",
    "email": "paul@prüfung.example",
    "website_url": "https://prüfung.example/straße_(a)",
    "booking_url": "https://a.example/?a=1&b='2'",
    "blog_url": "",
    "privacy_url": "",
}


@settings(
    max_examples=settings().max_examples // 5,  # ten times as many in the profile “thorough”
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(facts=FACTS, tried=st.sets(st.sampled_from(sorted(GOOD)), max_size=3), which=st.integers(0))
@example(facts=GOOD, tried=set(GOOD), which=0)
def test_accepted_details_can_be_sent_and_are_read_back_from_the_email(
    facts: dict[str, str], tried: set[str], which: int
) -> None:
    """Three details at a time are arbitrary, the others valid."""
    said = GOOD | {name: facts[name] for name in tried}
    values: dict[str, object] = {**said, "address": said["address"].split("\n")}
    toml = with_settings(TOML, values)
    if practice_slips(said):
        with pytest.raises(LibraryError):
            refuse_slips(toml)
        return
    refuse_slips(toml)
    practice = parse_practice(toml)
    sequence, step, email = emails()[which % len(emails())]
    around = Surroundings(practice, Tokens(["x"]), URL)
    assert check_email(email, sequence, step.kind, around) == []
    to = Recipient(1, 2, 3, "ann@example.org", "Ann", tracking=bool(which % 2))
    data = PreparedEmail(email, sequence, step.kind, around).message(
        to, datetime(2026, 3, 2, tzinfo=UTC)
    )
    message = message_from_bytes(data, policy=policy.default)
    assert not message.defects
    sender, answers = message["From"], message["Reply-To"]
    assert isinstance(sender, AddressHeader)
    assert isinstance(answers, AddressHeader)
    [of] = sender.addresses
    assert of.addr_spec == plain_mailbox(said["sender_address"])
    # The standard library puts a blank between the encoded words that one long word is split into.
    assert "".join(of.display_name.split()) == "".join(said["sender_name"].split())
    words = said["sender_name"].split()
    if max(len(word.encode()) for word in words) < 39:
        assert of.display_name.split() == words
    else:
        assert len(of.display_name.split()) >= len(words)
    assert [one.addr_spec for one in answers.addresses] == [plain_mailbox(said["reply_to"])]
    assert message["Message-ID"].isascii()
    assert data.isascii()


@pytest.mark.parametrize("named", ["Ann", ""])
def test_every_shipped_email_shows_the_details_as_typed(named: str) -> None:
    values: dict[str, object] = {**GOOD, "address": GOOD["address"].split("\n")}
    practice = parse_practice(with_settings(TOML, values))
    for sequence, step, email in at_least_one(emails()):
        shown = preview_email(email, sequence, step.kind, practice, URL, named)
        html = " ".join(unescape(re.sub("<[^>]*>", " ", shown.html)).split())
        for said in (GOOD["name"], GOOD["disclosure"], practice.address_line, GOOD["phone"]):
            assert said in html
            assert said in " ".join(shown.text.split())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("booking_url", "calendly.com/paul/session", "beginning with https://"),
        ("website_url", "www.example.org", "beginning with https://"),
        ("website_url", "javascript:alert(1)", "beginning with https://"),
        ("website_url", "", "fill this in"),
        ("privacy_url", "privacy.html", "beginning with https://"),
        ("blog_url", "https://example.org/a b", "beginning with https://"),
        ("sender_address", "Paul <paul@example.org>", "not permitted"),
        ("sender_address", "a@example.org, b@example.org", "invalid characters"),
        ("sender_address", "", "fill this in"),
        ("sender_address", "paul@example.org ", "blanks"),
        ("sender_address", "päul@example.org", "before the @-sign"),
        ("reply_to", "", "fill this in"),
        ("reply_to", "paul@example.org\nBcc: all@example.org", "one line"),
        ("reply_to", "paul@example.org\n", "one line"),
        ("email", "paul", "@-sign"),
        ("sender_name", "Paul\r\nBcc: all@example.org", "one line"),
        ("sender_name", " ", "fill this in"),
        ("sender_name", "=?utf-8?Q?x?=", "Leave “=[?]” out"),
        ("name", "A\u2028B", "one line"),
        ("name", "A\ue000B", "cannot be printed"),
        ("phone", "\t1", "cannot be printed"),
        ("disclosure", "A\nB", "one line"),
        ("address", [], "fill this in"),
        ("address", [" ", ""], "fill this in"),
        ("address", ["1 High Street\u2028London"], "one line"),
    ],
)
def test_an_invalid_detail_is_refused_with_its_file_and_line(
    name: str, value: object, said: str
) -> None:
    toml = written(**{name: value})
    [line] = [n for n, one in enumerate(toml.split("\n"), 1) if re.match(rf"{name}\s*=", one)]
    with pytest.raises(LibraryError, match=said) as refused:
        refuse_slips(toml, "practice.toml")
    assert str(refused.value).startswith(f"practice.toml, line {line}, {name}: ")


def test_check_refuses_the_file_and_names_every_mistake(tmp_path: Path) -> None:
    root = tmp_path / "emails"
    shutil.copytree(SHIPPED, root)
    (root / "practice.toml").write_text(written(reply_to="", booking_url="calendly.com/x"))
    environment = {
        "NURTURE_TEMPLATES_DIR": str(root),
        "NURTURE_DATA_DIR": str(tmp_path / "var"),
    }
    done = CliRunner(env=environment).invoke(main, ["check"])
    assert done.exit_code == 1
    assert re.search(r"practice\.toml, line \d+, reply_to: Please fill this in\.", done.output)
    assert re.search(r"practice\.toml, line \d+, booking_url: Write the whole", done.output)
    assert "Traceback" not in done.output


def test_an_already_published_practice_is_read_even_if_invalid() -> None:
    """What an earlier version accepted must not stop subscribers' pages from working."""
    practice = parse_practice(written(sender_address="päul@example.org", booking_url="ü"))
    assert (practice.sender_address, practice.booking_url) == ("päul@example.org", "ü")


def test_details_are_edited_as_typed_and_sent_in_ascii() -> None:
    toml = written(reply_to="paul@prüfung.example", website_url="https://prüfung.example")
    assert read_facts(toml)["reply_to"] == "paul@prüfung.example"
    practice = parse_practice(toml)
    assert practice.reply_to == "paul@xn--prfung-4ya.example"
    assert practice.website_url == "https://xn--prfung-4ya.example"


def test_the_shipped_practice_has_no_mistakes() -> None:
    refuse_slips(TOML)
    assert tomlkit.parse(TOML)["name"] == "Human Movement"


def test_an_invalid_reply_address_is_refused_but_once_published_stops_no_email() -> None:
    toml = written(reply_to="päul@example.org")
    with pytest.raises(LibraryError, match=r"reply_to: Few mail servers take such letters before"):
        refuse_slips(toml)
    published = parse_practice(toml)
    assert published.reply_to == published.sender_address
    assert read_facts(toml)["reply_to"] == "päul@example.org"
