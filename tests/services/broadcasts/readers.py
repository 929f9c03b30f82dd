"""People who agreed to articles or news, and a broadcast for them."""

from collections.abc import Sequence

from sqlalchemy import insert

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.messages.email import EmailFormat
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts import drafts, sending
from nurture.services.publishing.studio import Written
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation

LETTER = """+++
subject = "What is new at {word}"
preheader = "One minute about this month."
topics = ["strength"]
+++
# What is new

Hello{% if first_name %} {{ first_name }}{% endif %},

We open earlier from now on, because so many of you asked for it.

[Book a session]({{ booking_url }})
"""


def readers(home: Installation, number: int, purpose: str = "news") -> list[str]:
    """Add that many confirmed people who agreed to one purpose; return their addresses."""
    addresses = [f"{purpose}{place}@example.org" for place in range(number)]
    rows = [_row(home, address, purpose) for address in addresses]
    with home.context.database.writing() as connection:
        connection.execute(insert(subscribers), rows)
    return addresses


def _row(home: Installation, address: str, purpose: str) -> dict[str, object]:
    return {
        "address": address,
        "address_key": address,
        "address_hash": home.context.tokens.address_hash(address),
        "first_name": "Ann",
        "time_zone": "Europe/London",
        "purposes": {purpose},
        "created_at": home.clock.now,
        "confirmed_at": home.clock.now,
    }


def draft(
    home: Installation, key: str = "december", word: str = "our place", **more: object
) -> Broadcast:
    """Write a broadcast of news."""
    written = Written(EmailFormat.MARKDOWN, LETTER.replace("{word}", word))
    with home.context.database.writing() as connection:
        return drafts.new_draft(
            connection,
            key=key,
            title=f"News of {key}",
            stream=Purpose.NEWS,
            written=written,
            now=home.clock.now,
            **more,
        )


def send(home: Installation, key: str = "december") -> Broadcast:
    """Press “Send”."""
    return sending.send(*home.context.stored, key, home.clock.now)


def received(home: Installation, key: str = "december") -> Sequence[str]:
    """Return who has got a broadcast according to the ledger, in the order of the messages."""
    people = {row["id"]: row["address"] for row in home.rows(subscribers)}
    sent = [row for row in home.rows(messages) if row["sequence"] == f"broadcast:{key}"]
    return [people[row["subscriber_id"]] for row in sent if row["accepted_at"]]
