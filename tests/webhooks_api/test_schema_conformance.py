"""Whatever is sent, every answer is one that the OpenAPI document describes."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nurture.signatures import sign_standard_webhook
from tests.installation import MAIL_SECRET, SIGNUP_TOKEN, Installation
from tests.servers.clock import ClockFile
from webhooks.openapi import document as openapi_document

OPERATIONS = openapi_document([], "https://mail.example.org")["paths"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Call = Callable[["Case[Any]"], Any]

CREDENTIALS = "postmark:of-a-test"
KNOWN = {
    "/webhooks/signup/{form}": {"form": "pain-guide"},
    "/f/{form}": {"form": "pain-guide"},
    "/f/{form}/thanks": {"form": "pain-guide"},
    "/webhooks/mail/{provider}": {"provider": "postmark"},
    "/webhooks/bookings/{provider}": {"provider": "generic"},
}
BEARER = {"Authorization": f"Bearer {SIGNUP_TOKEN}"}
BASIC = {"Authorization": "Basic " + b64encode(CREDENTIALS.encode()).decode()}

MEANT, NOT_MEANT = GenerationMode.POSITIVE, GenerationMode.NEGATIVE

#: What is not meant is tried where there is a body to get wrong.
EVERY = [
    (method, path, mode)
    for path, methods in OPERATIONS.items()
    for method, operation in methods.items()
    for mode in ((MEANT, NOT_MEANT) if "requestBody" in operation else (MEANT,))
]
every_operation = pytest.mark.parametrize(
    ("method", "path", "mode"), EVERY, ids=[f"{how} {path} {mode}" for how, path, mode in EVERY]
)
sparingly = settings(
    max_examples=10,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def installation(
    sqlite_databases: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("conformance")
    installation = Installation(
        sqlite_databases.fresh(directory),
        directory,
        ClockFile(directory / "clock"),
        settings={"NURTURE_POSTMARK_SECRET": CREDENTIALS, "NURTURE_BOOKINGS_SECRET": MAIL_SECRET},
    ).publish_shipped()
    yield installation
    installation.close()


@pytest.fixture(scope="module")
def document(installation: Installation) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", installation.client.application)


@pytest.fixture(scope="module")
def places(installation: Installation) -> dict[str, dict[str, str]]:
    """Return valid values for paths: real names, and tokens of an enrolled person."""
    installation.subscribe("alice@example.org")
    signer = installation.context.tokens
    tokens = {
        "/guide/{token}": signer.guide(1),
        "/preferences/{token}": signer.preferences(1),
        "/unsubscribe/{token}": signer.unsubscribe(1, 1),
        "/o/{token}.gif": signer.opened(1),
        "/c/{token}": signer.click(1, "https://www.example.org/an-article"),
    }
    return KNOWN | {path: {"token": token} for path, token in tokens.items()}


def assert_documented(
    document: Any, method: str, path: str, mode: GenerationMode, call: Call
) -> None:
    """Send what the document allows, or what it does not, and check each answer against it."""
    cases = document[path][method].as_strategy(generation_mode=mode)
    tried = []

    @sparingly
    @given(case=cases)
    def holds(case: "Case[Any]") -> None:
        response = call(case)
        tried.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    can_be_made = True
    try:
        holds()
    except Unsatisfiable:
        can_be_made = False
    assert (can_be_made and tried) or mode is NOT_MEANT, "nothing that is meant could be made"


@every_operation
def test_a_stranger_gets_only_documented_responses(
    method: str, path: str, mode: GenerationMode, document: Any
) -> None:
    assert_documented(document, method, path, mode, lambda case: case.call())


@every_operation
def test_an_authenticated_caller_gets_only_documented_responses(
    method: str,
    path: str,
    mode: GenerationMode,
    document: Any,
    places: dict[str, dict[str, str]],
    installation: Installation,
) -> None:
    def call(case: "Case[Any]") -> Any:
        case.path_parameters.update(places.get(path, {}))
        return case.call(headers=credentials(case, installation))

    assert_documented(document, method, path, mode, call)


def credentials(case: "Case[Any]", installation: Installation) -> dict[str, str]:
    """Return what authenticates the caller, in place of generated values."""
    for made_up in [name for name in case.headers if name != "Idempotency-Key"]:
        del case.headers[made_up]
    if case.path.startswith("/webhooks/bookings/"):
        # What is signed are the very bytes, so they are made here.
        case.media_type, case.body = "text/plain", json.dumps(case.body, default=str)
        body = case.body.encode()
        return sign_standard_webhook(MAIL_SECRET, "a-call", installation.clock.now, body)
    return BASIC if case.path.startswith("/webhooks/mail/") else BEARER


def test_an_undocumented_response_is_detected() -> None:
    app = Flask("careless")
    app.add_url_rule("/healthz", "healthz", lambda: ("I am a teapot", 418))
    told = {"/healthz": OPERATIONS["/healthz"]}
    info = {"title": "careless", "version": "1"}
    document = schemathesis.openapi.from_dict({"openapi": "3.1.1", "info": info, "paths": told})
    document.app = app
    with pytest.raises(BaseExceptionGroup, match="Undocumented"):
        assert_documented(document, "get", "/healthz", MEANT, lambda case: case.call())
