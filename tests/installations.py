"""Fixtures: an installation on each kind of database, with the shipped emails published."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink

__all__ = ["ScriptedSink", "home", "smtp_sink", "sqlite_home"]


class ScriptedSink(SmtpSink):
    """A mail server that runs a script each time a message has been received completely.

    What `script` returns is the answer; if it returns nothing, the message is accepted.
    """

    script: Callable[[SMTP], str | None] | None = None

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Run the test's script, and answer."""
        answer = self.script(server) if self.script else None
        return answer or await super().handle_DATA(server, session, envelope)


@pytest.fixture
def smtp_sink() -> Iterator[ScriptedSink]:
    """A real mail server that stores what it accepts and can be told to misbehave."""
    sink = ScriptedSink()
    with sink:
        yield sink


@pytest.fixture
def home(
    database_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink
) -> Iterator[Installation]:
    """An installation that sends to the sink: the test runs once on each kind of database."""
    home = Installation(database_url, tmp_path, clock_file, smtp_sink.url).publish_shipped()
    yield home
    home.close()


@pytest.fixture
def sqlite_home(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink
) -> Iterator[Installation]:
    """An installation on the embedded database, for tests that need only one kind."""
    home = Installation(sqlite_url, tmp_path, clock_file, smtp_sink.url).publish_shipped()
    yield home
    home.close()
