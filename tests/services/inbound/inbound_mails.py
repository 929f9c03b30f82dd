"""Mails that come back, filled in with the messages of an installation."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from nurture.domain.tracking.events import EventKind
from nurture.mail.mailbox.reader import read_inbound
from nurture.services.inbound.mailbox_news import take_in
from nurture.store.tables.messages import messages
from tests.installation import Installation

CORPUS = Path(__file__).parents[2] / "mail/mailbox/corpus"

BOB = "bob@elsewhere.example"

SENDER = "hello@example.org"


@cache
def expected() -> Mapping[str, Mapping[str, Any]]:
    """Return what each mail of the corpus says, by its file."""
    return tomllib.loads((CORPUS / "expected.toml").read_text(encoding="utf-8"))


def message_id(home: Installation, address: str) -> str:
    """Return the Message-ID of the latest message to somebody."""
    person = home.person(address)["id"]
    number = max(row["id"] for row in home.rows(messages) if row["subscriber_id"] == person)
    return f"{home.context.tokens.message_id(number)}@practice.example"


def mail_of(home: Installation, name: str, to: str, other: str, at: datetime) -> bytes:
    """Return a mail of the corpus about the latest message to somebody."""
    practice = home.context.practice
    values = {
        "message_id": message_id(home, to),
        "other_message_id": message_id(home, other),
        "forged_id": f"{message_id(home, to)[:-45]}{'0' * 24}@practice.example",
        "recipient": to,
        "other_recipient": other,
        "sender": practice.sender_address,
        "date": format_datetime(at),
    }
    data = (CORPUS / name).read_bytes()
    for placeholder, value in values.items():
        data = data.replace(b"{{%s}}" % placeholder.encode(), value.encode())
    return data


def arrives(home: Installation, data: bytes, *sent_to: str) -> EventKind | None:
    """Let a mail arrive now, and return what it is understood to say."""
    return take_in(home.context.inbound_desk, read_inbound(data), None, home.clock.now, sent_to)
