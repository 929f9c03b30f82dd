"""What the program says about its own webhooks: a document for machines and a page for people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from nurture import booking
from nurture.bootstrap import House
from nurture.domain.subscribers.consent import OWN_WORDINGS
from nurture.mail import providers
from nurture.services.catalogue import NothingPublishedError
from nurture.store.database import DatabaseUnavailableError
from nurture.web.pages import PAGE_GUARDS
from webhooks.openapi import Json, document

#: Stands in the examples while no form is published.
_SOME_FORM = "your-form"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a signup, in the words of its schema."""

    name: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose calls are read: where to, and which setting holds the secret."""

    path: str
    setting: str
    secret_help: str


def create_documentation(house: House) -> Blueprint:
    """`GET /openapi.json` and `GET /docs`; neither needs the database."""
    blueprint = Blueprint(
        "documentation",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/docs/static",
    )

    @blueprint.get("/openapi.json")
    def openapi() -> AnyResponse:
        body, tag = _written(published_forms(house), house.settings.public_url)
        response = Response(body, mimetype="application/json")
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        return response.make_conditional(request)

    @blueprint.get("/docs")
    def docs() -> Response:
        return Response(_page(house), headers=PAGE_GUARDS | {"Cache-Control": "no-cache"})

    return blueprint


def published_forms(house: House) -> tuple[str, ...]:
    """The keys of the forms there are; none while the database is away or holds none."""
    try:
        with house.database.reading() as connection:
            return tuple(house.catalogue.current(connection).forms)
    except (DatabaseUnavailableError, NothingPublishedError):
        return ()


def signup_fields(described: Json) -> list[Field]:
    """The fields of a signup as the document describes them, for people."""
    schema = described["components"]["schemas"]["Signup"]
    named = {name: field.get("description", "") for name, field in schema["properties"].items()}
    own = {
        "email": "The address. It is checked, and a mistake is named.",
        "first_name": "Used in the greeting.",
        "consent": f"The boxes ticked beside the form: {', '.join(OWN_WORDINGS)}.",
        "time_zone": "The visitor's, such as Europe/London, so that emails come at a good hour.",
    }
    fields = [Field(n, n in schema["required"], own.get(n, said)) for n, said in named.items()]
    return [*fields, Field("utm_…", False, "utm_source, utm_campaign and so on, as they came.")]


def signup_answers(described: Json) -> dict[str, str]:
    """What the signup webhook answers, by status."""
    responses = described["paths"]["/webhooks/signup/{form}"]["post"]["responses"]
    return {status: answer["description"] for status, answer in sorted(responses.items())}


def callers() -> Iterator[Caller]:
    """The mail providers and the calendars whose calls are read."""
    for name, mail in sorted(providers.registry().items()):
        yield Caller(f"/webhooks/mail/{name}", mail.secret_setting, mail.secret_help)
    for name, calendar in sorted(booking.registry().items()):
        if name == calendar.name:
            path = f"/webhooks/bookings/{name}"
            yield Caller(path, calendar.secret_setting, calendar.secret_help)


@lru_cache(maxsize=4)
def _written(forms: tuple[str, ...], server: str) -> tuple[bytes, str]:
    """The document and its entity tag, made once for each set of forms."""
    body = json.dumps(document(forms, server), indent=1, ensure_ascii=False).encode() + b"\n"
    return body, blake2b(body, digest_size=12).hexdigest()


def _page(house: House) -> str:
    forms = published_forms(house)
    described = document(forms, house.settings.public_url)
    return render_template(
        "docs.html",
        practice=house.practice,
        base_url=house.settings.public_url,
        forms=forms,
        form=forms[0] if forms else _SOME_FORM,
        fields=signup_fields(described),
        answers=signup_answers(described),
        callers=list(callers()),
    )
