"""What comes back, filled in with the messages of an installation."""

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
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation

CORPUS = Path(__file__).parents[2] / "mail/mailbox/corpus"

BOB = "bob@elsewhere.example"

_DOMAIN = "practice.example"


@cache
def expected() -> Mapping[str, Mapping[str, Any]]:
    """Return what each mail of the corpus says, by its file."""
    return tomllib.loads((CORPUS / "expected.toml").read_text(encoding="utf-8"))


def message_ids(home: Installation) -> dict[str, str]:
    """Return the Message-ID of the latest message to each person."""
    people = {row["id"]: row["address"] for row in home.rows(subscribers)}
    return {
        people[row["subscriber_id"]]: f"{home.context.tokens.message_id(row['id'])}@{_DOMAIN}"
        for row in home.rows(messages)
    }


def mail_of(home: Installation, name: str, to: str, other: str, at: datetime) -> bytes:
    """Return a mail of the corpus about the latest message to someone, written at that time."""
    return mail_about(home, name, to, other, message_ids(home), at)


def mail_about(
    home: Installation,
    name: str,
    to: str,
    other: str,
    whose: Mapping[str, str],
    at: datetime | None = None,
) -> bytes:
    """Return a mail of the corpus, given all Message-IDs by address."""
    values = {
        "message_id": whose[to],
        "other_message_id": whose[other],
        "forged_id": f"{whose[to].partition('.')[0]}.{'0' * 24}@{_DOMAIN}",
        "recipient": to,
        "other_recipient": other,
        "sender": home.context.practice.sender_address,
        "date": format_datetime(at or home.clock.now),
    }
    data = (CORPUS / name).read_bytes()
    for placeholder, value in values.items():
        data = data.replace(b"{{%s}}" % placeholder.encode(), value.encode())
    return data


def arrives(home: Installation, data: bytes, *sent_to: str) -> EventKind | None:
    """Let a mail arrive now, and return what it is understood to say."""
    return take_in(home.context.inbound_desk, read_inbound(data), None, home.clock.now, sent_to)
