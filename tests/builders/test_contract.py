"""What every form builder promises, whatever it is sent."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.builders import FormBuilder, registry
from nurture.builders.fields.signup_body import InvalidSignupError, read_signup

BUILDERS = list(registry().values())

#: Names that some builder looks at, so that its deeper steps are reached as well.
NAMES = st.sampled_from(
    [
        *("1", "1.3", "1.6", "2.1", "2.2", "2.3", "entry", "form", "fields", "meta", "form_fields"),
        *("wpforms", "names", "__submission", "input_text_1", "your-email", "_wpcf7", "checkbox-1"),
        *(
            "form_id",
            "form_name",
            "No Label email",
            "Email",
            "email",
            "name",
            "value",
            "type",
            "id",
        ),
        *("key", "label", "title", "first", "consent", "page_url", "fields[email][value]"),
        *("email_1516193541857", "utm_source", "settings", "payload", "data", "0"),
    ]
)
TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "alice@example.org",
        "bob@example.net",
        "a@b||c",
        "on",
        "news",
        "{",
        '{"Email": "a@b.org"}',
        "7",
    ]
    + ["http://[::1", "https://example.org/?utm_source=a&utm_source=b", "\ud800@example.org", "@"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=6)


JSON = st.recursive(LEAVES, _nested, max_leaves=25)
BODIES = st.dictionaries(NAMES | TEXTS, JSON, max_size=10)


@given(BODIES)
@example({"a@b.org": "x@\ud800.org", "1": "x@\ud800.org"})
@example({"fields[email]": "a", "fields[email][value]": "b", "fields": []})
@example({"wpforms": {"fields": {"0": {"value": {"value": [{}]}}}}})
@example({"payload": "[" * 5000})
def test_no_builder_ever_raises(body: dict[str, object]) -> None:
    for builder in BUILDERS:
        read = builder.read(body)
        assert read is None or isinstance(read["email"], str), builder.name


@given(BODIES)
def test_what_is_read_can_only_have_an_invalid_address(body: dict[str, object]) -> None:
    read = [one for builder in BUILDERS if (one := builder.read(body)) is not None]
    assert set().union(*map(_faults, read)) <= {"email", "signed_up_at"}


def _faults(read: dict[str, object]) -> set[str]:
    try:
        read_signup(read)
    except InvalidSignupError as error:
        return {fault.field for fault in error.faults}
    return set()


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.name)
def test_the_steps_name_the_address_to_enter(builder: FormBuilder) -> None:
    said = " ".join(builder.setup).replace("{address}", "https://mail.example.org/key")
    assert "https://mail.example.org/key" in said


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.name)
def test_the_steps_are_sentences(builder: FormBuilder) -> None:
    assert [step for step in builder.setup if not step[0].isupper() or step[-1] != "."] == []


def test_a_builder_has_the_name_of_its_module() -> None:
    modules = {builder.read.__module__.rpartition(".")[2] for builder in BUILDERS}
    assert modules == set(registry())
