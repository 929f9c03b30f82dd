"""The website may say when a visitor really asked; an invalid time is refused with a remedy."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signups
from tests.installation import Installation, as_json
from tests.vocabulary import ANN
from tests.webhooks.signup_calls import BEARER, PAIN, call, problem, signed


def test_the_websites_signup_time_is_recorded_beside_the_time_of_receipt(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    said = (home.clock.now - timedelta(days=3)).astimezone(UTC).replace(microsecond=0)
    body = as_json({"email": ANN, "signed_up_at": said.isoformat()})
    # The time of the call itself is another matter.
    assert call(home, body, signed(home, body)).status_code == 202
    assert home.rows(signups)[0]["signed_up_at"] == said
    assert {(r["said_at"], r["recorded_at"]) for r in home.rows(consents)} == {
        (said, home.clock.now)
    }


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_missing_signup_time_means_now(sqlite_home: Installation, nothing: object) -> None:
    body = as_json({"email": ANN, "signed_up_at": nothing})
    assert call(sqlite_home, body).status_code == 202
    [signup] = sqlite_home.rows(signups)
    assert (signup["signed_up_at"], signup["received_at"]) == (sqlite_home.clock.now, None)


def test_a_form_may_include_the_signup_time_too(sqlite_home: Installation) -> None:
    said = sqlite_home.clock.now - timedelta(hours=1)
    given = {"email": ANN, "signed_up_at": said.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert sqlite_home.client.post(PAIN, data=given, headers=BEARER).status_code == 202
    assert sqlite_home.rows(signups)[0]["signed_up_at"] == said.replace(microsecond=0)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ("yesterday", "Send it like"),
        ("2026-03-01T10:00:00", "Send it like"),
        (1764460800, "Send it like"),
        (False, "Send it like"),
        (["x"], "Send it like"),
        ("0001-01-01T00:00:00+23:00", "Send it like"),
        ("0001-01-02T00:00:00Z", "fill in the form again"),
    ],
)
def test_an_invalid_signup_time_is_refused_and_nothing_is_stored(
    sqlite_home: Installation, given: object, remedy: str
) -> None:
    answer = call(sqlite_home, as_json({"email": ANN, "signed_up_at": given}))
    assert answer.status_code == 422
    said = problem(answer)
    assert said["field"] == "signed_up_at"
    assert remedy in said["errors"][0]["detail"]
    assert sqlite_home.rows(signups) == []


def test_the_api_document_describes_the_signup_time(sqlite_home: Installation) -> None:
    document = sqlite_home.client.get("/openapi.json").get_json()
    field = document["components"]["schemas"]["Signup"]["properties"]["signed_up_at"]
    assert field["format"] == "date-time"
    assert "400 days" in field["description"]
    assert datetime.fromisoformat(field["examples"][0]).tzinfo
