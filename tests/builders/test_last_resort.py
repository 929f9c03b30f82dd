"""The last resort: it takes the one address that is clearly a visitor's, and no other."""

from typing import Any

import pytest

from nurture.builders import read_form
from nurture.builders.anything import read

ANN, BOB, OWNER = "ann@example.org", "bob@example.org", "owner@example.org"


@pytest.mark.parametrize(
    "form",
    [
        {"q": {"1": {"2": {"3": ANN}}}},
        {"rows": [{"label": "Wohin?", "value": ANN}, {"label": "Alter", "value": 50}]},
        {"rows": [{"question": "Where should we send it to?", "answer": ANN}]},
        {"you": {"mail": ANN, "name": "Ann"}, "friend": {"address": BOB}},
        {"lead": {"name": "Ann", "email": ANN, "response": "a message"}},
        {"first": {"e-mail": ANN}, "again": {"confirm": ANN.upper()}},
        {"lead": {"E-Mail": "", "other": ANN}},
        {"lead": {"email": "none", "other": ANN}},
        {"lead": {"address": ANN}, "site": {"email": OWNER}},
        {"lead": {"address": ANN}, "siteOwner": {"email": OWNER}},
        {"lead": {"address": ANN}, "meta": {"admin_email": OWNER, "notifyEmail": OWNER}},
        {"lead": {"address": ANN}, "account": {"user": {"email": OWNER}}},
        {"lead": {"address": ANN}, "mail": {"from": OWNER, "reply-to": OWNER}},
        {"lead": {"address": ANN}, "sender": OWNER, "recipients": [{"email": OWNER}]},
        {"lead": {"address": ANN}, "author": {"email": OWNER}},
        {"rows": [{"label": "Admin email", "value": OWNER}, {"label": "Mail", "value": ANN}]},
    ],
    ids=str,
)
def test_the_visitors_address_is_found_wherever_it_is(form: dict[str, Any]) -> None:
    found = read_form(form)
    assert found is not None
    assert found.fields["email"].casefold() == ANN


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"lead": {"name": "Ann"}},
        {"lead": {"address": "ann@"}},
        {"lead": {"text": f"Write to {ANN}, please."}},
        {"you": {"address": ANN}, "friend": {"address": BOB}},
        {"you": {"email": ANN}, "friend": {"email": BOB}},
        {"site": {"email": OWNER}},
        {"from": {"email": OWNER}},
        {"lead": {"email": "ann@example"}},
    ],
    ids=str,
)
def test_without_one_clear_address_nothing_is_taken(form: dict[str, Any]) -> None:
    assert read_form(form) is None


def test_names_boxes_and_the_page_are_found_by_their_labels() -> None:
    form = {
        "answers": [
            {"title": "First name", "answer": "Ann"},
            {"title": "Your e-mail", "type": "email", "answer": ANN},
            {"title": "tracking", "type": "checkbox", "answer": True},
        ],
        "visit": {"page_url": "https://practice.example.org/?utm_source=post"},
    }
    found = read(form)
    assert found is not None
    assert found["first_name"] == "Ann"
    assert found["consent"] == [{"tracking": True}]
    assert found["utm_source"] == "post"


def test_a_form_of_a_known_shape_is_left_to_the_builder_that_knows_it() -> None:
    assert read({"Email": ANN}) is None
    assert read({"email": ANN}) is None


def test_a_form_of_thousands_of_fields_is_read_within_limits() -> None:
    many = {f"field {number}": {"x": [{"value": "y@"}] * 10} for number in range(2_000)}
    assert read({"first": {"address": ANN}} | many) is not None
    assert read(many | {"last": {"address": ANN}}) is None
