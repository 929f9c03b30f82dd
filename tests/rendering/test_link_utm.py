"""With the owner's switch on, links to the website name the email in every version of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html import unescape

import pytest

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import StepKind
from nurture.library.folder import read_library
from nurture.rendering.compile import compile_email
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings
from nurture.settings import Settings
from nurture.tokens import Tokens

LIBRARY = read_library(Settings(secret_key="x").templates_dir)
SEQUENCE = LIBRARY.sequences[0].sequence
LAYOUT = LIBRARY.sequences[0].emails[SEQUENCE.steps[0].email].layout
TOKENS, URL = Tokens(["x"]), "https://emails.human-movement.com"
PRACTICE = replace(
    LIBRARY.practice,
    booking_url="https://human-movement.com/book",
    link_utm=True,
    link_utm_source="letter",
)
ADDED = f"utm_source=letter&utm_medium=email&utm_campaign={SEQUENCE.key}&utm_content=links"
BODY = """# Links

Read on [our page](https://human-movement.com/a?b=c#d), or [the site]({{ website_url }}/contact).

[Book a session]({{ booking_url }})

See [another](https://other.example/a) and [a named one](https://human-movement.com/x?utm_source=y).

Unsubscribe [here]({{ unsubscribe_url }}) or [choose]({{ preferences_url }}).
"""
EXPECTED = {
    f"https://human-movement.com/a?b=c&{ADDED}#d",
    f"https://human-movement.com/contact?{ADDED}",
    "https://human-movement.com/book",
    "https://other.example/a",
    "https://human-movement.com/x?utm_source=y",
}


def message(practice: Practice = PRACTICE, *, tracking: bool = False) -> Mapping[str, str]:
    """Return the HTML and the text part of an email with every kind of link."""
    source = EmailSource(
        key=f"{SEQUENCE.key}/links",
        front={"subject": "Links"},
        body=BODY,
        text="",
        layout=LAYOUT,
        format=EmailFormat.MARKDOWN,
    )
    around = Surroundings(practice, TOKENS, URL)
    prepared = PreparedEmail(compile_email(source), SEQUENCE, StepKind.ARTICLE, around)
    to = Recipient(1, 2, 3, "ann@example.org", "Ann", tracking)
    made = message_from_bytes(prepared.message(to, datetime(2026, 3, 2, tzinfo=UTC)))
    read = message_from_bytes(made.as_bytes(), policy=policy.default)
    parts = {kind: read.get_body((kind,)) for kind in ("html", "plain")}
    return {kind: part.get_content() for kind, part in parts.items() if part is not None}


def addresses(text: str) -> set[str]:
    """Return the addresses in a part that lead to other pages than the program's own."""
    found = re.findall(r"https?://[^\s<>\"]+(?<![)>.,])", unescape(text))
    return {one for one in found if not one.startswith((URL, "http://www.w3.org"))}


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_plain_links_to_the_website_carry_the_parameters(kind: str) -> None:
    assert addresses(message()[kind]) >= EXPECTED
    assert addresses(message()[kind]).isdisjoint(
        {"https://human-movement.com/a?b=c#d", "https://human-movement.com/contact"}
    )


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_the_token_of_a_counted_link_carries_the_final_address(kind: str) -> None:
    tokens = re.findall(rf"{URL}/c/([^\s<>\")]+)", unescape(message(tracking=True)[kind]))
    read = {TOKENS.read_click(token)[1] for token in tokens}
    assert read >= EXPECTED


@pytest.mark.parametrize("kind", ["html", "plain"])
@pytest.mark.parametrize("tracking", [True, False])
def test_nothing_is_added_to_links_of_the_program_itself(kind: str, tracking: bool) -> None:
    own = re.findall(
        rf"{URL}/(?:unsubscribe|preferences|why)/[^\s<>\"]+", message(tracking=tracking)[kind]
    )
    assert len(own) >= 2
    assert "utm_" not in "".join(own)


def test_with_the_switch_off_no_link_changes() -> None:
    off = message(replace(PRACTICE, link_utm=False))
    assert "utm_campaign" not in "".join(off.values())
    assert "https://human-movement.com/a?b=c#d" in off["plain"]
