"""A form with the webhook's own names keeps their meaning, whatever else it is called."""

from nurture.builders import MAPPED, NATIVE, read_form
from nurture.domain.door.field_mapping import FieldMapping

ALICE = "alice@example.org"


def test_the_webhooks_own_names_are_read_as_they_are() -> None:
    fields = {"email": ALICE, "first_name": "Alice", "consent": ["tracking"], "Email": "b@c.org"}
    read = read_form(fields)
    assert read is not None
    assert (read.fields, read.reader) == (fields, NATIVE)


def test_a_box_may_be_a_field_of_its_own() -> None:
    read = read_form(
        {"email": ALICE, "tracking": "1", "news": "", "articles": "maybe", "guide": []}
    )
    assert read is not None
    assert read.fields["consent"] == ["tracking"]


def test_boxes_that_are_sent_as_such_are_not_added_to() -> None:
    read = read_form({"email": ALICE, "consent": [], "tracking": "1"})
    assert read is not None
    assert read.fields["consent"] == []


def test_a_builder_adds_the_name_that_it_knows_better() -> None:
    fields = {"email": ALICE, "names": {"first_name": "Alice"}, "signed_up_at": "2026-03-02T09:00Z"}
    read = read_form(fields)
    assert read is not None
    assert read.reader == "fluent_forms"
    assert read.fields == fields | {"first_name": "Alice"}


def test_a_plain_form_is_not_asked_about_a_native_one() -> None:
    read = read_form({"email": ALICE, "First name": "Alice"})
    assert read is not None
    assert read.reader == NATIVE


def test_what_the_owner_has_mapped_has_priority() -> None:
    fields = {"your-email": ALICE, "text-1": "bob@example.net"}
    read = read_form(fields, [FieldMapping("/text-1")])
    assert read is not None
    assert (read.fields["email"], read.reader) == ("bob@example.net", MAPPED)


def test_two_addresses_are_left_for_the_owner_to_map() -> None:
    assert read_form({"form_id": "1", "2": ALICE, "3": "bob@example.net"}) is None
