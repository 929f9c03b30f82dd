"""Calls as the builders really send them: each is read by its own builder, as what it says."""

import pytest

from nurture.builders import read_form, registry
from nurture.builders.fields.signup_body import read_signup
from tests.builders.captured import CapturedCall, captured_calls, name_of

CALLS = captured_calls()


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_a_call_is_read_as_what_it_says(call: CapturedCall) -> None:
    assert registry()[call.builder].read(call.fields) == call.expected


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_no_other_builder_takes_a_call_for_its_own(call: CapturedCall) -> None:
    """Only the last resort, which is asked when nobody recognises a form, may read it as well."""
    ours = registry()[call.builder]
    others = [one for one in registry().values() if one.rank <= max(ours.rank, 80)]
    assert [one.name for one in others if one.read(call.fields) is not None] == [call.builder]


@pytest.mark.parametrize("call", CALLS, ids=name_of)
def test_what_is_read_is_a_signup_of_the_same_person(call: CapturedCall) -> None:
    read = read_form(call.fields)
    assert read is not None
    assert read.reader == call.builder
    assert read_signup(read.fields).email == "alice@example.org"


def test_each_builder_of_wordpress_has_calls() -> None:
    builders = {call.builder for call in CALLS}
    wordpress = {"gravity_forms", "contact_form_7", "elementor", "wpforms", "fluent_forms"}
    assert builders >= wordpress | {"ninja_forms", "plain_form"}
