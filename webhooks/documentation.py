"""The documentation of the webhooks: an OpenAPI document for programs and a page for people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from nurture import booking
from nurture.bootstrap import Context
from nurture.domain.subscribers.consent import OWN_WORDINGS
from nurture.mail import providers
from nurture.web.pages import PAGE_GUARDS
from webhooks.openapi import Json, document

#: The form key in the examples until a form is published.
_SOME_FORM = "your-form"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a signup, as its schema describes it."""

    name: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class DocumentedProvider:
    """A provider whose calls are accepted: its URL path, and the setting for its secret."""

    path: str
    setting: str
    secret_help: str


def create_documentation(context: Context) -> Blueprint:
    """Serve `GET /openapi.json` and `GET /docs`; neither needs the database."""
    blueprint = Blueprint(
        "documentation",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/docs/static",
    )

    @blueprint.get("/openapi.json")
    def openapi() -> AnyResponse:
        body, tag = _written(published_forms(context), context.settings.public_url)
        response = Response(body, mimetype="application/json")
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        return response.make_conditional(request)

    @blueprint.get("/docs")
    def docs() -> Response:
        return Response(_page(context), headers=PAGE_GUARDS | {"Cache-Control": "no-cache"})

    return blueprint


def published_forms(context: Context) -> tuple[str, ...]:
    """Return the keys of the published forms; none if the database is unavailable or empty."""
    published = context.published
    return tuple(published.forms) if published else ()


def signup_fields(described: Json) -> list[Field]:
    """Return the fields of a signup as the OpenAPI document describes them, for people to read."""
    schema = described["components"]["schemas"]["Signup"]
    named = {name: field.get("description", "") for name, field in schema["properties"].items()}
    own = {
        "email": "The email address. It is checked, and any mistake is named.",
        "first_name": "Used in the greeting.",
        "consent": f"The boxes ticked on the form: {', '.join(OWN_WORDINGS)}.",
        "time_zone": "The visitor's, such as Europe/London, so that emails arrive at a good time.",
    }
    fields = [Field(n, n in schema["required"], own.get(n, said)) for n, said in named.items()]
    return [*fields, Field("utm_…", False, "utm_source, utm_campaign and so on, unchanged.")]


def signup_answers(described: Json) -> dict[str, str]:
    """Return the responses of the signup webhook, by status."""
    responses = described["paths"]["/webhooks/signup/{form}"]["post"]["responses"]
    return {status: answer["description"] for status, answer in sorted(responses.items())}


def callers() -> Iterator[DocumentedProvider]:
    """Yield the mail providers and calendars whose calls are accepted."""
    for name, mail in sorted(providers.registry().items()):
        yield DocumentedProvider(f"/webhooks/mail/{name}", mail.secret_setting, mail.secret_help)
    for name, calendar in sorted(booking.registry().items()):
        if name == calendar.name:
            path = f"/webhooks/bookings/{name}"
            yield DocumentedProvider(path, calendar.secret_setting, calendar.secret_help)


@lru_cache(maxsize=4)
def _written(forms: tuple[str, ...], server: str) -> tuple[bytes, str]:
    """Return the document and its entity tag, built once for each set of forms."""
    body = json.dumps(document(forms, server), indent=1, ensure_ascii=False).encode() + b"\n"
    return body, blake2b(body, digest_size=12).hexdigest()


def _page(context: Context) -> str:
    forms = published_forms(context)
    described = document(forms, context.settings.public_url)
    return render_template(
        "docs.html",
        practice=context.practice,
        base_url=context.settings.public_url,
        forms=forms,
        form=forms[0] if forms else _SOME_FORM,
        fields=signup_fields(described),
        answers=signup_answers(described),
        callers=list(callers()),
    )
