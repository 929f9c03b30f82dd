"""Fixtures: an installation for every test, and its owner's browser."""

import pytest
from flask.testing import FlaskClient

from nurture.services.owner import sessions
from tests.installation import Installation
from tests.installations import home, smtp_sink, sqlite_home
from tests.quick import quick_passwords
from tests.web.studio import PASSWORD, PAUL, app_of, send

__all__ = ["home", "quick_passwords", "smtp_sink", "sqlite_home"]


@pytest.fixture
def link(sqlite_home: Installation) -> str:
    """The path of a one-time link for Paul."""
    context = sqlite_home.context
    return f"/studio/welcome/{sessions.make_link(context.database, PAUL, context.clock())}"


@pytest.fixture
def stranger(sqlite_home: Installation) -> FlaskClient:
    """A browser that is not signed in."""
    return app_of(sqlite_home).test_client()


@pytest.fixture
def paul(stranger: FlaskClient, link: str) -> FlaskClient:
    """Paul's browser, signed in."""
    assert send(stranger, link, password=PASSWORD).status_code == 303
    return stranger
