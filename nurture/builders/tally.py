"""Tally: the answers by their questions; the body is signed.

https://tally.so/help/webhooks
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from nurture import signatures
from nurture.builders import FormBuilder, FormFields, FormProof
from nurture.builders.fields.labels import Labelled, read_labelled
from nurture.builders.fields.recognition import object_in, objects_in, time_in

_HEADER = "Tally-Signature"
_SECRET_HELP = "Enter the secret where the form’s webhook was added, as its signing secret."

#: What our readers of labels call a kind of question.
_KINDS = {"INPUT_EMAIL": "email", "CHECKBOXES": "checkbox"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over the body, or raise SignatureError; Tally signs no time."""
    key = signatures.require_secret(secret, _SECRET_HELP)
    offered = signatures.required_header(headers, _HEADER)
    signatures.require_any([offered], [signatures.base64_hmac(key, body)])


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the answers of a form that Tally has sent."""
    response = object_in(fields, "data")
    if fields.get("eventType") != "FORM_RESPONSE" or "fields" not in response:
        return None
    signup = read_labelled([_answer(one) for one in _answers(response)])
    return signup and signup | time_in(response, "createdAt")


def _answers(response: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the answers, without those that repeat each option of a question as true or false."""
    for answer in objects_in(response, "fields"):
        if answer.get("type") != "CHECKBOXES" or "options" in answer:
            yield answer


def _answer(answer: Mapping[str, Any]) -> Labelled:
    called = (answer.get("label"), _KINDS.get(str(answer.get("type"))))
    return Labelled(tuple(name for name in called if isinstance(name, str)), _value(answer))


def _value(answer: Mapping[str, Any]) -> Any:
    """Return an answer; of the options that were chosen, their texts."""
    value, options = answer.get("value"), objects_in(answer, "options")
    if not options:
        return value
    chosen = value if isinstance(value, list) else [value]
    return [option.get("text") for option in options if option.get("id") in chosen]


BUILDER = FormBuilder(
    name="tally",
    label="Tally",
    read=read,
    setup=(
        "In Tally, publish the form and open its Integrations tab.",
        "Choose Connect beside Webhooks, and enter {address} as the endpoint URL.",
        "Switch the signing secret on, and enter {secret} there.",
        "Save it, and fill in the form once to see that it arrives.",
    ),
    proof=FormProof(_HEADER, verify, _SECRET_HELP),
)
