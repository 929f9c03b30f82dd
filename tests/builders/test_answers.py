"""What is answered to a builder, and what is never taken for a signup."""

import json

import pytest

from nurture.builders import ACCEPTED, answer_for, read_form
from nurture.services.door.site_keys import add_site
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation

WEBFLOW = {
    "triggerType": "form_submission",
    "payload": {"name": "Guide", "data": {"Name": "Ann", "Email": "ann@example.org"}},
}


def test_webflow_is_answered_as_it_wants_and_every_other_builder_as_usual(
    sqlite_home: Installation,
) -> None:
    key = add_site(
        sqlite_home.context.database, sqlite_home.context.seal, "Site", sqlite_home.clock.now
    ).key
    path = f"/webhooks/signup/pain-guide/{key}"
    assert sqlite_home.client.post(path, json=WEBFLOW).status_code == 200
    assert sqlite_home.client.post(path, json={"email": "bob@example.org"}).status_code == 202
    assert len(sqlite_home.rows(subscribers)) == 2
    assert answer_for("", {"X-Webflow-Signature": "x"}) == 200
    assert answer_for("native", {}) == answer_for("unknown", {}) == ACCEPTED


@pytest.mark.parametrize("event", ["unsubscribe", "contact_unsubscribed", "bounce"])
def test_a_call_that_reports_a_departure_signs_nobody_up(
    sqlite_home: Installation, event: str
) -> None:
    call = {"type": event, "email": "ann@example.org"}
    assert read_form(call) is None
    assert (
        sqlite_home.client.post(
            "/webhooks/signup/pain-guide/"
            + add_site(
                sqlite_home.context.database, sqlite_home.context.seal, "S", sqlite_home.clock.now
            ).key,
            data=json.dumps(call),
            content_type="application/json",
        ).status_code
        == ACCEPTED
    )
    assert sqlite_home.rows(subscribers) == []
    assert len(sqlite_home.rows(kept_calls)) == 1
