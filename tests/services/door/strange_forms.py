"""Forms under names that no builder has, as a website sends them, and what is kept of them."""

from typing import Any

from nurture.domain.door.field_mapping import FieldMapping
from nurture.services.door.admission import SignupArrival
from nurture.services.door.mappings import save_mapping
from nurture.services.door.reception import Receipt, SentForm, receive
from tests.installation import Installation

PAIN = "pain-guide"

#: No adapter reads this: several addresses, whatever the first one is, and none says whose it is.
STRANGE = {
    "q7": {"a": "anna@example.org"},
    "q8": {"a": "praxis@example.org", "b": "info@example.org"},
    "q9": "Anna",
    "tick": "on",
}
MAPPING = FieldMapping("/q7/a", "/q9")


def strange(address: str, **more: Any) -> dict[str, Any]:
    """Return such a form of someone else."""
    return STRANGE | {"q7": {"a": address}} | more


def send_strange(home: Installation, fields: dict[str, Any], digest: str = "1") -> Receipt:
    """Receive such a form from a visitor's own browser."""
    sent = SentForm(
        form=PAIN,
        fields=fields,
        arrival=SignupArrival(vouched=False, visitor="192.0.2.7"),
        client="192.0.2.7",
        user_agent="A browser",
        digest=digest,
    )
    return receive(home.context.door, sent, home.clock.now)


def map_pain(home: Installation, mapping: FieldMapping = MAPPING) -> None:
    """Save what the fields of the form mean."""
    save_mapping(*home.context.stored, PAIN, mapping, home.clock.now)
