"""No field except the address can cost a visitor their guide, whatever its format."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.refused_calls import BOXES, refused_calls
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.installation import SIGNUP_TOKEN, Installation
from tests.presence import at_least_one
from tests.vocabulary import SERIES

PAIN = "/webhooks/signup/pain-guide"
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}

OPTIONAL = ["first_name", "name", "consent", "page_url", "time_zone", "client_ip", "user_agent"]
CAMPAIGN = ["utm_source", "utm_", "utm_\N{RIGHT-TO-LEFT OVERRIDE}x"]

ODD: list[Any] = [
    None,
    "",
    " \t\r\n ",
    [],
    {},
    [""],
    [None],
    [[]],
    0,
    -1,
    1.5,
    1e300,
    10**400,
    True,
    False,
    [1, "two", None, {"three": 3}],
    {"a": {"b": {"c": ["d"]}}},
    {"first": None, "last": 7},
    "x" * 100_000,
    ["x" * 100_000],
    "\ud800",
    "a\0b",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc\N{LEFT-TO-RIGHT MARK}",
    "undefined",
    "null",
    "😀" * 500,
]


def signed_up(home: Installation, answer: TestResponse) -> bool:
    """Return whether the call was accepted and a signup was recorded completely."""
    tables = (subscribers, signups, enrolments)
    return answer.status_code == 202 and all(len(home.rows(table)) == 1 for table in tables)


def as_form(value: Any) -> Any:
    """Return a value as a form can send it; what is not text is converted to text."""
    plain = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
    return plain if isinstance(plain, str) else json.dumps(plain)


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:24])
def test_an_odd_value_in_an_optional_field_is_never_refused(
    sqlite_home: Installation, value: Any
) -> None:
    for number, name in enumerate([*OPTIONAL, *CAMPAIGN]):
        body = {"email": f"p{number}@example.org", name: value}
        sent = json.dumps(body).encode("utf-8", "surrogatepass")
        kind = {"content_type": "application/json"}
        assert sqlite_home.client.post(PAIN, data=sent, headers=BEARER, **kind).status_code == 202
        form = {"email": f"q{number}@example.org", name: as_form(value)}
        assert sqlite_home.client.post(PAIN, data=form, headers=BEARER).status_code == 202
        form["email"] = f"r{number}@example.org"
        multipart = {"content_type": "multipart/form-data"}
        answer = sqlite_home.client.post(PAIN, data=form, headers=BEARER, **multipart)
        assert answer.status_code == 202
    everybody = 3 * len([*OPTIONAL, *CAMPAIGN])
    assert len(sqlite_home.rows(enrolments)) == everybody
    greeted = {row["first_name"] for row in sqlite_home.rows(subscribers)}
    assert greeted <= {"", "Two", "Ab", "Abc"}


@pytest.mark.parametrize("value", [None, "", [], {}, "x" * 100_000, "\ud800\0"])
def test_all_optional_fields_may_be_odd_together_on_every_database(
    home: Installation, value: Any
) -> None:
    body = {"email": "ann@example.org"} | dict.fromkeys([*OPTIONAL, *CAMPAIGN], value)
    sent = json.dumps(body).encode("utf-8", "surrogatepass")
    answer = home.client.post(PAIN, data=sent, headers=BEARER, content_type="application/json")
    assert signed_up(home, answer)
    [signup] = home.rows(signups)
    assert len(signup["page_url"]) <= 2000
    assert max(map(len, signup["utm"].values()), default=0) <= 200
    assert all(len(row["user_agent"]) <= 300 for row in at_least_one(home.rows(consents)))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ["Ann", "Example"]},
        {"name": {"first": "Ann", "last": "Example"}},
        {"name": {"First Name": "Ann", "last_name": "Example"}},
        {"name": {"1.3": "Ann", "1.6": "Example"}},
        {"first_name": ["Ann"]},
        {"first_name": {"value": "Ann"}},
        {"first_name": 17, "name": "Ann Example"},
        {"first_name": None, "name": "Ann\N{NO-BREAK SPACE}Example"},
    ],
)
def test_a_name_in_parts_is_joined(sqlite_home: Installation, fields: dict[str, Any]) -> None:
    answer = sqlite_home.client.post(PAIN, json={"email": "a@example.org"} | fields, headers=BEARER)
    assert signed_up(sqlite_home, answer)
    assert sqlite_home.person("a@example.org")["first_name"] == "Ann"


def test_a_name_in_parts_is_joined_from_a_form_too(sqlite_home: Installation) -> None:
    form = {"email": "a@example.org", "name[first]": "Ann", "name[last]": "Example"}
    assert signed_up(sqlite_home, sqlite_home.client.post(PAIN, data=form, headers=BEARER))
    assert sqlite_home.person("a@example.org")["first_name"] == "Ann"


def test_empty_campaign_parameters_are_not_stored(sqlite_home: Installation) -> None:
    fields = {f"utm_{n}": None for n in range(30)}
    more = {"utm_source": ["letter"], "utm_term": 7, "utm_content": True, "utm_medium": {}}
    body = {"email": "a@example.org"} | fields | more
    assert signed_up(sqlite_home, sqlite_home.client.post(PAIN, json=body, headers=BEARER))
    assert sqlite_home.rows(signups)[0]["utm"] == {"utm_source": "letter", "utm_term": "7"}


def test_a_wrongly_encoded_letter_loses_the_name_but_not_the_guide(
    sqlite_home: Installation,
) -> None:
    body = '{"email": "a@example.org", "first_name": "Jörg"}'.encode("latin-1")
    kind = {"content_type": "application/json"}
    answer = sqlite_home.client.post(PAIN, data=body, headers=BEARER, **kind)
    assert signed_up(sqlite_home, answer)
    assert sqlite_home.person("a@example.org")["first_name"] == ""


@pytest.mark.parametrize(
    "form",
    [
        {"consent": "Tracking"},
        {"consent[]": "tracking"},
        {"consent[]": ["", "tracking"]},
        {"consent[tracking]": "on"},
        {"consent[tracking]": ["0", "1"], "consent[health_topics]": "0"},
        {"consent[0]": "tracking"},
        {"consent": "0", "consent[tracking]": "yes"},
    ],
)
def test_a_ticked_box_is_understood_in_every_form_encoding(
    sqlite_home: Installation, form: dict[str, Any]
) -> None:
    answer = sqlite_home.client.post(PAIN, data={"email": "a@example.org"} | form, headers=BEARER)
    assert signed_up(sqlite_home, answer)
    assert sqlite_home.awaited("a@example.org") == {"tracking"}
    assert sqlite_home.rows(refused_calls) == []


def test_an_unreadable_box_grants_no_consent_and_is_reported_in_the_studio(
    home: Installation,
) -> None:
    body = {"email": "a@example.org", "consent": ["tracking", "newsletters", "I, Ann, agree"]}
    answer = home.client.post(PAIN, json=body, headers=BEARER)
    assert signed_up(home, answer)
    assert answer.data == b'{"status":"accepted"}\n'
    assert home.person("a@example.org")["purposes"] == {"guide", *SERIES}
    assert home.awaited("a@example.org") == {"tracking"}
    [note] = home.rows(refused_calls)
    assert (note["door"], note["name"], note["status"]) == (BOXES, "pain-guide", 202)
    assert note["problem"] == "A box was not understood: “newsletters”, a text of 3 words."


def test_a_flood_of_unreadable_boxes_writes_a_few_notes_and_signs_everyone_up(
    sqlite_home: Installation,
) -> None:
    for number in range(40):
        body = {"email": f"p{number}@example.org", "consent": "on"}
        assert sqlite_home.client.post(PAIN, json=body, headers=BEARER).status_code == 202
    assert len(sqlite_home.rows(refused_calls)) == 5
    assert len(sqlite_home.rows(enrolments)) == 40
