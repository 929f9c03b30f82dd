"""What nothing can read is kept within limits, found by an erasure, and counts once if repeated."""

import json

import pytest
from werkzeug.test import TestResponse

from nurture.domain.door.field_mapping import FieldMapping
from nurture.services.door.mappings import save_mapping
from nurture.services.door.replay import replay
from nurture.services.door.site_keys import add_site
from nurture.services.subscribers import erasure
from nurture.services.subscribers.export import export_booker
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.signups import signups
from tests.installation import Installation
from tests.vocabulary import ANN

BOB = "bob@example.org"
PAIN = "pain-guide"


@pytest.fixture
def path(home: Installation) -> str:
    """The address that a website calls."""
    site = add_site(home.context.database, home.context.seal, "Shop", home.clock.now)
    return f"/webhooks/signup/{PAIN}/{site.key}"


def send(home: Installation, path: str, body: bytes, key: str = "") -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    return home.client.post(path, data=body, headers=headers, content_type="application/json")


def understand(home: Installation) -> None:
    """Say what the fields mean."""
    save_mapping(*home.context.stored, PAIN, FieldMapping("/a"), home.clock.now)


def test_an_erasure_takes_a_form_that_names_someone_in_the_middle_of_a_text(
    home: Installation, path: str
) -> None:
    home.subscribe(ANN)
    said = {"q1": f"Please write to <{ANN}>, or to {BOB}.", "q2": "info@example.org"} | {"q3": BOB}
    assert send(home, path, json.dumps(said).encode()).status_code == 202
    assert len(home.rows(kept_calls)) == 1
    erasure.forget(
        home.context.database, home.context.files, home.person(ANN)["id"], home.clock.now
    )
    assert home.rows(kept_calls) == []


def test_an_address_that_only_a_kept_form_names_is_exported_and_forgotten(
    home: Installation, path: str
) -> None:
    send(home, path, json.dumps({"a": ANN, "b": BOB}).encode())
    context, now = home.context, home.clock.now
    told = export_booker(context.database, context.tokens, ANN, now)
    assert told is not None
    assert told["kept_forms"] == [{"form": PAIN, "received_at": now.isoformat()}]
    assert erasure.forget_booker(context.database, context.files, context.tokens, ANN, now)
    assert home.rows(kept_calls) == []
    assert export_booker(context.database, context.tokens, ANN, now) is None


@pytest.mark.parametrize(
    "form",
    [{"q": f"{BOB} {ANN} " * 6000}, {"q": " ".join(f"a{n}@example.org" for n in range(60))}],
    ids=["long", "many addresses"],
)
def test_what_no_person_filled_in_is_refused_and_not_kept(
    home: Installation, path: str, form: dict[str, str]
) -> None:
    answer = send(home, path, json.dumps(form).encode())
    assert answer.status_code == 422
    assert "Send the field “email”" in answer.get_json(force=True)["detail"]
    assert home.rows(kept_calls) == []


def test_fields_that_are_named_like_lists_are_not_nested_without_end(
    home: Installation, path: str
) -> None:
    body = "a=1&" + "&".join(f"a[{n}]={n}" for n in range(3000))
    kind = "application/x-www-form-urlencoded"
    assert home.client.post(path, data=body, content_type=kind).status_code == 202
    assert len(home.rows(kept_calls)) == 1


def test_half_a_character_spoils_only_itself(home: Installation, path: str) -> None:
    body = b'{"a": "\\ud800 ann@example.org", "b": "bob@example.org", "c": "c@example.org"}'
    assert send(home, path, body).status_code == 202
    assert len(home.rows(kept_calls)) == 1


def test_a_call_that_is_repeated_after_its_form_was_understood_counts_once(
    home: Installation, path: str
) -> None:
    body = json.dumps({"a": ANN, "b": BOB}).encode()
    send(home, path, body, "key-1")
    understand(home)
    assert send(home, path, body, "key-1").status_code == 202
    replay(home.context.door, PAIN, home.clock.now)
    assert len(home.rows(signups)) == 1
    assert home.rows(kept_calls) == []


def test_a_call_that_is_repeated_after_it_was_replayed_counts_once(
    home: Installation, path: str
) -> None:
    body = json.dumps({"a": ANN, "b": BOB}).encode()
    send(home, path, body, "key-1")
    understand(home)
    replay(home.context.door, PAIN, home.clock.now)
    assert send(home, path, body, "key-1").status_code == 202
    assert len(home.rows(signups)) == 1
