"""Any input from another program is parsed safely, or the invalid field is named."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.payload import (
    DEEPEST,
    Fields,
    PayloadError,
    digest,
    json_body,
    parts,
    read_each,
)

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
def test_ordinary_json_is_returned_unchanged(value: object) -> None:
    assert json_body(json.dumps(value).encode()) == value


@given(st.binary())
def test_anything_else_raises_one_kind_of_error(body: bytes) -> None:
    try:
        read = json_body(body)
    except PayloadError as error:
        assert error.field == "body"
    else:
        assert json_body(json.dumps(read).encode()) == read


@pytest.mark.parametrize(
    "body",
    [b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), b"[" * 100_000, b"NaN", b"1e999", b'"\xff"', b""],
)
def test_json_that_cannot_be_stored_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        json_body(body)


def test_characters_no_database_accepts_are_replaced_in_keys_and_values() -> None:
    assert json_body(rb'{"a\u0000": "\ud800x"}') == {"a\ufffd": "\ufffdx"}


@pytest.mark.parametrize("value", [None, "", "  "])
def test_missing_null_and_empty_are_the_same(value: object) -> None:
    fields = Fields({"email": value})
    assert fields.find_text("email") is None
    with pytest.raises(PayloadError, match="email: is missing"):
        fields.get_text("email")


def test_the_error_names_the_full_path_of_the_field() -> None:
    [_, second] = Fields({"people": [{}, {"person": {"age": [1]}}]}).objects("people")
    with pytest.raises(PayloadError, match="is not text") as raised:
        second.get_fields("person").get_text("age")
    assert raised.value.field == "people[1].person.age"


@given(JSON)
def test_a_field_of_another_type_counts_as_missing(value: object) -> None:
    fields = Fields({"x": value})
    text, inner, moment = fields.find_text("x"), fields.find_fields("x"), fields.find_moment("x")
    assert text is None or isinstance(value, str | int)
    assert (inner is not None) is isinstance(value, dict)
    assert moment is None or moment.year >= 2000
    assert all(isinstance(one, Fields) for one in fields.objects("x"))
    assert fields.find_address("x") != ""


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-01T08:30:00", "9999-12-31T23:59:59-14:00", "tomorrow", "0001-01-01T00:00+14"),
        *("20260301", "Sun, 01 Mar 2026", "08:30", "-0", "2026-13-01T00:00:00Z"),
    ],
)
def test_an_invalid_time_is_read_as_none(text: str) -> None:
    assert Fields({"at": text}).find_moment("at") is None
    with pytest.raises(PayloadError, match="is not a time"):
        Fields({"at": text}).get_moment("at")


@pytest.mark.parametrize(
    "value",
    [
        *(1772440265, "1772440265", 1772440265.0, " 1772440265.0 "),
        *(1772440265000, "1772440265000", "1772440265000.0"),
        *("2026-03-02T08:31:05Z", "2026-03-02 09:31:05+01:00", "2026-03-02T08:31:05.0000000Z"),
        *("Mon, 02 Mar 2026 08:31:05 +0000", "Mon, 2 Mar 2026 09:31:05 +0100"),
    ],
)
def test_a_time_is_read_in_every_notation(value: object) -> None:
    moment = Fields({"at": value}).find_moment("at")
    assert moment == datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, "x", 1e300, "nan", "inf", [], {}, 0, -1, "9" * 400])
def test_an_implausible_timestamp_is_read_as_none(value: object) -> None:
    assert Fields({"ts": value}).find_moment("ts") is None


@pytest.mark.parametrize(
    "value",
    [
        *("ann@example.org", " ann@example.org ", "Ann <ann@example.org>", ["ann@example.org"]),
        *({"email": "ann@example.org"}, [{"address": "Ann <ann@example.org>"}]),
    ],
)
def test_an_address_is_found_however_it_is_wrapped(value: object) -> None:
    assert Fields({"to": value}).find_address("to") == "ann@example.org"


def test_an_odd_part_does_not_affect_the_others_and_is_reported() -> None:
    odd: list[PayloadError] = []
    found = parts([{"x": "a"}, 5, {"x": []}, {"x": "b"}], "events")
    assert read_each(found, lambda one: [one.get_text("x")], odd.append) == ["a", "b"]
    assert [problem.field for problem in odd] == ["events[1]", "events[2].x"]


def test_the_first_error_is_named_if_no_part_can_be_read() -> None:
    odd: list[PayloadError] = []
    with pytest.raises(PayloadError) as raised:
        read_each(parts([{}, 5], "events"), lambda one: [one.get_text("x")], odd.append)
    assert raised.value.field == "events[0].x"
    assert read_each([], lambda one: [one.get_text("x")], odd.append) == []


@given(JSON, JSON)
def test_only_equal_values_have_equal_digests(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same
