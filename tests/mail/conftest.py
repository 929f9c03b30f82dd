"""What the email tests share."""

from collections.abc import Iterator

import pytest

from tests.mail.offering import close_mailers


@pytest.fixture(autouse=True)
def mailers_closed() -> Iterator[None]:
    """Leave no connection open after a test."""
    yield
    close_mailers()
