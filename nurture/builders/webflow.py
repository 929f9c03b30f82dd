"""Webflow: the fields of a form by their names; webhooks made through its API sign time and body.

https://developers.webflow.com/data/docs/working-with-webhooks
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from nurture import signatures
from nurture.builders import FormBuilder, FormFields, FormProof
from nurture.builders.fields.labels import Labelled, read_labelled
from nurture.builders.fields.recognition import object_in, objects_in, time_in
from nurture.signatures import SignatureError, SignatureFault

_HEADER, _TIME = "x-webflow-signature", "x-webflow-timestamp"
_SECRET_HELP = "Paste the secretKey that Webflow’s API returned when the webhook was made."

#: The time is sent in milliseconds.
_THOUSAND = 1000

#: What the first version of the API sends beside the form.
_FIRST_VERSION = {"name", "site", "data", "d", "_id"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over `time:body` with five minutes' tolerance, or raise
    SignatureError.
    """
    key = signatures.require_secret(secret, _SECRET_HELP)
    timestamp = signatures.required_header(headers, _TIME)
    offered = signatures.required_header(headers, _HEADER).lower()
    _require_recent(timestamp, now)
    signed = signatures.as_bytes(timestamp) + b":" + body
    signatures.require_any([offered], [signatures.hex_hmac(key, signed)])


def _require_recent(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 14):
        raise SignatureError(
            SignatureFault.MALFORMED,
            f"The {_TIME} header is not a whole number of milliseconds since 1970.",
        )
    seconds = str(int(timestamp) // _THOUSAND)
    signatures.require_recent(seconds, now, signatures.FIVE_MINUTES)


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a form that Webflow has sent in either version of its API."""
    if fields.get("triggerType") == "form_submission":
        return _read(object_in(fields, "payload"), "submittedAt")
    if {"name", "data"} <= fields.keys() <= _FIRST_VERSION and {"d", "site"} & fields.keys():
        return _read(fields, "d")
    return None


def _read(form: Mapping[str, Any], time: str) -> dict[str, Any] | None:
    signup = read_labelled([*_fields(form), Labelled(("page_url",), form.get("pageUrl"))])
    return signup and signup | time_in(form, time)


def _fields(form: Mapping[str, Any]) -> Iterator[Labelled]:
    kinds = {str(one.get("fieldName")): one.get("fieldType") for one in objects_in(form, "schema")}
    for name, value in object_in(form, "data").items():
        boxes = ("checkbox",) if kinds.get(name) == "FormCheckboxInput" else ()
        yield Labelled((str(name), *boxes), value)


BUILDER = FormBuilder(
    name="webflow",
    # Any other answer counts as a failure, after which the webhook is switched off.
    accepted=200,
    label="Webflow",
    read=read,
    setup=(
        "In Webflow, open the site’s settings and choose Apps & integrations, then Webhooks.",
        "Choose “Add webhook”, with the trigger type “Form submission”.",
        "Enter {address} as the address, save it, and publish the site.",
        "Every form on the site is sent to this address, so use it on a site whose forms all offer "
        "this guide. Otherwise have the webhook made through Webflow’s API, with the form’s name "
        "as its filter.",
        "A webhook made through the API with a site token is signed: paste the secretKey from its "
        "answer here, so that its calls are believed.",
        "Name each box of the form tracking, news, articles or health_topics, depending on what "
        "it asks for.",
    ),
    proof=FormProof(_HEADER, verify, _SECRET_HELP, issues_secret=True),
)
