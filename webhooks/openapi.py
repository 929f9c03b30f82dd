"""The OpenAPI 3.1 document: every route, what it accepts and every response it gives.

It is stored in `openapi.json`, one method of one route at a time; anything that occurs more than
once is one of its `pieces`. To add a route, add it there; a test compares the document with the
application's routes. The body of a signup is described by the model that reads it.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nurture import __version__, booking
from nurture.builders.fields.signup_body import SignupBody
from nurture.mail import providers

Json = dict[str, Any]

_TOLD: Json = json.loads(Path(__file__).with_name("openapi.json").read_text("utf-8"))
_PIECES: Json = _TOLD.pop("pieces")
_REFERENCE = "#/components/schemas/{model}"


def document(forms: Iterable[str], server: str) -> Json:
    """Return the document for a program reached at `server` that currently has these forms.

    It is OpenAPI 3.1.1. The forms are only examples: a form published tomorrow needs no new
    document.
    """
    told: Json = _whole(_TOLD)
    told["info"]["version"] = __version__
    told["servers"] = [{"url": server}]
    told["components"]["schemas"] |= _signup()
    _give_examples(told["paths"]["/webhooks/signup/{form}"], forms)
    _give_examples(told["paths"]["/webhooks/mail/{provider}"], providers.registry())
    _give_examples(told["paths"]["/webhooks/bookings/{provider}"], booking.registry())
    return told


def _whole(told: Any) -> Any:
    """Return a copy with every piece in its place."""
    if isinstance(told, list):
        return [_whole(one) for one in told]
    if not isinstance(told, dict):
        return told
    if "$piece" in told:
        return _whole(_PIECES[told["$piece"]])
    return {name: _whole(one) for name, one in told.items()}


def _give_examples(path: Any, names: Iterable[str]) -> None:
    """List the current values of the first parameter as examples."""
    known = {name: {"value": name} for name in sorted(names)}
    if known:
        path["post"]["parameters"][0]["examples"] = known


def _signup() -> Json:
    signup = SignupBody.model_json_schema(ref_template=_REFERENCE)
    shared: Json = signup.pop("$defs", {})
    signup["properties"]["email"]["format"] = "email"
    signup["patternProperties"] = {
        "^utm_": {
            "type": "string",
            "description": "Where the visitor came from; at most twenty are read.",
        }
    }
    return shared | {"Signup": signup}
