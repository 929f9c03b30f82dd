"""Every refused call is recorded with what was wrong, but with none of its content."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.tracking.networks import network_of
from nurture.services.inbound.refusals import Pace, without_addresses
from nurture.store.database import Database
from nurture.store.tables.refused_calls import KEPT, RefusedCall, add_refused_call, refused_calls_of
from nurture.store.tables.refused_calls import refused_calls as table
from tests.installation import SIGNUP_TOKEN, Installation, calendly_call
from tests.servers.clock import ClockFile

SIGNUP = "/webhooks/signup/pain-guide"
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}


def noted(home: Installation) -> list[tuple[str, str, int, str]]:
    return [(r["door"], r["name"], r["status"], r["field"]) for r in home.rows(table)]


def test_each_refusal_is_noted_under_the_form_or_provider_called(home: Installation) -> None:
    client = home.client
    assert client.post(SIGNUP, json={"email": "ann@example.org"}).status_code == 401
    assert client.post(SIGNUP, json={"email": "ann@nowhere"}, headers=BEARER).status_code == 422
    assert client.post(SIGNUP, data="{", headers=BEARER | {"Content-Type": "text/x"}).status_code
    assert client.get(SIGNUP).status_code == 405
    assert client.post("/webhooks/signup/made-up", json={}, headers=BEARER).status_code == 422
    assert calendly_call(home, "invitee.created", "a@b.org", "1", secret="wrong").status_code == 401
    assert noted(home) == [
        ("signup", "pain-guide", 401, ""),
        ("signup", "pain-guide", 422, "email"),
        ("signup", "pain-guide", 415, ""),
        ("signup", "pain-guide", 405, ""),
        ("signup", "?", 422, "email"),
        ("bookings", "calendly", 401, ""),
    ]


def test_an_accepted_call_is_not_noted(home: Installation) -> None:
    assert home.fill_in_form("ann@example.org").status_code == 202
    assert noted(home) == []


def test_a_note_identifies_nobody(home: Installation) -> None:
    for address in ("secretive.person@exa mple.org", "secretive.person@", "a@secretive..org"):
        home.client.post(SIGNUP, json={"email": address, "name": "Secretive"}, headers=BEARER)
    assert len(home.rows(table)) == 3
    assert "secretive" not in str(home.rows(table)).casefold()
    assert {row["network"] for row in home.rows(table)} == {"127.0.0.0/24"}


def test_a_flood_writes_a_limited_number_of_notes_a_minute(sqlite_home: Installation) -> None:
    for _ in range(40):
        sqlite_home.client.post(SIGNUP, json={})
    assert len(noted(sqlite_home)) == 30
    sqlite_home.clock.advance(timedelta(minutes=1))
    sqlite_home.client.post(SIGNUP, json={})
    assert len(noted(sqlite_home)) == 31


def test_only_the_newest_notes_of_each_form_are_kept(
    database: Database, clock_file: ClockFile
) -> None:
    with database.writing() as connection:
        for number in range(KEPT + 5):
            for name in ("pain-guide", "golf"):
                call = RefusedCall("signup", name, clock_file.now, 422, f"{number}")
                add_refused_call(connection, call)
        kept = refused_calls_of(connection, "signup", "golf", KEPT * 2)
    assert [call.problem for call in kept] == [str(n) for n in range(KEPT + 4, 4, -1)]


@given(st.emails(), st.text(st.characters(exclude_characters="@"), max_size=40))
def test_an_address_is_masked_wherever_it_appears(address: str, around: str) -> None:
    name = address.partition("@")[0]
    said = without_addresses(f"{around} “{address}” is no address.")
    assert len(name) < 2 or f"{name}@" not in said


@pytest.mark.parametrize(
    ("client", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::9", "2001:db8:1::/48"), ("somewhere", "")],
)
def test_a_caller_is_recorded_as_a_network(client: str, network: str) -> None:
    assert network_of(client) == network


def test_a_clock_that_jumps_back_suppresses_notes_only_briefly(clock_file: ClockFile) -> None:
    pace = Pace(most=1)
    assert pace.allows(clock_file.now)
    assert not pace.allows(clock_file.now)
    assert pace.allows(clock_file.now - timedelta(hours=1))
