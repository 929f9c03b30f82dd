"""Whatever another program sends is read safely, or the field at fault is named."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.payload import DEEPEST, Fields, PayloadError, digest, json_body, objects

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_ordinary_json_comes_through_as_it_is(value: object) -> None:
    assert json_body(json.dumps(value).encode()) == value


@given(st.binary())
def test_anything_else_is_refused_by_one_error(body: bytes) -> None:
    try:
        json_body(body)
    except PayloadError as error:
        assert error.field == "body"


@pytest.mark.parametrize(
    "body",
    [b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), b"[" * 100_000, b"NaN", b"1e999", b'"\xff"', b""],
)
def test_what_cannot_be_kept_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        json_body(body)


def test_characters_no_database_takes_are_replaced_in_keys_and_values() -> None:
    assert json_body(rb'{"a\u0000": "\ud800x"}') == {"a\ufffd": "\ufffdx"}


@pytest.mark.parametrize("value", [None, "", "  "])
def test_missing_null_and_empty_are_the_same(value: object) -> None:
    fields = Fields({"email": value})
    assert fields.find_text("email") is None
    with pytest.raises(PayloadError, match="email: is missing"):
        fields.get_text("email")


def test_the_error_names_the_whole_path_of_the_field() -> None:
    [_, second] = objects([{}, {"person": {"age": [1]}}], "people")
    with pytest.raises(PayloadError) as raised:
        second.get_fields("person").find_text("age")
    assert raised.value.field == "people[1].person.age"


@pytest.mark.parametrize(
    "text", ["2026-03-01T08:30:00", "9999-12-31T23:59:59-14:00", "tomorrow", "0001-01-01T00:00+14"]
)
def test_a_time_that_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(PayloadError, match="is not a time"):
        Fields({"at": text}).find_moment("at")


@pytest.mark.parametrize(("value", "per_second"), [(1, 1), ("1.0", 1), (1000, 1000)])
def test_times_counted_from_1970_are_read_in_every_spelling(value: object, per_second: int) -> None:
    moment = Fields({"ts": value}).get_unix("ts", per_second)
    assert moment == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, "x", 1e300, "nan", "inf", []])
def test_counts_that_are_no_time_are_refused(value: object) -> None:
    with pytest.raises(PayloadError):
        Fields({"ts": value}).find_unix("ts")


@given(JSON, JSON)
def test_a_digest_is_the_same_for_the_same_values_only(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same
