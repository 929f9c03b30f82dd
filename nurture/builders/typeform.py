"""Typeform: the answers by their questions; the body is signed.

https://www.typeform.com/developers/webhooks/example-payload/
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from nurture import signatures
from nurture.builders import FormBuilder, FormFields, FormProof
from nurture.builders.fields.labels import Labelled, read_labelled
from nurture.builders.fields.recognition import object_in, objects_in, time_in

_HEADER = "Typeform-Signature"
_SECRET_HELP = "Enter the secret under Connect › Webhooks › Edit, in the field Secret."

#: The kinds of answer that a visitor ticks.
_TICKED = {"boolean", "choice", "choices"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over the body, or raise SignatureError; Typeform signs no time."""
    key = signatures.require_secret(secret, _SECRET_HELP)
    offered = signatures.required_header(headers, _HEADER)
    signatures.require_any([offered], [f"sha256={signatures.base64_hmac(key, body)}"])


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the answers of a completed form; one that is only begun is no signup."""
    response = object_in(fields, "form_response")
    if "answers" not in response or fields.get("event_type", "form_response") != "form_response":
        return None
    signup = read_labelled([*_answers(response), *_hidden(response)])
    return signup and signup | time_in(response, "submitted_at")


def _answers(response: Mapping[str, Any]) -> Iterator[Labelled]:
    asked = objects_in(object_in(response, "definition"), "fields")
    titles = {str(question.get("id")): question.get("title") for question in asked}
    for answer in objects_in(response, "answers"):
        question, kind = object_in(answer, "field"), str(answer.get("type"))
        called = (question.get("ref"), titles.get(str(question.get("id"))), kind)
        ticked = ("checkbox",) if kind in _TICKED else ()
        labels = (*(name for name in called if isinstance(name, str)), *ticked)
        yield Labelled(labels, _value(answer.get(kind)))


def _value(given: Any) -> Any:
    """Return an answer; one chosen among several is an object with its label or labels."""
    if isinstance(given, Mapping):
        return given.get("labels") or given.get("label")
    return given


def _hidden(response: Mapping[str, Any]) -> Iterator[Labelled]:
    for name, value in object_in(response, "hidden").items():
        yield Labelled((str(name),), value)


BUILDER = FormBuilder(
    name="typeform",
    label="Typeform",
    read=read,
    setup=(
        "In Typeform, open the form and choose Connect, then Webhooks.",
        "Choose “Add a webhook”, enter {address} and save it.",
        "Choose Edit beside the new webhook, enter {secret} as its secret, and save the changes.",
        "Switch the webhook on; Typeform adds each one switched off.",
        "Ask for each consent with a Yes/No question whose block reference is tracking, news, "
        "articles or health_topics, depending on what it asks for.",
        "Choose “View deliveries”, then “Send test request”, to see that it arrives.",
    ),
    proof=FormProof(_HEADER, verify, _SECRET_HELP),
)
