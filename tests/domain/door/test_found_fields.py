"""The fields found in forms are named for people, and what they mean is only ever suggested."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.door.field_mapping import FieldMapping, apply_mapping
from nurture.domain.door.found_fields import found_fields, guess_mapping, label_of, pointer_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FORMS = st.dictionaries(st.text(max_size=8), ANYTHING, max_size=5)


def test_the_newest_values_of_a_field_are_shown_first_and_once() -> None:
    forms: list[dict[str, Any]] = [{"a": {"b": value}} for value in ("3", "2", "3", "1", "0")]
    [field] = found_fields(forms)
    assert (field.pointer, field.label, field.values) == ("/a/b", "a › b", ("3", "2", "1"))


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ({"mail": "a@b.org", "company": "Anna"}, FieldMapping("/mail")),
        ({"x": "a@b.org", "your-name": "Anna"}, FieldMapping("/x", name="/your-name")),
        (
            {"to": "c@d.org", "e-mail": "a@b.org", "First": "A", "name": "A B"},
            FieldMapping("/e-mail", "/First"),
        ),
        ({"formname": "Guide", "surname": "B"}, FieldMapping("")),
    ],
    ids=["address", "whole name", "first name", "nothing"],
)
def test_a_suggestion_prefers_what_is_named_plainly(
    form: dict[str, Any], meant: FieldMapping
) -> None:
    assert guess_mapping(found_fields([form])) == meant


@given(FORMS)
def test_any_form_can_be_shown_and_mapped(form: dict[str, Any]) -> None:
    found = found_fields([form])
    apply_mapping(form, guess_mapping(found))
    assert all(isinstance(label_of(one.pointer), str) for one in found)


@given(FORMS, st.text(min_size=1, max_size=10))
def test_the_field_of_a_value_contains_it(form: dict[str, Any], value: str) -> None:
    pointer = pointer_of(form | {"wanted": value}, value)
    assert (pointer == "") is (value.strip() == "")
