"""Every route as the OpenAPI document describes it: its purpose, input and output.

Each row of this table is one method of one route. To add a route, add a row; a test compares
the table with the application's real routes.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from webhooks.answers import HEADERS, HTML, PLAIN, PROBLEM, STANDARD_WEBHOOKS, Json, refused


def _in_path(name: str, description: str, **more: Any) -> Json:
    schema = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    } | more


def _token(of: str) -> Json:
    return _in_path("token", f"{of} Made by the program, and valid for nothing else.")


def _signup() -> Json:
    body = {"$ref": "#/components/schemas/Signup"}
    example = {
        "email": "alice@example.org",
        "first_name": "Alice",
        "consent": ["tracking"],
        "page_url": "https://www.example.org/free-guide",
        "utm_source": "newsletter",
        "time_zone": "Europe/London",
    }
    return {
        "operationId": "signUp",
        "tags": ["Website"],
        "summary": "Someone filled in a form",
        "description": (
            "Stores the signup and the consent, and sends the email with the guide. The answer "
            "is byte for byte the same for a new address, a known one and one that must not be "
            "emailed. Only a missing or impossible `email` is refused, or a `signed_up_at` that "
            "is not a time or is too long ago: any other field that is null, empty or of the "
            "wrong type counts as not given, and values that are too long are cut. A box in "
            "`consent` that is not understood counts as no consent; the studio shows it. Field "
            "names may end in `[]` or name a part, as in `consent[tracking]` or `name[first]`; "
            "`multipart/form-data` is accepted too."
        ),
        "security": [{"bearer": []}, STANDARD_WEBHOOKS],
        "parameters": [
            _in_path("form", "The form's key, as in `[form]` of its sequence."),
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Makes a repeat harmless; a signed call has its `webhook-id`.",
                "schema": {"type": "string", "maxLength": 255},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": body, "example": example},
                "application/x-www-form-urlencoded": {
                    "schema": body,
                    "example": {"email": "alice@example.org", "name": "Alice Example"},
                    "encoding": {"consent": {"style": "form", "explode": True}},
                },
            },
        },
        "responses": {
            "202": {
                "description": "Stored. The email follows within moments.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Accepted"},
                        "example": {"status": "accepted"},
                    }
                },
            },
            **refused(
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.NOT_FOUND,
                HTTPStatus.CONFLICT,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.TOO_MANY_REQUESTS,
                HTTPStatus.SERVICE_UNAVAILABLE,
                NOT_FOUND="There is no form with that key; `detail` lists the existing ones.",
            ),
        },
    }


def _told(operation: str, summary: str, ours: str, security: list[Json], example: Json) -> Json:
    """Describe a webhook called by other programs, in their own format or our plain one."""
    return {
        "operationId": operation,
        "tags": ["Providers"],
        "summary": summary,
        "description": (
            f"The body is what the provider sends; `generic` accepts `{ours}`. Each event counts "
            "once, however often it is reported. Providers that sign inside the body (Mailgun, "
            "Amazon SES) send no signature header. An unreadable event does not affect the "
            "others in its call, and one without a time gets the time it was reported. Only "
            "what happened, when and why is stored from a body."
        ),
        "security": [STANDARD_WEBHOOKS, *security],
        "parameters": [_in_path("provider", "The provider's name.")],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "anyOf": [
                            {"$ref": f"#/components/schemas/{ours}"},
                            {"type": ["object", "array"]},
                        ]
                    },
                    "example": example,
                }
            },
        },
        "responses": {
            "204": {"description": "All readable events are stored, or were already known."},
            **refused(
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.NOT_FOUND,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.SERVICE_UNAVAILABLE,
                NOT_FOUND="There is no provider with that name.",
                UNAUTHORIZED="The call cannot be verified as the provider's. Nothing was stored.",
            ),
        },
    }


def _mail_events() -> Json:
    event = {
        "id": "e-1",
        "type": "bounced",
        "occurred_at": "2026-03-01T08:30:00Z",
        "recipient": "alice@example.org",
        "permanent": True,
        "reason": "550 5.1.1 no such user",
    }
    security: list[Json] = [
        {"basic": []},
        {"bearer": []},
        {"sendgridSignature": [], "sendgridTimestamp": []},
        {"svixId": [], "svixTimestamp": [], "svixSignature": []},
    ]
    summary = "A mail provider reports what became of emails"
    return _told("tellMailEvents", summary, "MailEvents", security, {"events": [event]})


def _bookings() -> Json:
    event = {
        "id": "b-1",
        "type": "booked",
        "email": "alice@example.org",
        "starts_at": "2026-03-04T10:00:00Z",
        "occurred_at": "2026-03-01T08:30:00Z",
    }
    security: list[Json] = [{"calendlySignature": []}, {"calSignature": []}]
    return _told("tellBooking", "A calendar reports who booked", "Booking", security, event)


def _hit(operation: str, summary: str, answer: Mapping[str, Json]) -> Json:
    return {
        "operationId": operation,
        "tags": ["Emails"],
        "summary": summary,
        "description": "Answered from the token alone, so it works if everything else is down.",
        "security": [],
        "parameters": [_token("Identifies the message.")],
        "responses": {
            **answer,
            **refused(
                HTTPStatus.NOT_FOUND, NOT_FOUND="The token is incomplete, altered or not ours."
            ),
        },
    }


def _opened() -> Json:
    picture = {"image/gif": {"schema": {"type": "string", "contentMediaType": "image/gif"}}}
    answer = {"200": {"description": "A transparent one-pixel image.", "content": picture}}
    return _hit("noteOpen", "An email was opened", answer)


def _clicked() -> Json:
    location = {"Location": {"schema": {"type": "string", "format": "uri"}}}
    redirect = {
        "description": "To the address in the token, and nowhere else.",
        "headers": location,
        "content": HTML,
    }
    answer = {"302": redirect, "410": _OUT_OF_DATE}
    return _hit("noteClick", "A link in an email was followed", answer)


_OUT_OF_DATE: Json = {
    "description": "It is too late for that: the link has expired, or was signed with a key that "
    "has since leaked.",
    "content": HTML,
}


def _page(operation: str, summary: str, more: Json | None = None) -> Json:
    """Describe a page for a subscriber; the token in its address grants all access to it."""
    return {
        "operationId": operation,
        "tags": ["Subscribers' pages"],
        "summary": summary,
        "security": [],
        "parameters": [_token("Identifies the subscriber.")],
        "responses": {
            "200": {"description": "The page.", "content": HTML},
            "404": {
                "description": "A friendly page: the link is incomplete, or the person is gone.",
                "content": HTML,
            },
            "503": {
                "description": "Not now; try again in a minute.",
                "headers": HEADERS[HTTPStatus.SERVICE_UNAVAILABLE],
                "content": HTML | PROBLEM,
            },
        },
    } | (more or {})


def _posted(operation: str, summary: str, fields: Json, answer: Json, **more: Any) -> Json:
    """Describe the form on such a page; only a POST changes anything."""
    page = _page(operation, summary, more)
    form = {"schema": {"type": "object", "properties": fields}}
    page["requestBody"] = {
        "required": False,
        "content": {"application/x-www-form-urlencoded": form, "multipart/form-data": form},
    }
    page["responses"] |= {
        "200": answer,
        "422": {
            "description": "The page again, saying which answer is not one of the choices.",
            "content": HTML,
        },
        **refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    }
    return page


_TICK: Json = {"type": "string", "enum": ["", "1"]}
_CHOICES: Json = {"tracking": _TICK, "health_topics": _TICK}
_SHOWN: Json = {"description": "The page, showing the new state.", "content": HTML}
_GUIDE: Json = {
    "description": "The guide.",
    "content": {
        "application/pdf": {"schema": {"type": "string", "contentMediaType": "application/pdf"}}
    },
}
_ONE_CLICK = (
    "A mailbox provider's one-click unsubscribe (RFC 8058) is this same call: it sends "
    "`List-Unsubscribe=One-Click`, needs neither cookie nor login and is answered without a "
    "redirect. It stops the emails, whatever else the body contains."
)


def _collect() -> Json:
    fields = {"asked": {"type": "string"}, **_CHOICES}
    summary = "Collect the guide, and confirm the address"
    return _lapsing(_posted("collectGuide", summary, fields, _GUIDE))


def _prefer() -> Json:
    wishes = {"type": "string", "enum": ["usual", "fewer", "paused", "stopped"]}
    ask = {"type": "string", "enum": ["data", "erasure"]}
    fields = {"frequency": wishes, **_CHOICES, "ask": ask}
    summary = "Change which emails you get, or ask for your data or its erasure"
    return _lapsing(_posted("changePreferences", summary, fields, _SHOWN))


def _unsubscribe() -> Json:
    one_click = {"type": "string", "enum": ["One-Click"]}
    fields = {"List-Unsubscribe": one_click, "undo": _TICK}
    summary = "Stop all emails immediately"
    return _lapsing(_posted("unsubscribe", summary, fields, _SHOWN, description=_ONE_CLICK))


def _confirm() -> Json:
    fields = {"as": {"type": "string", "enum": ["page", "file"]}}
    done: Json = {
        "description": (
            "Done: a page that says so or, for the person's data, a file to save, as HTML or JSON."
        ),
        "content": HTML | {"application/json": {"schema": {"type": "object"}}},
    }
    return _lapsing(_posted("confirm", "Confirm what an email asked", fields, done))


def _lapsing(page: Json) -> Json:
    page["responses"]["410"] = _OUT_OF_DATE
    return page


def _said(operation: str, summary: str, content: Json, *refusals: HTTPStatus) -> Json:
    """Describe a route by which the program reports on itself to anyone."""
    return {
        "operationId": operation,
        "tags": ["The program itself"],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "As asked.", "content": content}} | refused(*refusals),
    }


def _document() -> Json:
    content = {"application/json": {"schema": {"type": "object", "required": ["openapi"]}}}
    told = _said("getOpenApi", "This document", content)
    told["responses"]["304"] = {
        "description": "It has not changed since the version in `If-None-Match`."
    }
    return told


_AWAY = HTTPStatus.SERVICE_UNAVAILABLE


def _readiness() -> Json:
    told = _said("getReadiness", "Is everything it needs available?", PLAIN, _AWAY)
    told["responses"]["503"]["description"] = (
        "The database or Redis is unavailable or refuses us, or nothing is published yet. `detail` "
        "tells callers on this machine, or with `NURTURE_METRICS_TOKEN`, what to do."
    )
    return told


def _metrics() -> Json:
    told = _said("getMetrics", "Figures for Prometheus", PLAIN, _AWAY)
    told["description"] = (
        "For programs on the same machine and callers with `NURTURE_METRICS_TOKEN` as a bearer "
        "token; anyone else gets a 404. The figures are up to five seconds old."
    )
    told["security"] = [{}, {"bearer": []}]
    told["responses"] |= refused(
        HTTPStatus.NOT_FOUND, NOT_FOUND="You are not on this machine and did not send the token."
    )
    return told


OPERATIONS: Mapping[str, Mapping[str, Json]] = {
    "/webhooks/signup/{form}": {"post": _signup()},
    "/webhooks/mail/{provider}": {"post": _mail_events()},
    "/webhooks/bookings/{provider}": {"post": _bookings()},
    "/o/{token}.gif": {"get": _opened()},
    "/c/{token}": {"get": _clicked()},
    "/guide/{token}": {
        "get": _lapsing(_page("showGuide", "The guide's page")),
        "post": _collect(),
    },
    "/preferences/{token}": {
        "get": _page("showPreferences", "Which emails you get, and how often"),
        "post": _prefer(),
    },
    "/unsubscribe/{token}": {
        "get": _page("showUnsubscribe", "One button; viewing the page changes nothing"),
        "post": _unsubscribe(),
    },
    "/confirm/{token}": {
        "get": _lapsing(_page("showConfirmation", "What confirming will do")),
        "post": _confirm(),
    },
    "/healthz": {"get": _said("getHealth", "Is the process alive?", PLAIN)},
    "/readyz": {"get": _readiness()},
    "/metrics": {"get": _metrics()},
    "/openapi.json": {"get": _document()},
    "/docs": {"get": _said("getDocs", "How to call the webhooks: a readable guide", HTML)},
}
