"""The signup webhook with arbitrary input: no server errors, and nothing half stored."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from nurture.domain.subscribers.first_names import plain_first_name
from nurture.services.door import reception
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.installation import SIGNUP_TOKEN, Installation, as_json

PAIN = "/webhooks/signup/pain-guide"
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}

#: Every character, halves of surrogate pairs and NUL included.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
NAMES = st.sampled_from(
    ["email", "first_name", "name", "consent", "page_url", "time_zone", "client_ip", "user_agent"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
CAMPAIGN = ANY_TEXT.map(lambda text: f"utm_{text}")
FIELDS = st.dictionaries(NAMES | CAMPAIGN | ANY_TEXT, VALUES, max_size=6)
AN_ADDRESS = st.integers(0, 10**9).map(lambda n: f"p{n}@example.org")

#: On each kind of database; HYPOTHESIS_PROFILE=thorough tries ten times as many.
_MANY = settings().max_examples // 5
anything = settings(max_examples=_MANY, suppress_health_check=[HealthCheck.function_scoped_fixture])


def counts(home: Installation) -> tuple[int, int, int, int, int]:
    """Return how many rows a signup has written so far, by table."""
    tables = (subscribers, signups, enrolments, consents, kept_calls)
    with home.context.database.reading() as connection:
        people, filled_in, enrolled, agreed, kept = (
            connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables
        )
    return people, filled_in, enrolled, agreed, kept


def post(home: Installation, body: bytes, kind: str = "application/json", **headers: str) -> int:
    """Call the webhook and check that anything refused left nothing behind."""
    before = counts(home)
    answer = home.client.post(PAIN, data=body, headers=BEARER | headers, content_type=kind)
    if answer.status_code == 202:
        assert counts(home) > before
    else:
        assert counts(home) == before
        assert answer.mimetype == "application/problem+json"
    return answer.status_code


@anything
@given(fields=FIELDS)
@example(fields={"email": "ann@example.org", "utm_\ud800": "x"})
@example(fields={"email": "ann@example.org", "utm_\0": "\0"})
@example(fields={"email": "ann@example.org", "first_name": "\0\ud800", "user_agent": "\0\ud800"})
@example(fields={"email": "ann@example.org", "utm_a": float("nan")})
@example(fields={"email": "ann@example.org", "client_ip": "fe80::1%\0"})
def test_any_json_object_is_accepted_or_refused_as_a_whole(
    home: Installation, fields: dict[str, Any]
) -> None:
    assert post(home, as_json(fields)) in (202, 422)


@anything
@given(address=AN_ADDRESS, more=FIELDS)
def test_a_valid_address_is_enrolled_whatever_else_is_sent(
    home: Installation, address: str, more: dict[str, Any]
) -> None:
    people, filled_in, enrolled, *_ = counts(home)
    assert post(home, as_json(more | {"email": address})) == 202
    after = counts(home)
    new = after[0] - people
    assert after[1] == filled_in + 1
    assert after[2] - enrolled == new
    kept = home.person(address)["first_name"]
    assert plain_first_name(kept) == kept


@anything
@given(body=st.binary(max_size=400), kind=st.sampled_from(["application/json", "text/x"]))
def test_any_bytes_get_an_ordinary_response(
    sqlite_home: Installation, body: bytes, kind: str
) -> None:
    assert post(sqlite_home, body, kind) in (202, 400, 415, 422)


@anything
@given(body=st.binary(max_size=400))
@example(body=b"--x\r\nContent-Disposition: form-data; name=email\r\n\r\nann@example.org\r\n")
@example(body=b"--x\r\nContent-Disposition: form-data; name=\xff\r\n\r\n\xff\r\n--x--\r\n")
def test_any_bytes_sent_as_a_form_get_an_ordinary_response(
    sqlite_home: Installation, body: bytes
) -> None:
    assert post(sqlite_home, body, "application/x-www-form-urlencoded") in (202, 400, 422, 413)
    assert post(sqlite_home, body, "multipart/form-data; boundary=x") in (202, 400, 422, 413)
    assert post(sqlite_home, body, "multipart/form-data") in (202, 400, 422, 413)


#: What a program might take for something else than a text.
ODD = st.sampled_from(["{", "}", "{0}", "{x.y}", "%s", "%(a)s", "%", "$x", "\\0", "\0", "<", "@"])
AN_ODD_ADDRESS = st.lists(ODD | ANY_TEXT, max_size=6).map("".join)


@anything
@given(before=AN_ODD_ADDRESS, after=AN_ODD_ADDRESS)
@example(before="ann", after="{exam}ple.org")
@example(before="ann", after="{0.__class__}.org")
@example(before="{ann}", after="%s.org")
@example(before="ann", after="xn--\ud800.org")
def test_any_address_gets_a_response_and_a_refused_one_is_not_logged(
    sqlite_home: Installation, caplog: pytest.LogCaptureFixture, before: str, after: str
) -> None:
    address = f"{before}@{after}"
    assert post(sqlite_home, as_json({"email": address})) in (202, 422)
    form = urlencode({"email": address}, errors="replace").encode()
    assert post(sqlite_home, form, "application/x-www-form-urlencoded") in (202, 422)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.parametrize("nested", ["[", '{"email":', '{"name":{"first":'])
def test_an_endlessly_nested_body_is_a_bad_request(sqlite_home: Installation, nested: str) -> None:
    assert post(sqlite_home, nested.encode() * 50_000) == 400


def test_an_internal_error_logs_nothing_the_visitor_typed(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    address = "typed@example.org"

    def subscribe(*_: object) -> None:
        raise RuntimeError(address)

    monkeypatch.setattr(reception, "subscribe", subscribe)
    body = as_json({"email": address})
    path = "/webhooks/signup/typed-into-the-address"
    answer = sqlite_home.client.post(
        path, data=body, headers=BEARER, content_type="application/json"
    )
    assert answer.status_code == 500
    assert address not in caplog.text + answer.text
    assert path not in caplog.text
    assert "POST /webhooks/signup/<form> failed" in caplog.text
    assert "RuntimeError" in caplog.text and "reception.py" in caplog.text


def test_a_form_with_two_thousand_fields_is_accepted(sqlite_home: Installation) -> None:
    body = "&".join(f"utm_{n}={n}" for n in range(2000)) + "&email=ann@example.org"
    assert post(sqlite_home, body.encode(), "application/x-www-form-urlencoded") == 202
    [signup] = sqlite_home.rows(signups)
    assert len(signup["utm"]) <= 20


def test_an_integer_of_ten_thousand_digits_is_accepted(sqlite_home: Installation) -> None:
    body = b'{"email": "ann@example.org", "utm_n": ' + b"1" * 10_000 + b"}"
    assert post(sqlite_home, body) == 202


@pytest.mark.parametrize("form", ["%00", "%ff", "a%0d%0ab", "..", "é", "x" * 3000])
def test_any_unknown_form_key_gets_an_ordinary_response(
    home: Installation, tmp_path: Path, form: str
) -> None:
    body = as_json({"email": "ann@example.org"})
    answer = home.client.post(
        f"/webhooks/signup/{form}", data=body, headers=BEARER, content_type="application/json"
    )
    assert answer.status_code in (404, 405)
    assert counts(home) == (0, 0, 0, 0, 0)
