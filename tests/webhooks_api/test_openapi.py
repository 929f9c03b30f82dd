"""The OpenAPI document describes every existing route, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient

from nurture.bootstrap import build
from nurture.builders.fields.signup_body import SignupBody
from nurture.domain.tracking.events import EventKind
from nurture.settings import load_settings
from tests.architecture.codebase import ROOT
from tests.installation import BASE_URL, SIGNUP_SECRET, SIGNUP_TOKEN, Installation
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from webhooks import create_app
from webhooks.openapi import document

AUTOMATIC = {"HEAD", "OPTIONS"}

#: Not for other programs: the files of a page, and the owner's own pages behind a sign-in.
NOT_TOLD = re.compile(r"(.*\.)?static|studio\..*")


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path, clock_file: ClockFile) -> Iterator[Installation]:
    installation = Installation(sqlite_url, tmp_path, clock_file).publish_shipped()
    yield installation
    installation.close()


@pytest.fixture
def client(installation: Installation) -> FlaskClient:
    return installation.client


@pytest.fixture
def told(client: FlaskClient) -> Any:
    return client.get("/openapi.json").json


def routes(app: Flask) -> set[tuple[str, str]]:
    """Return every method of every route, spelt as in OpenAPI."""
    return {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - AUTOMATIC
        if not NOT_TOLD.fullmatch(rule.endpoint)
    }


def operations(told: Any) -> dict[tuple[str, str], Any]:
    return {
        (method, path): operation
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }


def test_exactly_the_existing_routes_are_described(client: FlaskClient, told: Any) -> None:
    assert routes(client.application) == set(operations(told))
    assert len(operations(told)) >= 16


def test_an_undescribed_route_is_detected(told: Any) -> None:
    app = Flask("careless")
    app.add_url_rule("/new/<int:number>", "new", lambda number: "", methods=["PUT"])
    assert routes(app) - set(operations(told)) == {("put", "/new/{number}")}


def test_the_document_is_valid_openapi(client: FlaskClient, told: Any) -> None:
    schemathesis.openapi.from_wsgi("/openapi.json", client.application).validate()
    assert told["openapi"].startswith("3.1.")


def test_an_invalid_document_is_detected(told: Any) -> None:
    told["paths"]["/docs"]["get"]["responses"] = "none"
    with pytest.raises(Exception, match="is not of type"):
        schemathesis.openapi.from_dict(told).validate()


def test_every_reference_can_be_resolved(told: Any) -> None:
    references = set(re.findall(r"#/components/(\w+)/(\w+)", repr(told)))
    asked = {("securitySchemes", n) for n in told["components"]["securitySchemes"]}
    schemes = {
        ("securitySchemes", name)
        for operation in operations(told).values()
        for alternative in operation.get("security", [])
        for name in alternative
    }
    assert references
    assert all(name in told["components"][kind] for kind, name in references)
    assert schemes == asked


def test_every_operation_has_a_unique_id_a_summary_and_a_response(told: Any) -> None:
    every = list(operations(told).values())
    assert len({operation["operationId"] for operation in every}) == len(every)
    assert all(operation["summary"] and operation["responses"] for operation in at_least_one(every))


def test_every_webhook_states_how_a_caller_is_authenticated(told: Any) -> None:
    for (_, path), operation in at_least_one(operations(told).items()):
        asked = bool(operation["security"]) and {} not in operation["security"]
        assert asked == (path.startswith("/webhooks/") and "{key}" not in path)


def test_every_field_of_a_signup_is_described(told: Any) -> None:
    signup = told["components"]["schemas"]["Signup"]
    assert set(signup["properties"]) == set(SignupBody.model_fields)
    assert signup["required"] == ["email"]
    assert "^utm_" in signup["patternProperties"]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_the_signup_examples_are_accepted(kind: str, client: FlaskClient, told: Any) -> None:
    post = told["paths"]["/webhooks/signup/{form}"]["post"]
    example = post["requestBody"]["content"][kind]["example"]
    sent: dict[str, Any] = {"json": example} if kind.endswith("json") else {"data": example}
    response = client.post(
        "/webhooks/signup/pain-guide", headers={"Authorization": f"Bearer {SIGNUP_TOKEN}"}, **sent
    )
    assert response.status_code == 202
    assert response.json == post["responses"]["202"]["content"]["application/json"]["example"]


def test_the_words_for_events_are_those_that_a_mail_system_may_say(told: Any) -> None:
    """What only this program knows of is not among them."""
    event = told["components"]["schemas"]["MailEvent"]["properties"]["type"]
    acts = (EventKind.DOWNLOADED, EventKind.BOOKED, EventKind.STAYED, EventKind.REPLIED)
    ours = (*acts, EventKind.USED_PAGE)
    assert event["examples"] == [kind.value for kind in EventKind if kind not in ours]


def test_every_piece_of_the_document_is_there_once_and_used() -> None:
    written = json.loads((ROOT / "webhooks/openapi.json").read_text("utf-8"))
    used = re.findall(r'"\$piece": "([^"]+)"', json.dumps(written))
    assert set(used) == set(written["pieces"])
    assert "$piece" not in json.dumps(document([], BASE_URL))


def test_the_forms_there_are_stand_as_examples_and_bind_nobody(told: Any) -> None:
    form = told["paths"]["/webhooks/signup/{form}"]["post"]["parameters"][0]
    assert set(form["examples"]) == {"pain-guide", "over-50-guide"}
    assert "enum" not in form["schema"]


def test_an_unchanged_document_is_not_sent_twice(client: FlaskClient) -> None:
    tag = client.get("/openapi.json").headers["ETag"]
    again = client.get("/openapi.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag


def test_the_document_is_served_without_a_database_and_names_no_form(tmp_path: Path) -> None:
    away = {"NURTURE_DATABASE_URL": f"sqlite:///{tmp_path}/away/file/nurture.db"}
    app = create_app(build(load_settings(away | {"NURTURE_DATA_DIR": str(tmp_path)})))
    told: Any = app.test_client().get("/openapi.json").json
    assert "examples" not in told["paths"]["/webhooks/signup/{form}"]["post"]["parameters"][0]
    assert app.test_client().get("/docs").status_code == 200


def test_the_document_and_the_docs_page_show_no_secret(
    client: FlaskClient, installation: Installation
) -> None:
    shown = client.get("/openapi.json").text + client.get("/docs").text
    secrets = [
        value
        for name, value in installation.environment.items()
        if name.endswith(("_SECRET", "_TOKEN", "_KEY"))
    ]
    assert {SIGNUP_SECRET, SIGNUP_TOKEN} <= set(secrets)
    assert [secret for secret in secrets if secret in shown] == []
    assert BASE_URL in shown
