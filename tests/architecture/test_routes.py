"""Nothing can be changed anonymously: every such route states how it is protected."""

import base64
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
FORGED = "A" * 43


class Protection(StrEnum):
    """How a route authenticates its caller."""

    SIGNATURE = "signature"
    CAPABILITY = "capability"
    SESSION = "session"
    OPEN_FORM = "open form"
    SITE_KEY = "site key"


#: What an uninvited call may be answered. A sign-in form is answered 400 or 401 when left empty.
#: The form for complaints is open to everyone, as the law wants it, and so is the form of a guide,
#: as on any website: each only adds a row, once it is complete, and no browser carries a right that
#: another site could use.
TURNED_AWAY = {
    Protection.SIGNATURE: {401, 404},
    Protection.CAPABILITY: {400, 403, 404, 410},
    Protection.SESSION: {302, 303, 400, 401, 403},
    Protection.OPEN_FORM: {422},
    Protection.SITE_KEY: {404},
}


def protection_of(rule: Rule) -> Protection | None:
    """Return how a route is protected, judging by its path; None if that is undefined.

    A new route that changes something belongs under one of these paths, or gets a path of its own
    here, together with the answer that shows it protected.
    """
    if rule.rule == "/webhooks/signup/<form>/<key>":
        return Protection.SITE_KEY
    if rule.rule.startswith("/webhooks/"):
        return Protection.SIGNATURE
    if "token" in rule.arguments:
        return Protection.CAPABILITY
    if rule.rule.startswith("/studio/"):
        return Protection.SESSION
    if rule.rule in ("/complaint", "/f/<form>"):
        return Protection.OPEN_FORM
    return None


def changing(app: Flask) -> list[Rule]:
    """Return the routes that may change something."""
    return [rule for rule in app.url_map.iter_rules() if (rule.methods or set()) & CHANGING]


def unprotected(app: Flask) -> list[str]:
    """Return the routes that may change something without stating how they are protected."""
    return [rule.rule for rule in changing(app) if protection_of(rule) is None]


def let_in(app: Flask) -> list[str]:
    """Return the anonymous calls that were not answered with a refusal."""
    return [
        f"{method} {path} answered {status}"
        for rule in changing(app)
        for method, path, status in _calls_by_strangers(app, rule)
        if (protection := protection_of(rule)) and status not in TURNED_AWAY[protection]
    ]


def never_asked_who_calls(app: Flask) -> list[str]:
    """The signed routes that answer every unsigned call with 404, so as to reveal nothing."""
    return [
        rule.rule
        for rule in changing(app)
        if protection_of(rule) is Protection.SIGNATURE
        and 401 not in {status for _, _, status in _calls_by_strangers(app, rule)}
    ]


def _calls_by_strangers(app: Flask, rule: Rule) -> Iterator[tuple[str, str, int]]:
    client = app.test_client()
    for arguments in _examples(rule):
        _, path = rule.build(arguments) or ("", "")
        for method in sorted((rule.methods or set()) & CHANGING):
            # Whoever calls is asked for before what they say is read.
            yield method, path, client.open(path, method=method, json={}).status_code


def _examples(rule: Rule) -> Iterator[Mapping[str, str | int]]:
    names = rule.arguments - {"provider"}
    known = {"form": "pain-guide", "token": FORGED}
    arguments = {name: known.get(name, "1") for name in names}
    if "provider" not in rule.arguments:
        yield arguments
    for provider in _providers() if "provider" in rule.arguments else ():
        yield arguments | {"provider": provider}


def _providers() -> set[str]:
    from nurture import booking
    from nurture.mail import providers

    return {*booking.registry(), *providers.registry(), "nobody"}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Flask:
    """The web application as it is served, with every secret set."""
    from nurture import booking
    from nurture.bootstrap import build
    from nurture.mail import providers
    from nurture.settings import load_settings
    from webhooks import create_app

    secrets = {provider.secret_setting for provider in booking.registry().values()}
    secrets |= {provider.secret_setting for provider in providers.registry().values()}
    environment = dict.fromkeys(secrets | {"NURTURE_SIGNUP_SECRET"}, SECRET) | {
        "NURTURE_DATABASE_URL": sqlite_url,
        "NURTURE_DATA_DIR": str(tmp_path),
    }
    app: Flask = create_app(build(load_settings(environment)))
    return app


def test_every_route_that_changes_something_declares_its_protection(app: Flask) -> None:
    assert len(changing(app)) >= 6
    assert unprotected(app) == []


def test_strangers_are_refused_everywhere(app: Flask) -> None:
    assert let_in(app) == []


def test_every_webhook_authenticates_its_caller(app: Flask) -> None:
    assert never_asked_who_calls(app) == []


@pytest.fixture
def careless_app() -> Flask:
    """An application that admits everyone."""
    app = Flask("careless")
    for path in ("/webhooks/new/<provider>", "/stop/<token>", "/studio/send", "/shiny"):
        app.add_url_rule(path, path, lambda **_: "done", methods=["POST"])
    app.add_url_rule("/page", "page", lambda: "read me")
    return app


def test_an_unprotected_route_is_detected(careless_app: Flask) -> None:
    assert unprotected(careless_app) == ["/shiny"]


def test_a_route_that_admits_strangers_is_detected(careless_app: Flask) -> None:
    caught = " ".join(let_in(careless_app))
    assert all(path in caught for path in ("/webhooks/new/postmark", "/stop/A", "/studio/send"))


def test_a_webhook_that_never_authenticates_is_detected(careless_app: Flask) -> None:
    assert never_asked_who_calls(careless_app) == ["/webhooks/new/<provider>"]
